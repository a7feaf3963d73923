"""The record of a training run, training.json."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from scripts.atlas_training.language_model import ModelOptions
from scripts.atlas_training.transcoder import TranscoderOptions


def describe(options: ModelOptions | TranscoderOptions) -> dict[str, Any]:
    """The settings of a stage, by name."""
    return {"options": asdict(options), "threads": torch.get_num_threads()}


def update_record(out: Path, entries: Mapping[str, object]) -> None:
    """Add entries to training.json, keeping what other stages wrote."""
    path = out / "training.json"
    record: dict[str, object] = {}
    if path.exists():
        record = json.loads(path.read_text(encoding="utf-8"))
    record.update(entries)
    path.write_text(json.dumps(record, indent=1) + "\n", encoding="utf-8")
