"""Transcoders on the Hugging Face hub."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from graphlabel.errors import TranscoderError
from graphlabel.hub import gated, only_local_files

_LEGACY = {
    "gemma": "mwhanna/gemma-scope-transcoders",
    "llama": "mntss/transcoder-Llama-3.2-1B",
}
"""circuit-tracer's old names."""

_WEIGHTS = ("layer_*.safetensors", "W_*.safetensors")
_SPARSIFY = ("config.json", "*/cfg.json", "*/sae.safetensors")


@dataclass(frozen=True, slots=True)
class Reference:
    """A place on the hub: a repository, a folder or file in it, a revision."""

    repository: str
    path: str = ""
    revision: str | None = None


def parse_reference(name: str) -> Reference:
    """``owner/name[/path][@revision]`` or ``hf://owner/name/path[?revision=…]``.

    Raises TranscoderError when it is neither.
    """
    revision: str | None
    if name.startswith("hf://"):
        parts = urlsplit(name)
        whole = f"{parts.netloc}{parts.path}"
        revision = parse_qs(parts.query).get("revision", [None])[0]
    else:
        whole, _, stated = _LEGACY.get(name, name).partition("@")
        revision = stated or None
    owner, _, rest = whole.strip("/").partition("/")
    repository, _, path = rest.partition("/")
    if not owner or not repository:
        raise TranscoderError(
            f"“{name}” is no transcoder folder here and no hub id (owner/name); check --transcoders"
        )
    return Reference(f"{owner}/{repository}", path, revision)


def download_set(name: str) -> Path:
    """The local folder of a set on the hub; raises TranscoderError when it cannot be had.

    Of a repository with many sets only the files of this one are fetched; those that its
    configuration lists one by one are left to ``download_file``.
    """
    place = parse_reference(name)
    folder = _snapshot(place, ["config.yaml"], name)
    config = folder / "config.yaml"
    if not config.is_file():
        return _snapshot(place, list(_SPARSIFY), name)
    if re.search(r"^transcoders\s*:", config.read_text(encoding="utf-8"), re.MULTILINE):
        return folder
    return _snapshot(place, ["config.yaml", *_WEIGHTS], name)


def _snapshot(place: Reference, files: list[str], name: str) -> Path:
    from huggingface_hub import snapshot_download

    inside = f"{place.path}/" if place.path else ""
    try:
        folder = snapshot_download(
            place.repository,
            revision=place.revision,
            allow_patterns=[inside + each for each in files],
            local_files_only=only_local_files(),
        )
    except _hub_errors() as error:
        raise _unreachable(name, error) from error
    return Path(folder) / place.path


def download_file(address: str) -> Path:
    """The local copy of a file at an ``hf://`` address; raises TranscoderError."""
    from huggingface_hub import hf_hub_download

    place = parse_reference(address)
    try:
        path = hf_hub_download(
            place.repository,
            place.path,
            revision=place.revision,
            local_files_only=only_local_files(),
        )
    except _hub_errors() as error:
        raise _unreachable(address, error) from error
    return Path(path)


def _hub_errors() -> tuple[type[Exception], ...]:
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    return (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError)


def _unreachable(name: str, error: Exception) -> TranscoderError:
    return TranscoderError(
        gated(error, "repository", name)
        or f"there are no transcoders “{name}”: no such folder here, and the Hugging Face hub has "
        "no such repository or cannot be reached; check --transcoders"
    )
