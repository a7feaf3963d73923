"""Running a corpus through the model and keeping what makes each feature fire."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import torch

from graphlabel.errors import EvidenceError, UsageError
from graphlabel.evidence.building.batches import Batch, batches, blocks
from graphlabel.evidence.building.checkpoint import Progress, load_state, resumed, save_state
from graphlabel.evidence.building.early_stop import stopping_after
from graphlabel.evidence.building.firings import Encoder
from graphlabel.evidence.building.layer import BatchTokens, LayerTables
from graphlabel.evidence.building.settings import Identity, IndexSettings, Shard
from graphlabel.models import LanguageModel, Transcoders, check_fit, dtype_of
from graphlabel.models.capture import transcoder_inputs
from graphlabel.records import TranscoderSet

Report = Callable[[int], None]
"""Told the tokens seen so far."""

CHECKPOINT_SHARE = 0.05
"""Saving takes no more than about this share of the time, however often it is asked for."""


@dataclass(frozen=True)
class Part:
    """What a run, or one shard of it, has found."""

    progress: Progress
    layers: tuple[LayerTables, ...]


@dataclass(frozen=True)
class Run:
    """What is run over which corpus."""

    model: LanguageModel
    transcoders: Transcoders
    sequences: Iterable[Sequence[int]]
    """Token ids of each sequence, the first a special token, in the corpus's order."""
    settings: IndexSettings = field(default_factory=IndexSettings)
    corpus: str = ""
    """What to call the corpus."""
    n_tokens: int = 0
    places: dict[str, str] = field(default_factory=dict)
    """Where model and transcoders were found."""

    @property
    def identity(self) -> Identity:
        """What the index is of."""
        mine = self.transcoders
        identity = TranscoderSet(mine.model_name or self.model.name, mine.name, mine.revision)
        return Identity(identity, self.model.revision, self.corpus, self.n_tokens, self.settings)

    @property
    def layers(self) -> tuple[int, ...]:
        """The layers that are indexed; raises UsageError for one that has no transcoder."""
        have = [layer.layer for layer in self.transcoders.layers if layer.n_features]
        wanted = self.settings.layers
        missing = sorted(set(wanted or ()) - set(have))
        if missing:
            raise UsageError(
                f"{self.transcoders.name} has no transcoder for layer {missing[0]}; "
                f"it has layers {have[0]} to {have[-1]}"
            )
        return tuple(sorted(set(wanted))) if wanted else tuple(have)

    def n_features(self, layer: int) -> int:
        """How many features of a layer are indexed."""
        width = self.transcoders.layers[layer].n_features
        return min(width, self.settings.max_features_per_layer or width)

    def empty_tables(self) -> tuple[LayerTables, ...]:
        """Tables for every layer."""
        return tuple(
            LayerTables(layer, self.n_features(layer), self.settings) for layer in self.layers
        )


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
    worker = _Worker(run, layers)
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


class _Worker:
    def __init__(self, run: Run, layers: Sequence[LayerTables]) -> None:
        self._transcoders, self._settings, self._layers = run.transcoders, run.settings, layers
        self._model = stopping_after(run.model, layers[-1].layer)
        self._special = frozenset(int(i) for i in run.model.tokenizer.all_special_ids)
        self._first = run.model.architecture.first_feature_position
        dtype, device = dtype_of(run.settings.dtype), run.model.device
        self._dtype = dtype
        self._encoders = {
            tables.layer: Encoder(
                run.transcoders.layers[tables.layer], tables.n_features, device, dtype
            )
            for tables in layers
        }

    def add(
        self, block: Sequence[tuple[int, Sequence[int]]], progress: Progress, report: Report
    ) -> Progress:
        """Take in a block."""
        seen = progress.tokens_seen
        for batch in batches(block, self._settings, self._special, self._first):
            self._add_batch(batch)
            seen += int(batch.usable.sum())
            report(seen)
        longest = max(progress.longest, *(len(ids) for _, ids in block))
        return replace(progress, tokens_seen=seen, longest=longest)

    @torch.no_grad()
    def _add_batch(self, batch: Batch) -> None:
        tokens = BatchTokens(batch, self._special, self._settings)
        ids = torch.from_numpy(batch.ids)
        usable = torch.from_numpy(batch.usable.ravel()).to(self._model.device)
        wanted = {tables.layer: tables for tables in self._layers}
        inputs = transcoder_inputs(self._model, self._transcoders, ids)
        for layer, x in zip(range(max(wanted) + 1), inputs, strict=False):
            if layer not in wanted:
                continue
            x = x.flatten(0, 1)
            if not bool(x.sum().isfinite()):
                raise EvidenceError(
                    f"what layer {layer} reads is not finite in {self._settings.dtype}; "
                    "build the index with --dtype float32"
                )
            for chunk in self._encoders[layer].chunks(x.to(self._dtype), usable):
                wanted[layer].add(chunk, tokens)


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
