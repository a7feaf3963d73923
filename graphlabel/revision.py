"""Which version of a model or transcoder set was used."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path

_BLOCK = 4096
_BLOCKS = 256
_COMMIT = re.compile(r"/snapshots/([0-9a-f]{40})(?:/|$)")
_WEIGHTS = ("*.safetensors", "*.gguf", "*.npz", "*.bin", "config.json", "config.yaml", "cfg.json")


def folder_revision(folder: Path) -> str:
    """A hub snapshot's commit, else a digest of the folder's weights and configuration.

    The digest reads each file's size and up to 256 evenly spread blocks of 4 KiB, so that large
    sets stay cheap; small files are read whole.
    """
    commit = _COMMIT.search(folder.resolve().as_posix() + "/")
    if commit:
        return commit[1]
    digest = hashlib.sha256()
    files = sorted({path for pattern in _WEIGHTS for path in folder.glob(pattern)})
    for path in files:
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}\n".encode())
        step = max(_BLOCK, size // _BLOCKS)
        with path.open("rb") as file:
            for start in range(0, size, step):
                file.seek(start)
                digest.update(file.read(_BLOCK))
    return f"sha256:{digest.hexdigest()[:16]}" if files else ""


def folders_revision(folders: Sequence[Path]) -> str:
    """The commit of folders in one hub snapshot, else a digest of their digests."""
    found = [folder_revision(folder) for folder in folders]
    if found and not found[0].startswith("sha256:"):
        return found[0]
    return f"sha256:{hashlib.sha256('|'.join(found).encode()).hexdigest()[:16]}"
