"""Keeping a trainer's state: each checkpoint a folder that is there as a whole or not at all.

sparsify writes its state file by file into one place; a kill in between would leave files of two
moments. So it writes into a folder aside, which takes its name when everything is on disk.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path

from graphlabel.errors import TranscoderError

_FOLDER = re.compile(r"checkpoint\.(\d+)$")


def staging_folder(folder: Path) -> Path:
    """Where a training that is not done keeps its state: beside the set."""
    return folder.with_name(f"{folder.name}.training")


def steps_kept(staging: Path) -> int:
    """How many steps need not be done again."""
    found = latest(staging)
    return 0 if found is None else step_of(found)


def latest(staging: Path) -> Path | None:
    """The newest whole checkpoint."""
    found = [path for path in staging.glob("checkpoint.*") if _FOLDER.search(path.name)]
    return max(found, key=step_of, default=None)


def step_of(path: Path) -> int:
    """How many steps were done when a checkpoint was taken."""
    match = _FOLDER.search(path.name)
    return int(match[1]) if match else 0


def keep(staging: Path, step: int, write: Callable[[Path], None]) -> None:
    """Have a checkpoint written and settled; raises TranscoderError when that fails."""
    folder = partial(staging)
    try:
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        write(folder)
    except OSError as error:
        raise _unwritable(folder, error) from error
    settle(staging, step)


def partial(staging: Path) -> Path:
    """Where a checkpoint is written before it is one."""
    return staging / "checkpoint.partial"


def settle(staging: Path, step: int) -> Path:
    """Make what was written aside the checkpoint of a step, and remove older ones.

    Raises TranscoderError when that fails; the older one is then still there.
    """
    path, folder = staging / f"checkpoint.{step}", partial(staging)
    try:
        if not path.is_dir():
            flush(folder)
            os.replace(folder, path)
    except OSError as error:
        raise _unwritable(path, error) from error
    for old in staging.glob("checkpoint.*"):
        if old != path:
            shutil.rmtree(old, ignore_errors=True)
    return path


def _unwritable(path: Path, error: OSError) -> TranscoderError:
    return TranscoderError(
        f"cannot write {path}: {error.strerror or error}; make room and run the command again"
    )


def flush(folder: Path) -> None:
    """Have everything in a folder on disk."""
    for path in folder.rglob("*"):
        if path.is_file():
            with path.open("rb+") as file:
                os.fsync(file.fileno())
