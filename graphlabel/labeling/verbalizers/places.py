"""Files of checkpoints, in a folder or on the Hugging Face hub."""

from __future__ import annotations

from pathlib import Path

from graphlabel.errors import VerbalizerError
from graphlabel.hub import gated, only_local_files, quiet_hub


def checkpoint_file(place: str, name: str) -> Path:
    """A file of a checkpoint; raises VerbalizerError when it does not have it."""
    found = find_file(place, name)
    if found is None:
        raise VerbalizerError(
            f"{place} holds no {name}; name the folder or hub id of the whole one"
        )
    return found


def find_file(place: str, name: str) -> Path | None:
    """A file of a checkpoint, None when the checkpoint is there and does not have it.

    Raises VerbalizerError when there is no such checkpoint, or the hub does not give it.
    """
    folder = Path(place)
    if folder.is_dir():
        return folder / name if (folder / name).is_file() else None
    from huggingface_hub import hf_hub_download
    from huggingface_hub.errors import (
        EntryNotFoundError,
        HfHubHTTPError,
        HFValidationError,
        LocalEntryNotFoundError,
    )

    quiet_hub()
    try:
        return Path(hf_hub_download(place, name, local_files_only=only_local_files()))
    except LocalEntryNotFoundError as error:
        if not _is_cached(place):
            raise _absent(place) from error
        return None
    except EntryNotFoundError:
        return None
    except (HfHubHTTPError, HFValidationError, OSError, ValueError) as error:
        closed = gated(error, "checkpoint", place)
        raise VerbalizerError(closed) if closed else _absent(place) from error


def _is_cached(place: str) -> bool:
    """Whether the local cache has other files of a checkpoint."""
    from huggingface_hub import snapshot_download

    try:
        snapshot_download(place, local_files_only=True)
    except (OSError, ValueError):
        return False
    return True


def _absent(place: str) -> VerbalizerError:
    return VerbalizerError(
        f"there is no checkpoint “{place}”: it is no folder here, and the Hugging Face hub has no "
        "such thing or cannot be reached"
    )
