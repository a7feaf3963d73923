"""Checking a trace: some rows again, in float64 and by autograd."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.models import LanguageModel, Transcoders, check_dtype
from graphlabel.tracing.prepare import Prepared, prepare
from graphlabel.tracing.settings import TraceSettings
from graphlabel.tracing.sources import Report, Writing
from graphlabel.tracing.trace import Trace


@dataclass(frozen=True, slots=True)
class Verified:
    """How far a trace's rows are from the same rows computed anew."""

    rows: int
    """How many were compared."""
    worst: float
    """The largest max|dA| / max|A| of a row."""
    median: float
    """The middle one."""


def verify(
    model: LanguageModel,
    transcoders: Transcoders,
    traced: Trace,
    settings: TraceSettings,
    n_rows: int,
    *,
    seed: int = 0,
    report: Report = lambda *_: None,
) -> Verified:
    """Recompute random rows of a trace, float64, by autograd through the frozen model.

    The model runs in the dtype of its weights, as it did; everything after that is float64 and
    shares no step with the sweep. Features on the edge of firing that float64 decides otherwise
    are left out. Raises UsageError on a device without float64.
    """
    check_dtype(torch.float64, model.device)
    exact = replace(settings, dtype="float64", position=None)
    ready = prepare(model, transcoders, traced.prompt, exact, report=report)
    linear = _Linear(ready)
    places = _places(traced, ready)
    order, known = traced.order, np.flatnonzero(places >= 0)
    rows = [*known, *range(order.logits.start, order.logits.stop)]
    chosen = np.random.default_rng(seed).permutation(rows)[:n_rows]
    columns = np.concatenate([known, np.arange(order.errors.start, order.logits.start)])
    exact_columns = np.concatenate(
        [places[known], np.arange(ready.sources.n_features, ready.sources.n_columns)]
    )
    errors = []
    for done, row in enumerate(chosen.tolist()):
        report("verifying rows", done, len(chosen))
        if row < order.n_features:
            expected = linear.row(linear.feature(int(places[row])))[exact_columns]
        else:
            expected = linear.row(linear.logit(row - order.logits.start))[exact_columns]
        difference = np.abs(traced.adjacency[row, columns] - expected).max()
        errors.append(float(difference / max(np.abs(expected).max(), 1e-300)))
    report("verifying rows", len(chosen), len(chosen))
    return Verified(len(errors), max(errors), float(np.median(errors)))


def _places(traced: Trace, ready: Prepared) -> np.ndarray:
    """Where each selected feature stands among the exact sources; -1: it does not fire there."""
    sources = ready.sources
    keys = torch.stack([sources.layer, sources.position, sources.feature], dim=1).tolist()
    place = {tuple(key): number for number, key in enumerate(keys)}
    selected = traced.active_features[traced.selected_features].tolist()
    return np.array([place.get(tuple(key), -1) for key in selected], dtype=np.int64)


class _Linear:
    """The frozen model as a differentiable function of what is written."""

    def __init__(self, ready: Prepared) -> None:
        self._ready = ready
        frozen, sources = ready.frozen, ready.sources
        self._tokens = sources.tokens.clone().requires_grad_()
        self._writes = [torch.zeros_like(self._tokens).requires_grad_() for _ in frozen.layers]
        self._streams: list[Tensor] = []
        x = self._tokens
        for layer, leaf, writing in zip(frozen.layers, self._writes, sources.writing, strict=True):
            middle = x + layer.attend(x)
            stream = x if frozen.is_parallel else middle
            self._streams.append(stream)
            x = middle + _write(leaf, stream, writing)
        self._output = frozen.final_norm.linear(x)

    def row(self, scalar: Tensor) -> Float[np.ndarray, " columns"]:
        """Effects of all sources on a target's value."""
        leaves = [self._tokens, *self._writes]
        tokens, *writes = torch.autograd.grad(
            scalar, leaves, retain_graph=True, materialize_grads=True
        )
        sources = self._ready.sources
        row = sources.tokens.new_zeros(sources.n_columns)
        for layer, gradient in enumerate(writes):
            for position, block in enumerate(sources.writing[layer].blocks):
                for columns, effects in block.split(block.vectors @ gradient[position]):
                    row[columns] += effects
            errors = (sources.errors[layer] * gradient).sum(dim=-1)
            row[sources.error_columns(layer, len(errors))] = errors
        row[-len(tokens) :] = (tokens * sources.tokens).sum(dim=-1)
        return row.cpu().numpy()

    def logit(self, place: int) -> Tensor:
        """The value of a logit target."""
        return self._output[-1] @ self._ready.logits.directions[place]

    def feature(self, place: int) -> Tensor:
        """The pre-activation of a feature, without what is constant."""
        sources = self._ready.sources
        layer, position = int(sources.layer[place]), int(sources.position[place])
        transcoder = self._ready.transcoders.layers[layer]
        encoder, _ = transcoder.encoder_rows(sources.feature[place : place + 1])
        stream, norm = self._streams[layer], sources.writing[layer].read_norm
        read = stream if norm is None else norm.linear(stream)
        return read[position] @ encoder[0].to(read)


def _write(leaf: Tensor, stream: Tensor, writing: Writing) -> Tensor:
    written = leaf
    if writing.skip is not None:
        norm = writing.read_norm
        written = written + (stream if norm is None else norm.linear(stream)) @ writing.skip.T
    return written if writing.norm is None else writing.norm.linear(written)
