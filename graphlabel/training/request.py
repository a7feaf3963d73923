"""From a request to a set of transcoders in a folder."""

from __future__ import annotations

import math
import os
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
from jaxtyping import Int

from graphlabel.atomic import write_bytes
from graphlabel.errors import EvidenceError, TranscoderError
from graphlabel.evidence.corpora import Corpus, open_corpus
from graphlabel.models import LanguageModel, fitted, load_transcoders
from graphlabel.training import checkpoint
from graphlabel.training.evaluation import Evaluation, evaluate
from graphlabel.training.rows import (
    keep_rows,
    kept_rows,
    packed,
    read_rows,
    shuffled,
    taken,
)
from graphlabel.training.sampling import NAME, sampled_sequences
from graphlabel.training.settings import Identity, Report, TrainingSettings
from graphlabel.training.trainer import Training, layers_of, need_sparsify

CONFIG = "config.json"
EVALUATION = "evaluation.json"
LOG = "training.json"
ROWS = "rows.npy"


@dataclass(frozen=True)
class TrainingRequest:
    """A model, texts and settings."""

    model: LanguageModel
    corpora: tuple[str, ...]
    """Places as ``features build`` takes them, and “self”: text that the model writes."""
    settings: TrainingSettings
    text_field: str = "text"

    @property
    def identity(self) -> Identity:
        """What the run is of; raises EvidenceError where a corpus cannot be had."""
        names = [NAME] if NAME in self.corpora else []
        names += [corpus.name for corpus in self.opened]
        return Identity(self.model.name, self.model.revision, tuple(names), self.settings)

    @property
    def opened(self) -> tuple[Corpus, ...]:
        """The corpora that are no model's."""
        return tuple(open_corpus(place, self.text_field) for place in self.corpora if place != NAME)


def train_transcoders(
    request: TrainingRequest,
    folder: Path,
    *,
    checkpoint_every: int = 1_000_000,
    seconds: float = math.inf,
    force: bool = False,
    report: Report = lambda *_: None,
) -> Evaluation:
    """Train, evaluate and write a set, going on where an earlier run of the same was stopped.

    Training ends early when so many ``seconds`` of this call have gone into it.
    The folder is sparsify's, with ``evaluation.json`` and ``training.json`` beside the layers.
    Raises TranscoderError when something else is in its place or cannot be written, EvidenceError
    when the texts cannot be read, UsageError for settings that do not fit the model.
    """
    need_sparsify()
    identity, settings = request.identity, request.settings
    layers_of(request.model, settings)
    staging = _prepared(folder, identity, force=force)
    rows = _rows(request, staging, report)
    held_out, rest = rows[: settings.n_held_out], rows[settings.n_held_out :]
    training = Training(request.model, settings, rest, staging)
    whole = len(rest) * settings.context_length
    last = training.run(checkpoint_every, lambda seen: report("training", seen, whole), seconds)
    ready = _laid_out(last, staging, identity, training.steps_done * settings.tokens_of_step)
    transcoders = fitted(request.model, load_transcoders(str(ready)), partial=True)
    found = evaluate(
        request.model,
        transcoders,
        held_out,
        splice_tokens=settings.splice_tokens,
        batch_size=settings.batch_size,
        report=report,
    )
    _write(ready / EVALUATION, msgspec.json.encode(found))
    _publish(ready, folder, staging)
    return found


def _prepared(folder: Path, identity: Identity, *, force: bool) -> Path:
    """The staging folder, which holds nothing of another run."""
    staging = checkpoint.staging_folder(folder)
    if folder.exists() and not (folder.is_dir() and not any(folder.iterdir())):
        if not (folder / EVALUATION).is_file():
            raise TranscoderError(f"{folder} is there and no set of ours; name another place")
        if not force:
            raise TranscoderError(
                f"{folder} holds a set already; name another place, or --force to replace it"
            )
    if force:
        shutil.rmtree(staging, ignore_errors=True)
    state = staging / "state.json"
    difference = _difference(state, identity)
    if difference and (staging / ROWS).is_file():
        raise TranscoderError(
            f"{staging} holds an unfinished training with other settings ({difference}); "
            "train with those to go on with it, or --force to start anew"
        )
    if difference:  # nothing was made of these texts
        shutil.rmtree(staging)
    _write(state, msgspec.json.encode(identity))
    return staging


def _difference(state: Path, identity: Identity) -> str:
    """In what the run of a state differs, if there is one."""
    try:
        before = msgspec.json.decode(state.read_bytes(), type=Identity)
    except FileNotFoundError:
        return ""
    except (OSError, msgspec.DecodeError) as error:
        raise TranscoderError(f"{state} is broken: {error}; --force starts anew") from error
    return before.difference(identity)


def _rows(
    request: TrainingRequest, staging: Path, report: Report
) -> Int[np.ndarray, "rows positions"]:
    """The rows of a run, shuffled: those held out, then whole batches to train on."""
    path = staging / ROWS
    rows = kept_rows(path)
    if rows is None:
        rows = shuffled(_gathered(request, staging, report), request.settings.seed)
        keep_rows(path, rows)
    return rows


def _gathered(
    request: TrainingRequest, staging: Path, report: Report
) -> Int[np.ndarray, "rows positions"]:
    settings, corpora = request.settings, request.opened
    length = settings.context_length
    wanted = settings.n_held_out + settings.n_steps * settings.batch_size
    n_own = 0
    if NAME in request.corpora:
        n_own = round(wanted * settings.self_share) if corpora else wanted
    own = sampled_sequences(
        request.model,
        length,
        settings.seed,
        staging / NAME,
        lambda seen: report("sampling", min(seen, n_own * length), n_own * length),
    )
    found = [taken(packed(own, length), length, n_own)] if n_own else []
    if corpora:
        n_read = wanted - n_own
        read = read_rows(
            request.model,
            corpora,
            length,
            n_read,
            lambda seen: report("reading", seen, n_read * length),
        )
        found.append(read)
    rows = np.concatenate(found)
    n_batches = (len(rows) - settings.n_held_out) // settings.batch_size
    if n_batches < 1:
        raise EvidenceError(
            f"the texts hold {rows.size:,} tokens, less than a batch beside what is held out; "
            "give more text, or a smaller --batch-size or --held-out-tokens"
        )
    return rows[: settings.n_held_out + n_batches * settings.batch_size]


def _laid_out(last: Path, staging: Path, identity: Identity, tokens: int) -> Path:
    """The set as it will be published, made of the last checkpoint."""
    ready = staging / "ready"
    shutil.rmtree(ready, ignore_errors=True)
    for path in sorted(last.iterdir()):
        if (path / "cfg.json").is_file():
            shutil.copytree(path, ready / path.name)
    described: dict[str, Any] = {"model": identity.model, "tokens": tokens}
    described |= {"model_revision": identity.model_revision, "corpora": identity.corpora}
    described |= {"settings": asdict(identity.settings)}
    _write(ready / CONFIG, msgspec.json.encode(described))
    shutil.copy(last / "log.json", ready / LOG)
    return ready


def _publish(ready: Path, folder: Path, staging: Path) -> None:
    checkpoint.flush(ready)
    try:
        if folder.is_dir():
            shutil.rmtree(folder)
        os.replace(ready, folder)
    except OSError as error:
        raise TranscoderError(
            f"cannot write {folder}: {error.strerror or error}; what was made is in {ready}"
        ) from error
    shutil.rmtree(staging, ignore_errors=True)


def _write(path: Path, data: bytes) -> None:
    write_bytes(path, msgspec.json.format(data, indent=2) + b"\n", TranscoderError)
