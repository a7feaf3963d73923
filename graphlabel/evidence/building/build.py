"""Building an index, or a shard of one, and joining shards."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.batches import blocks
from graphlabel.evidence.building.checkpoint import Progress, load_state, resumed, save_state
from graphlabel.evidence.building.layer import LayerTables
from graphlabel.evidence.building.run import Run
from graphlabel.evidence.building.settings import Shard
from graphlabel.evidence.building.worker import Report, Worker
from graphlabel.models import check_fit, fitted

CHECKPOINT_SHARE = 0.05
"""Saving takes no more than about this share of the time, however often it is asked for."""


@dataclass(frozen=True)
class Part:
    """What a run, or one shard of it, has found."""

    progress: Progress
    layers: tuple[LayerTables, ...]


def build_part(
    run: Run,
    folder: Path,
    shard: Shard | None = None,
    *,
    checkpoint_every: int = 250_000,
    report: Report = lambda _: None,
) -> Part:
    """Run a shard of the corpus through the model, keeping the state in ``folder``.

    A state of the same run that is already there is resumed. Raises EvidenceError when the folder
    holds another run's state, the corpus is empty or an activation is not finite, and
    TranscoderError when the transcoders do not fit the model.
    """
    run = replace(run, transcoders=fitted(run.model, run.transcoders))
    check_fit(run.model, run.transcoders)
    layers = run.empty_tables()
    widths = {tables.layer: tables.n_features for tables in layers}
    fresh = Progress(run.identity, shard or Shard(), widths=widths, places=run.places)
    progress = resumed(folder, fresh)
    if progress.blocks:
        load_state(folder, progress, layers)
        report(progress.tokens_seen)
    if progress.complete:
        return Part(progress, layers)
    worker = Worker(run, layers)
    pace = _Pace(progress.tokens_seen, checkpoint_every)
    for number, block in enumerate(blocks(run.sequences, run.settings.block_sequences)):
        if number < progress.blocks:
            continue
        if progress.shard.has(number):
            progress = worker.add(block, progress, report)
        progress = replace(progress, blocks=number + 1)
        if pace.is_due(progress.tokens_seen):
            save_state(folder, progress, layers)
            pace.saved()
    if not progress.blocks:
        raise EvidenceError(f"the corpus {run.corpus} is empty; name one that holds text")
    progress = replace(progress, complete=True)
    save_state(folder, progress, layers)
    return Part(progress, layers)


class _Pace:
    """When to save: every so many tokens, but never for much of the time."""

    def __init__(self, seen: int, every: int) -> None:
        self._saved_at, self._every = seen, every
        self._started = self._ended = time.perf_counter()
        self._took = 0.0

    def is_due(self, seen: int) -> bool:
        self._started = time.perf_counter()
        rested = self._started - self._ended >= self._took / CHECKPOINT_SHARE
        if seen - self._saved_at < self._every or not rested:
            return False
        self._saved_at = seen
        return True

    def saved(self) -> None:
        self._ended = time.perf_counter()
        self._took = self._ended - self._started


def merged(parts: Sequence[Part]) -> Part:
    """The parts of all shards of a run as one; raises EvidenceError when one is missing or foreign.

    The result is what one process would have found.
    """
    first = parts[0].progress
    for part in parts[1:]:
        difference = first.identity.difference(part.progress.identity)
        if difference:
            raise EvidenceError(
                f"the parts were made with different settings ({difference}); build them anew"
            )
    numbers = sorted(part.progress.shard.number for part in parts)
    counts = {part.progress.shard.of for part in parts}
    if counts != {len(parts)} or numbers != list(range(len(parts))):
        raise EvidenceError(
            f"the parts are shards {', '.join(map(str, numbers))} of "
            f"{' or '.join(map(str, sorted(counts)))}; name every shard once"
        )
    unfinished = [part.progress.shard.number for part in parts if not part.progress.complete]
    if unfinished:
        raise EvidenceError(f"shard {unfinished[0]} is not finished; run its command again")
    into = parts[0]
    for part in parts[1:]:
        for mine, theirs in zip(into.layers, part.layers, strict=True):
            mine.merge(theirs)
    progress = replace(
        first,
        shard=Shard(),
        tokens_seen=sum(part.progress.tokens_seen for part in parts),
        longest=max(part.progress.longest for part in parts),
    )
    return Part(progress, into.layers)
