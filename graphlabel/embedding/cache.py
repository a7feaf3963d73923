"""Embeddings kept on disk between runs.

Segments are only ever added or removed whole, by renaming, so that processes need no lock and a
kill at any moment leaves a good cache. When small ones gather they are merged; when all together
grow too large the least recently used go.
"""

from __future__ import annotations

import hashlib
import logging
import os
import re
import time
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from jaxtyping import Bool, Float32, UInt64

from graphlabel.embedding.segments import Segment, open_segment, write_segment
from graphlabel.errors import EmbeddingCacheError

CACHE_VARIABLE = "GRAPHLABEL_CACHE"
SUFFIX, BROKEN = ".safetensors", ".broken"
_OURS = re.compile(r"\.?[0-9a-f]{32}\.(safetensors|broken)")

MAX_BYTES = 4 * 1024**3
"""All encoders' embeddings together; 4 GiB are about 5 million windows of the default encoder."""

MERGE_COUNT = 16
"""So many small segments of one encoder are merged into one …"""
SMALL_BYTES = 32 * 1024**2
"""… of at most this size each."""

LEFT_OVER_SECONDS = 3600

NORM_TOLERANCE = 1e-2
"""A cached vector whose length is neither 0 nor this close to 1 is no vector of ours."""

_LOG = logging.getLogger(__name__)


def cache_folder() -> Path:
    """Where what can be made again is kept: GRAPHLABEL_CACHE or the user's cache folder."""
    from platformdirs import user_cache_path

    named = os.environ.get(CACHE_VARIABLE)
    return Path(named) if named else user_cache_path("graphlabel")


@dataclass(frozen=True, eq=False)
class Hits:
    """What a cache holds of some texts."""

    known: Bool[np.ndarray, " texts"]
    vectors: Float32[np.ndarray, "known d"]
    unknown: Bool[np.ndarray, " known"]
    """Unknown-token flags of the known texts."""


class EmbeddingCache:
    """The embeddings of one encoder, revision and precision.

    Trouble with the disk is one warning, after which the cache is not used any more; a broken
    segment is set aside under another name.
    """

    def __init__(
        self, identity: str, folder: Path | None = None, *, max_bytes: int = MAX_BYTES
    ) -> None:
        """A cache for whoever has this identity; nothing is read or written yet."""
        self.identity = identity
        self.root = (folder or cache_folder()) / "embeddings"
        self.folder = self.root / hashlib.sha256(identity.encode()).hexdigest()[:24]
        self.max_bytes = max_bytes
        self.usable = True
        self._open: dict[Path, Segment] = {}

    def get(self, hashes: UInt64[np.ndarray, "texts 2"]) -> Hits:
        """The texts that are kept, by hash."""
        known, unknown = np.zeros((2, len(hashes)), dtype=bool)
        vectors = np.zeros((0, 0), dtype=np.float32)
        for segment in self._segments():
            missing = np.flatnonzero(~known)
            rows = segment.find(hashes[missing])
            hit = rows >= 0
            if not hit.any():
                continue
            found = np.asarray(segment.vectors[rows[hit]], dtype=np.float32)
            if not _plausible(found):
                self._set_aside(segment.path, "its vectors are damaged")
                continue
            if not known.any():
                vectors = np.empty((len(hashes), found.shape[1]), dtype=np.float32)
            places = missing[hit]
            known[places] = True
            vectors[places], unknown[places] = found, segment.unknown[rows[hit]]
        if known.all():
            return Hits(known, vectors, unknown)
        return Hits(known, vectors[known[: len(vectors)]], unknown[known])

    def put(
        self,
        hashes: UInt64[np.ndarray, "texts 2"],
        vectors: np.ndarray,
        unknown: Bool[np.ndarray, " texts"],
    ) -> None:
        """Keep embeddings; they are on disk when this returns, unless there was trouble."""
        if not self.usable or not len(hashes):
            return
        try:
            self._write(hashes, vectors, unknown)
            self._merge()
            shrink(self.root, self.max_bytes)
        except (OSError, EmbeddingCacheError) as error:
            self._give_up(error)

    def _write(self, hashes: np.ndarray, vectors: np.ndarray, unknown: np.ndarray) -> None:
        path = self.folder / f"{uuid.uuid4().hex}{SUFFIX}"
        write_segment(path, self.identity, hashes, vectors, unknown)

    def _segments(self) -> Iterator[Segment]:
        """Segments of the right shape, largest first; each is opened once."""
        if not self.usable:
            return
        try:
            sizes = self._sizes()
        except OSError as error:
            self._give_up(error)
            return
        self._open = {path: segment for path, segment in self._open.items() if path in sizes}
        dimension = None
        for path in sorted(sizes, key=lambda path: -sizes[path]):
            segment = self._open.get(path) or self._opened(path)
            if segment is None:
                continue
            dimension = dimension or segment.vectors.shape[1]
            if segment.vectors.shape[1] == dimension:
                yield segment

    def _sizes(self) -> dict[Path, int]:
        found = segment_files(self.folder)
        return {path: size for path, size, _ in found if is_segment(path)}

    def _opened(self, path: Path) -> Segment | None:
        try:
            segment = open_segment(path)
            if segment.identity != self.identity:
                raise ValueError("it is another encoder's")
            with suppress(OSError):
                os.utime(path)  # the least recently used go first
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            self._set_aside(path, str(error))
            return None
        self._open[path] = segment
        return segment

    def _set_aside(self, path: Path, why: str) -> None:
        self._open.pop(path, None)
        with suppress(OSError):
            path.replace(path.with_suffix(BROKEN))
        _LOG.warning("set aside a broken file of the embedding cache, %s: %s", path, why)

    def _merge(self) -> None:
        small = [path for path, size in self._sizes().items() if size <= SMALL_BYTES]
        if len(small) < MERGE_COUNT:
            return
        parts = [part for path in small if (part := self._open.get(path) or self._opened(path))]
        parts = [part for part in parts if part.vectors.shape[1] == parts[0].vectors.shape[1]]
        if not parts:
            return
        hashes = np.concatenate([part.hashes for part in parts])
        hashes, first = np.unique(hashes, axis=0, return_index=True)
        vectors = np.concatenate([part.vectors for part in parts])[first]
        unknown = np.concatenate([part.unknown for part in parts])[first]
        self._write(hashes, vectors, unknown)
        for part in parts:
            self._open.pop(part.path, None)
            part.path.unlink(missing_ok=True)

    def _give_up(self, error: Exception) -> None:
        self.usable = False
        _LOG.warning("going on without the embedding cache: %s", error)


def _plausible(vectors: Float32[np.ndarray, "rows d"]) -> bool:
    norms = np.einsum("rd,rd->r", vectors, vectors)
    return bool(((np.abs(norms - 1) < 2 * NORM_TOLERANCE) | (norms == 0)).all())


def is_segment(path: Path) -> bool:
    """Whether a file of the cache is a whole segment by its name."""
    return path.suffix == SUFFIX and not path.name.startswith(".")


def segment_files(folder: Path) -> list[tuple[Path, int, float]]:
    """Path, bytes and time of last use of the cache's files under a folder, broken and half-written
    ones included; none if it isn't there. Other files are nobody's business.

    Raises OSError when the folder can't be read.
    """
    found = []
    folders = [folder] if folder.exists() else []
    while folders:
        for entry in os.scandir(folders.pop()):
            with suppress(FileNotFoundError):
                if entry.is_dir(follow_symlinks=False):
                    folders.append(Path(entry.path))
                elif _OURS.match(entry.name):
                    stat = entry.stat(follow_symlinks=False)
                    found.append((Path(entry.path), stat.st_size, stat.st_mtime))
    return found


def shrink(root: Path, max_bytes: int) -> int:
    """Remove the least recently used segments until the rest fits; the bytes that went.

    Broken files go first, and what a killed process left half-written goes after an hour.
    """
    files = sorted(segment_files(root), key=lambda file: (file[0].suffix != BROKEN, file[2]))
    held, freed = sum(size for _, size, _ in files), 0
    for path, size, used in files:
        left_over = path.name.startswith(".") and time.time() - used > LEFT_OVER_SECONDS
        if left_over or held - freed > max_bytes:
            path.unlink(missing_ok=True)
            freed += size
    return freed
