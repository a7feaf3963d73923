"""Embedding rows of a checkpoint, read without the rest of it (torch)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import torch
from jaxtyping import Float32

from graphlabel.errors import VerbalizerError
from graphlabel.hub import only_local_files, quiet_hub
from graphlabel.labeling.verbalizers.places import checkpoint_file, find_file
from graphlabel.models.architectures import architecture_of
from graphlabel.models.checkpoint import read_tokenizer

_INDEX, _WHOLE = "model.safetensors.index.json", "model.safetensors"


def load_tokenizer(place: str) -> Any:
    """The tokenizer of a checkpoint; raises VerbalizerError."""
    quiet_hub()
    local = Path(place).is_dir() or only_local_files()
    try:
        return read_tokenizer(place, {"local_files_only": local, "trust_remote_code": False})
    except (OSError, ValueError, KeyError) as error:
        why = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise VerbalizerError(f"cannot read the tokenizer of {place}: {why}") from error


def embedding_rows(place: str, ids: Sequence[int]) -> Float32[np.ndarray, "tokens d_model"]:
    """The rows of some token ids as the first block reads them: for Gemma × √d_model.

    Raises VerbalizerError when they cannot be read, UnsupportedArchitectureError for a family that
    graphlabel does not know.
    """
    from safetensors import SafetensorError, safe_open

    path, key = _where(place)
    try:
        with safe_open(path, framework="pt") as file:
            part = file.get_slice(key)
            rows = torch.cat([part[i : i + 1] for i in ids]).to(torch.float32)
    except (SafetensorError, OSError, IndexError) as error:
        raise VerbalizerError(f"cannot read the embeddings in {path}: {error}") from error
    scaled = rows * _scale(place, rows.shape[1])
    return scaled.numpy()


def _where(place: str) -> tuple[Path, str]:
    """The file with the input embeddings, and their name there."""
    from safetensors import safe_open

    index = find_file(place, _INDEX)
    if index is not None:
        names = msgspec.json.decode(index.read_bytes())["weight_map"]
    else:
        with safe_open(checkpoint_file(place, _WHOLE), framework="pt") as file:
            names = dict.fromkeys(file.keys(), _WHOLE)
    wanted = f"{_architecture(place).embedding.rpartition('.')[2]}.weight"
    found = [name for name in names if name.endswith(wanted)]
    if len(found) != 1:
        raise VerbalizerError(
            f"{place} has {len(found)} weights that end in {wanted}, and should have 1; get the "
            "whole checkpoint"
        )
    return checkpoint_file(place, names[found[0]]), found[0]


def _config(place: str) -> Any:
    from transformers import AutoConfig

    return AutoConfig.from_pretrained(checkpoint_file(place, "config.json").parent)


def _architecture(place: str) -> Any:
    return architecture_of(_config(place).model_type)


def _scale(place: str, d_model: int) -> float:
    return float(_architecture(place).embedding_scale(d_model))
