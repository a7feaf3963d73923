"""Making an index: from a request, from token sequences, or from the parts of shards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.build import Part, build_part, merged
from graphlabel.evidence.building.checkpoint import Progress, load_state, read_progress
from graphlabel.evidence.building.layer import LayerTables
from graphlabel.evidence.building.publish import Step, prepare, prepare_part, publish
from graphlabel.evidence.building.request import Places
from graphlabel.evidence.building.run import Run
from graphlabel.evidence.building.settings import Shard
from graphlabel.evidence.building.worker import Report
from graphlabel.evidence.index.format import Manifest


def build_index(
    run: Run,
    folder: Path,
    *,
    force: bool = False,
    checkpoint_every: int = 250_000,
    report: Report = lambda _: None,
    step: Step = lambda *_: None,
) -> Manifest:
    """Build an index in this process, going on where an earlier run of it was stopped.

    Raises EvidenceError when something else is in the folder's place, the corpus is empty or
    something cannot be written, and TranscoderError when the transcoders do not fit the model.
    """
    staging = prepare(folder, force=force)
    part = build_part(run, staging, checkpoint_every=checkpoint_every, report=report)
    return publish(part, run.model, run.transcoders, folder, step)


def build_shard(
    run: Run,
    folder: Path,
    shard: Shard,
    *,
    force: bool = False,
    checkpoint_every: int = 250_000,
    report: Report = lambda _: None,
) -> Part:
    """Do one of several parts of an index, for ``merge_parts``; raises as ``build_index`` does."""
    prepare_part(folder, force=force)
    return build_part(run, folder, shard, checkpoint_every=checkpoint_every, report=report)


def merge_parts(
    folders: Sequence[Path],
    folder: Path,
    *,
    places: Places | None = None,
    device: str | None = None,
    force: bool = False,
    step: Step = lambda *_: None,
) -> Manifest:
    """Make the index of the parts that all shards of a run left, the same as one process makes.

    ``places`` says where model and transcoders are now, if they have moved. Raises EvidenceError
    when a part is missing, unfinished, broken or of another run.
    """
    prepare(folder, force=force)
    part = merged([load_part(each) for each in folders])
    kept = part.progress.places
    places = places or Places(**kept)
    model, transcoders = places.load(part.progress.identity.settings.dtype, device)
    theirs = (model.revision, transcoders.revision)
    identity = part.progress.identity
    if theirs != (identity.model_revision, identity.transcoder_set.revision):
        raise EvidenceError(
            f"the parts were made with another version of {places.model} or {places.transcoders}; "
            "name the one they were made with"
        )
    return publish(part, model, transcoders, folder, step)


def load_part(folder: Path) -> Part:
    """What a shard left in a folder; raises EvidenceError when it is none or broken."""
    progress = read_progress(folder)
    if progress is None:
        raise EvidenceError(f"{folder} is no part of an index; make it with --shard")
    layers = _tables(folder, progress)
    load_state(folder, progress, layers)
    return Part(progress, layers)


def _tables(folder: Path, progress: Progress) -> tuple[LayerTables, ...]:
    settings = progress.identity.settings
    return tuple(
        LayerTables(layer, n_features, settings) for layer, n_features in progress.widths.items()
    )
