"""The feature index on disk.

A folder with

* ``index.json``: the manifest (``Manifest``);
* ``vocabulary.parquet``: one row per token id, its text;
* ``layer_{L}.parquet``: one row per feature in rising order, 64 rows a row group.

Examples hold token ids, activations (float32, the transcoder's units) and the place among them of
the token the example was drawn for. Of the examples named "top" that token is the peak; those of
the quantiles, from "q9" (the strongest stretch) down to "q0", are in the quantile of that token's
activation, and a stronger one may stand near. Version 1 had no such place, and float16 activations.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec
import pyarrow as pa

from graphlabel.errors import EvidenceError
from graphlabel.records import TranscoderSet

VERSION = 2
ROWS_PER_GROUP = 64
TOP = "top"

EXAMPLE = pa.struct(
    [("ids", pa.list_(pa.int32())), ("acts", pa.list_(pa.float32())), ("token", pa.int16())]
)
QUANTILE = pa.struct([("name", pa.string()), ("examples", pa.list_(EXAMPLE))])
LOGIT = pa.struct([("id", pa.int32()), ("value", pa.float32())])
LAYER_SCHEMA = pa.schema(
    [
        ("feature", pa.int32()),
        ("density", pa.float32()),
        ("max_activation", pa.float32()),
        ("histogram_low", pa.float32()),
        ("histogram_high", pa.float32()),
        ("histogram", pa.list_(pa.int64())),
        ("top_logits", pa.list_(LOGIT)),
        ("bottom_logits", pa.list_(LOGIT)),
        ("quantiles", pa.list_(QUANTILE)),
    ]
)


@dataclass(frozen=True, slots=True)
class Manifest:
    """What an index was built from."""

    transcoder_set: TranscoderSet
    layers: tuple[int, ...]
    n_features: int
    """Features of the widest layer."""
    tokens_seen: int
    """Tokens that were looked at; since version 2 without special ones and padding."""
    corpus: str = ""
    context_length: int = 0
    seed: int = 0
    special_token_ids: tuple[int, ...] = ()
    model_revision: str = ""
    format: str = "graphlabel-feature-index"
    version: int = VERSION
    settings: dict[str, str | int | float | None] = field(default_factory=dict)


def manifest_path(folder: Path) -> Path:
    """Where an index keeps its manifest."""
    return folder / "index.json"


def vocabulary_path(folder: Path) -> Path:
    """Where an index keeps its tokens' texts."""
    return folder / "vocabulary.parquet"


def layer_path(folder: Path, layer: int) -> Path:
    """Where an index keeps the features of a layer."""
    return folder / f"layer_{layer}.parquet"


def read_manifest(folder: Path) -> Manifest:
    """The manifest of an index; raises EvidenceError when it is missing, broken or newer."""
    try:
        raw = manifest_path(folder).read_bytes()
        found = msgspec.json.decode(raw, type=Manifest)
    except OSError as error:
        raise EvidenceError(f"{folder} is no feature index: it has no index.json") from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise EvidenceError(f"{manifest_path(folder)} is broken: {error}") from error
    if found.version > VERSION:
        raise EvidenceError(f"{folder} was built by a newer graphlabel; update graphlabel")
    return found
