"""Turning what a run has found into an index that is there as a whole or not at all."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import msgspec

from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.build import Part
from graphlabel.evidence.building.logits import LogitLens
from graphlabel.evidence.building.table import layer_table
from graphlabel.evidence.index.format import Manifest, manifest_path
from graphlabel.evidence.index.writer import write_layer, write_manifest, write_vocabulary
from graphlabel.models import LanguageModel, Transcoders

Step = Callable[[int, int], None]
"""Told how many of how many layers are written."""


def staging_folder(folder: Path) -> Path:
    """Where the unfinished index of a folder is kept: beside it."""
    return folder.with_name(f"{folder.name}.building")


def prepare(folder: Path, *, force: bool = False) -> Path:
    """The staging folder for an index, ready for use.

    Raises EvidenceError when something is in the way: another index (unless ``force``), or a folder
    or file that is none (always, since ``force`` should not destroy what it does not know).
    """
    staging = staging_folder(folder)
    if folder.exists():
        empty = folder.is_dir() and not any(folder.iterdir())
        if manifest_path(folder).is_file():
            if not force:
                raise EvidenceError(
                    f"{folder} holds an index already; name another place, or --force to replace it"
                )
        elif not empty:
            raise EvidenceError(f"{folder} is there and no feature index; name another place")
    if force and staging.is_dir():
        _remove(staging)
    return staging


def prepare_part(folder: Path, *, force: bool = False) -> None:
    """Make sure that a folder can hold a shard's state: it is new, or holds one already.

    ``force`` removes a state. Raises EvidenceError when something else is there.
    """
    if (folder / "state.json").is_file():
        if force:
            _remove(folder)
    elif folder.is_file() or (folder.is_dir() and any(folder.iterdir())):
        raise EvidenceError(f"{folder} is there and no part of an index; name another place")


def publish(
    part: Part,
    model: LanguageModel,
    transcoders: Transcoders,
    folder: Path,
    step: Step = lambda *_: None,
) -> Manifest:
    """Write an index beside its place, then put it there; the staging folder goes.

    Raises EvidenceError when no token was read, or when it cannot be written; an index that was
    there then still is.
    """
    staging = staging_folder(folder)
    if not part.progress.tokens_seen:
        if staging.is_dir():
            _remove(staging)
        raise EvidenceError(
            f"the corpus {part.progress.identity.corpus} holds no text; name one that does"
        )
    fresh = staging / "index"
    if fresh.exists():
        _remove(fresh)
    manifest = write_index(part, model, transcoders, fresh, step)
    old = staging / "replaced"
    try:
        if folder.exists():
            os.rename(folder, old)
        os.rename(fresh, folder)
    except OSError as error:
        raise EvidenceError(f"cannot write {folder}: {error.strerror or error}") from error
    _remove(staging)
    return manifest


def write_index(
    part: Part,
    model: LanguageModel,
    transcoders: Transcoders,
    folder: Path,
    step: Step = lambda *_: None,
) -> Manifest:
    """Write an index's files into a folder."""
    progress, lens = part.progress, LogitLens(model)
    settings = progress.identity.settings
    for number, layer in enumerate(part.layers):
        logits = lens.effects(transcoders.layers[layer.layer], layer.n_features)
        table = layer_table(layer, settings, progress.tokens_seen, logits)
        write_layer(folder, layer.layer, table)
        step(number + 1, len(part.layers))
    vocabulary = int(model.config.vocab_size)
    write_vocabulary(folder, [model.tokenizer.decode([i]) for i in range(vocabulary)])
    kept = msgspec.to_builtins(settings)
    manifest = Manifest(
        transcoder_set=progress.identity.transcoder_set,
        layers=tuple(layer.layer for layer in part.layers),
        n_features=max(layer.n_features for layer in part.layers),
        tokens_seen=progress.tokens_seen,
        corpus=progress.identity.corpus,
        context_length=progress.longest,
        seed=settings.seed,
        special_token_ids=tuple(sorted(set(model.tokenizer.all_special_ids))),
        model_revision=progress.identity.model_revision,
        settings={name: value for name, value in kept.items() if name not in ("layers", "seed")},
    )
    write_manifest(folder, manifest)
    return manifest


def _remove(folder: Path) -> None:
    try:
        shutil.rmtree(folder)
    except OSError as error:
        raise EvidenceError(f"cannot remove {folder}: {error.strerror or error}") from error
