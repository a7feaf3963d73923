"""The record of a training run, training.json."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch

from scripts.atlas_training.language_model import ModelOptions
from scripts.atlas_training.transcoder import TranscoderOptions


def describe(
    options: ModelOptions | TranscoderOptions,
    of_layers: Mapping[str, Sequence[float]] | None = None,
) -> dict[str, Any]:
    """The settings of a stage, by name; those that differ between layers as lists."""
    own = {name: list(numbers) for name, numbers in (of_layers or {}).items()}
    return {"options": {**asdict(options), **own}, "threads": torch.get_num_threads()}


def layers_of_record(out: Path) -> list[dict[str, Any]]:
    """What training.json says of the transcoders that were trained before, layer by layer."""
    return list(_read(out).get("transcoders", {}).get("layers", []))


def update_record(out: Path, entries: Mapping[str, object]) -> None:
    """Add entries to training.json, keeping what other stages wrote."""
    record = {**_read(out), **entries}
    text = json.dumps(record, indent=1) + "\n"
    (out / "training.json").write_text(text, encoding="utf-8")


def _read(out: Path) -> dict[str, Any]:
    path = out / "training.json"
    return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
