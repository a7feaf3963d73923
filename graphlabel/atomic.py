"""Writing files so that a crash never leaves half of one."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from graphlabel.errors import GraphLabelError


@contextmanager
def replacing(path: Path, error: type[GraphLabelError]) -> Iterator[Path]:
    """A temporary path beside ``path`` that takes its place when the block ends well.

    The file is flushed to disk before it is renamed; the folder is made if need be. When anything
    goes wrong the old file stays as it was. Operating system errors are raised as ``error``.
    """
    temporary: Path | None = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:80]}.", dir=path.parent)
        os.close(handle)
        temporary = Path(name)
        yield temporary
        with temporary.open("rb+") as file:
            os.fsync(file.fileno())
        os.chmod(temporary, _mode_for(path))
        os.replace(temporary, path)
        temporary = None
        _sync_folder(path.parent)
    except OSError as problem:
        raise error(
            f"cannot write {path}: {problem.strerror or problem}; choose another place"
        ) from problem
    finally:
        if temporary is not None:
            temporary.unlink(missing_ok=True)


def write_bytes(path: Path, data: bytes, error: type[GraphLabelError]) -> None:
    """Write a whole file atomically."""
    with replacing(path, error) as temporary:
        temporary.write_bytes(data)


def _mode_for(path: Path) -> int:
    if path.exists():
        return path.stat().st_mode & 0o777
    mask = os.umask(0)
    os.umask(mask)
    return 0o666 & ~mask


def _sync_folder(folder: Path) -> None:
    if os.name != "posix":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
