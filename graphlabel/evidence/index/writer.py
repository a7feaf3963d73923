"""Writing a feature index."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import msgspec
import pyarrow as pa
import pyarrow.parquet as pq

from graphlabel.atomic import replacing, write_bytes
from graphlabel.errors import EvidenceError
from graphlabel.evidence.index.format import (
    ROWS_PER_GROUP,
    Manifest,
    layer_path,
    manifest_path,
    vocabulary_path,
)


def write_layer(folder: Path, layer: int, table: pa.Table) -> None:
    """Write a layer's features, one row of ``LAYER_SCHEMA`` each in rising order, atomically."""
    with replacing(layer_path(folder, layer), EvidenceError) as temporary:
        pq.write_table(
            table,
            temporary,
            row_group_size=ROWS_PER_GROUP,
            compression="zstd",
            compression_level=12,
        )


def write_vocabulary(folder: Path, texts: Sequence[str]) -> None:
    """Write every token's text, in the order of token ids."""
    table = pa.table({"text": pa.array(texts, pa.string())})
    with replacing(vocabulary_path(folder), EvidenceError) as temporary:
        pq.write_table(table, temporary, compression="zstd")


def write_manifest(folder: Path, manifest: Manifest) -> None:
    """Write the manifest; last, so that a folder with one is complete."""
    data = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
    write_bytes(manifest_path(folder), data + b"\n", EvidenceError)
