"""Running batches through the model into the tables."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from graphlabel.errors import EvidenceError
from graphlabel.evidence.building.batches import Batch, batches
from graphlabel.evidence.building.checkpoint import Progress
from graphlabel.evidence.building.early_stop import stopping_after
from graphlabel.evidence.building.firings import Encoder
from graphlabel.evidence.building.layer import BatchTokens, LayerTables
from graphlabel.evidence.building.run import Run
from graphlabel.models import dtype_of
from graphlabel.models.capture import transcoder_inputs

Report = Callable[[int], None]
"""Told the tokens seen so far."""


class Worker:
    """A model and encoders that fill the tables of some layers."""

    def __init__(self, run: Run, layers: Sequence[LayerTables]) -> None:
        """Put the encoders on the model's device."""
        self._transcoders, self._settings, self.layers = run.transcoders, run.settings, layers
        self._model = stopping_after(run.model, layers[-1].layer)
        self._special = frozenset(int(i) for i in run.model.tokenizer.all_special_ids)
        self._first = run.model.first_feature_position
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
        wanted = {tables.layer: tables for tables in self.layers}
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
