"""Files of cached embeddings: written once, never changed, looked up by 128-bit text hash.

A segment is a safetensors file: ``hashes`` (sorted), ``vectors`` and ``unknown`` flags of the same
texts, and in its header which encoder made them and a digest of hashes and flags.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from jaxtyping import Bool, Int64, UInt64

from graphlabel.atomic import write_bytes
from graphlabel.errors import EmbeddingCacheError

FORMAT = "graphlabel-embeddings-1"
_TYPES = {"U64": np.uint64, "F32": np.float32, "F16": np.float16, "U8": np.uint8}
_MAX_HEADER = 1 << 20


def text_hashes(texts: Sequence[str]) -> UInt64[np.ndarray, "texts 2"]:
    """BLAKE2b-128 of every text; lone surrogates have their own."""
    digests = b"".join(
        hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=16).digest()
        for text in texts
    )
    return np.frombuffer(digests, dtype="<u8").reshape(-1, 2).astype(np.uint64)


@dataclass(frozen=True, eq=False)
class Segment:
    """An open segment; vectors are mapped, not read."""

    path: Path
    identity: str
    hashes: UInt64[np.ndarray, "rows 2"]
    vectors: np.ndarray
    unknown: Bool[np.ndarray, " rows"]

    def find(self, hashes: UInt64[np.ndarray, "texts 2"]) -> Int64[np.ndarray, " texts"]:
        """The row of every text, or -1."""
        if not len(self.hashes):
            return np.full(len(hashes), -1, dtype=np.int64)
        rows = np.searchsorted(self.hashes[:, 0], hashes[:, 0])
        rows = np.minimum(rows, len(self.hashes) - 1)
        return np.where((self.hashes[rows] == hashes).all(axis=1), rows, -1).astype(np.int64)


def write_segment(
    path: Path,
    identity: str,
    hashes: UInt64[np.ndarray, "rows 2"],
    vectors: np.ndarray,
    unknown: Bool[np.ndarray, " rows"],
) -> None:
    """Write a segment atomically; raises EmbeddingCacheError when it can't be written."""
    from safetensors.numpy import save

    order = np.lexsort((hashes[:, 1], hashes[:, 0]))
    hashes, flags = np.ascontiguousarray(hashes[order]), unknown[order].astype(np.uint8)
    metadata = {"format": FORMAT, "identity": identity, "digest": _digest(hashes, flags)}
    tensors = {
        "hashes": hashes,
        "vectors": np.ascontiguousarray(vectors[order]),
        "unknown": flags,
    }
    write_bytes(path, save(tensors, metadata=metadata), EmbeddingCacheError)


def open_segment(path: Path) -> Segment:
    """Open a segment.

    Raises FileNotFoundError when another process has merged it, ValueError when it is broken.
    """
    try:
        metadata, tensors = _map(path)
        found = tensors["hashes"], tensors["vectors"], tensors["unknown"]
    except (KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"no segment: {error}") from error
    hashes, vectors, flags = np.array(found[0]), found[1], np.array(found[2])
    rows = (len(hashes),)
    shapes_fit = hashes.shape == (*rows, 2) and vectors.ndim == 2 and flags.shape == rows
    types_fit = hashes.dtype == np.uint64 and flags.dtype == np.uint8
    if not (shapes_fit and types_fit and vectors.shape[:1] == rows):
        raise ValueError("no segment: its arrays do not fit together")
    if metadata.get("format") != FORMAT or metadata.get("digest") != _digest(hashes, flags):
        raise ValueError("no segment: its digest is another")
    return Segment(path, str(metadata.get("identity")), hashes, vectors, flags.astype(bool))


def _map(path: Path) -> tuple[dict[str, Any], dict[str, np.ndarray]]:
    size = path.stat().st_size
    with path.open("rb") as file:
        length = int.from_bytes(file.read(8), "little")
        if not 2 <= length <= min(_MAX_HEADER, size - 8):
            raise ValueError("no segment: no header")
        header = json.loads(file.read(length))
    metadata = header.pop("__metadata__")
    tensors = {}
    for name, entry in header.items():
        start, stop = (8 + length + int(offset) for offset in entry["data_offsets"])
        dtype, shape = np.dtype(_TYPES[entry["dtype"]]), tuple(map(int, entry["shape"]))
        held = dtype.itemsize * int(np.prod(shape, dtype=object))
        if min(shape) < 0 or start < 8 + length or stop > size or stop - start != held:
            raise ValueError("no segment: it is cut short")
        empty = np.zeros(shape, dtype)
        tensors[name] = np.memmap(path, dtype, "r", start, shape) if held else empty
    return metadata, tensors


def _digest(hashes: np.ndarray, flags: np.ndarray) -> str:
    return hashlib.blake2b(hashes.tobytes() + flags.tobytes(), digest_size=16).hexdigest()
