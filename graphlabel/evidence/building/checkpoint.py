"""Keeping a run's state in a folder, so that it can be resumed or merged with other shards'.

``state.json`` names the generation of the ``layer_{L}.{generation}.safetensors`` beside it that
belongs to it; it is replaced last, so a kill at any moment leaves the older state whole.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

import msgspec
import numpy as np
from safetensors import SafetensorError
from safetensors.numpy import load_file, save

from graphlabel.atomic import write_bytes
from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.examples import Examples
from graphlabel.evidence.building.layer import LayerTables
from graphlabel.evidence.building.settings import Identity, Shard


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a run has come."""

    identity: Identity
    shard: Shard = field(default_factory=Shard)
    blocks: int = 0
    """Blocks of the corpus that are done, those of other shards among them."""
    tokens_seen: int = 0
    """Tokens that were looked at, special ones not counted."""
    longest: int = 0
    """The longest sequence so far, in tokens."""
    complete: bool = False
    widths: dict[int, int] = field(default_factory=dict)
    """How many features of each layer are indexed."""
    places: dict[str, str] = field(default_factory=dict)
    """Where model and transcoders were found, for those who merge."""
    version: int = 1


def save_state(folder: Path, progress: Progress, layers: Sequence[LayerTables]) -> None:
    """Write a state; raises EvidenceError when it cannot be written, the older one then holds."""
    for layer in layers:
        path = _layer_path(folder, layer.layer, progress.blocks)
        write_bytes(path, save(_arrays(layer)), EvidenceError)
    data = msgspec.json.format(msgspec.json.encode(progress), indent=2)
    write_bytes(folder / "state.json", data + b"\n", EvidenceError)
    current = {_layer_path(folder, layer.layer, progress.blocks) for layer in layers}
    for old in set(folder.glob("layer_*.safetensors")) - current:
        old.unlink()


def read_progress(folder: Path) -> Progress | None:
    """The state kept in a folder, or None; raises EvidenceError when it is broken."""
    try:
        return msgspec.json.decode((folder / "state.json").read_bytes(), type=Progress)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(
            f"{folder / 'state.json'} is broken: {error}; remove {folder} and build anew"
        ) from error


def load_state(folder: Path, progress: Progress, layers: Sequence[LayerTables]) -> None:
    """Put a state into empty tables; raises EvidenceError when it is broken."""
    for layer in layers:
        path = _layer_path(folder, layer.layer, progress.blocks)
        try:
            arrays = load_file(path)
            for name, table in (("top", layer.top), ("sample", layer.sample)):
                table.offer(_examples(arrays, name))
            _histograms(arrays, layer)
        except (OSError, SafetensorError, KeyError, ValueError, IndexError) as error:
            raise EvidenceError(
                f"{path} is broken: {error}; remove {folder} and build anew"
            ) from error


def _layer_path(folder: Path, layer: int, generation: int) -> Path:
    return folder / f"layer_{layer}.{generation}.safetensors"


def _arrays(layer: LayerTables) -> dict[str, np.ndarray]:
    arrays = {
        f"{name}.{field.name}": np.ascontiguousarray(getattr(examples, field.name))
        for name, examples in (("top", layer.top.kept()), ("sample", layer.sample.kept()))
        for field in fields(Examples)
    }
    histograms = layer.histograms
    arrays |= {
        "histogram.high": histograms.high,
        "histogram.counts": histograms.counts,
        "histogram.largest": histograms.largest,
    }
    return arrays


def _examples(arrays: dict[str, np.ndarray], name: str) -> Examples:
    return Examples(*(arrays[f"{name}.{field.name}"] for field in fields(Examples)))


def _histograms(arrays: dict[str, np.ndarray], layer: LayerTables) -> None:
    histograms = layer.histograms
    for name in ("high", "counts", "largest"):
        found = arrays[f"histogram.{name}"]
        if found.shape != getattr(histograms, name).shape:
            raise ValueError(f"histogram.{name} has shape {found.shape}")
        setattr(histograms, name, found.copy())


def resumed(folder: Path, fresh: Progress) -> Progress:
    """Where to go on in a folder: at its state if that is of the same run, else at the start.

    Raises EvidenceError when the folder holds the state of another run.
    """
    found = read_progress(folder)
    if found is None:
        return fresh
    difference = found.identity.difference(fresh.identity)
    if found.shard != fresh.shard:
        difference = difference or "shard"
    if difference:
        raise EvidenceError(
            f"{folder} holds an unfinished index made with other settings ({difference}); "
            "build with those to resume it, or --force to start anew"
        )
    return replace(found, places=fresh.places)
