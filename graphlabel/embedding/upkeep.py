"""Looking into the embedding cache and emptying it."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

from graphlabel.embedding.cache import cache_folder, is_segment, segment_files
from graphlabel.embedding.segments import open_segment
from graphlabel.errors import EmbeddingCacheError


@dataclass(frozen=True, slots=True)
class Kept:
    """What the cache holds of one encoder in one precision."""

    encoder: str
    revision: str
    precision: str
    texts: int
    """Rows; a text that two processes embedded at once counts twice until they are merged."""
    size: int
    """Bytes."""


def kept_embeddings(folder: Path | None = None) -> tuple[Path, list[Kept]]:
    """Where embeddings are kept, and what there is, largest first; broken files are left out.

    Raises EmbeddingCacheError when the folder can't be read.
    """
    root = (folder or cache_folder()) / "embeddings"
    held: dict[str, list[tuple[int, int]]] = defaultdict(list)
    try:
        for path, size, _ in segment_files(root):
            if is_segment(path):
                try:
                    segment = open_segment(path)
                except (FileNotFoundError, ValueError):
                    continue
                held[segment.identity].append((len(segment.hashes), size))
    except OSError as error:
        raise EmbeddingCacheError(
            f"the embedding cache {root} cannot be read: {error.strerror or error}; "
            "set GRAPHLABEL_CACHE to another folder"
        ) from error
    kept = []
    for identity, parts in held.items():
        encoder, revision, precision = (*identity.rsplit("\n", 2), "", "")[:3]
        kept.append(
            Kept(encoder, revision, precision, sum(n for n, _ in parts), sum(s for _, s in parts))
        )
    return root, sorted(kept, key=lambda each: -each.size)


def clear_embeddings(folder: Path | None = None) -> int:
    """Remove every kept embedding; the bytes that went.

    Raises EmbeddingCacheError when they can't be removed.
    """
    root = (folder or cache_folder()) / "embeddings"
    try:
        found = segment_files(root)
        for path, _, _ in found:
            path.unlink(missing_ok=True)
    except OSError as error:
        raise EmbeddingCacheError(
            f"the embedding cache {root} cannot be removed: {error.strerror or error}; "
            "remove the folder by hand"
        ) from error
    return sum(size for _, size, _ in found)
