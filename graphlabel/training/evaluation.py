"""How well transcoders stand in for a model's MLPs, on text that they were not trained on."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from graphlabel.models import LanguageModel, Transcoders
from graphlabel.training.settings import Report
from graphlabel.training.splicing import Activations, OnOutput, Splicer, Stream


@dataclass(frozen=True, slots=True)
class LayerEvaluation:
    """One layer's transcoder."""

    layer: int
    fvu: float
    """Fraction of variance unexplained: Σ‖y − ŷ‖² / Σ‖y − ȳ‖² over tokens."""
    l0: float
    """Features that fire at a token, on average."""
    dead: int
    """Features that fired at no token looked at."""
    features: int
    cross_entropy: float | None
    """Nats a token with this layer's MLP alone replaced."""


@dataclass(frozen=True, slots=True)
class Evaluation:
    """A set's evaluation; cross-entropies are nats a token, None where they were not asked for."""

    tokens: int
    """Tokens looked at, special ones not counted."""
    layers: tuple[LayerEvaluation, ...]
    splice_tokens: int
    """Tokens predicted for the cross-entropies."""
    cross_entropy: float | None
    """Of the model as it is."""
    cross_entropy_spliced: float | None
    """With all MLPs replaced at once."""
    cross_entropy_ablated: float | None
    """With what these MLPs write set to 0."""


@torch.no_grad()
def evaluate(
    model: LanguageModel,
    transcoders: Transcoders,
    rows: Int[np.ndarray, "rows positions"],
    *,
    splice_tokens: int,
    batch_size: int = 8,
    report: Report = lambda *_: None,
) -> Evaluation:
    """Evaluate a set that fits the model, layer by layer, on rows of tokens.

    The cross-entropies are taken on as many rows as hold ``splice_tokens``; special tokens keep
    what their MLPs write, as in graphs. Raises TranscoderError where weights are broken.
    """
    splicer, of = Splicer(model, transcoders), len(rows)
    tallies = {layer: _Tally() for layer in splicer.layers}
    usable = _usable(model, rows)
    base: Any = model.model.base_model
    for start in range(0, of, batch_size):
        batch, mask = rows[start : start + batch_size], usable[start : start + batch_size]
        with splicer.listening(splicer.layers, _tallying(tallies, mask)):
            base(input_ids=_ids(model, batch), use_cache=False)
        report("evaluating", min(start + batch_size, of), of)
    some = rows[: -(-splice_tokens // rows.shape[1])]
    losses = _Losses(splicer, some, batch_size, report) if len(some) else None
    return Evaluation(
        tokens=int(usable.sum()),
        layers=tuple(_layer(layer, tallies[layer], losses) for layer in splicer.layers),
        splice_tokens=int(_usable(model, some)[:, 1:].sum()) if losses else 0,
        cross_entropy=losses.taken(()) if losses else None,
        cross_entropy_spliced=losses.taken(splicer.layers) if losses else None,
        cross_entropy_ablated=losses.taken(splicer.layers, 0.0) if losses else None,
    )


def _layer(layer: int, tally: _Tally, losses: _Losses | None) -> LayerEvaluation:
    return LayerEvaluation(
        layer=layer,
        fvu=tally.fvu,
        l0=tally.fired / tally.tokens,
        dead=int((~tally.alive).sum()),
        features=len(tally.alive),
        cross_entropy=losses.taken((layer,)) if losses else None,
    )


@dataclass
class _Tally:
    """Sums over tokens, in float64."""

    tokens: int = 0
    error: float = 0.0
    squares: float = 0.0
    total: Tensor = field(default_factory=lambda: torch.zeros(()))
    fired: int = 0
    alive: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.bool))

    def add(
        self,
        written: Float[Tensor, "n d"],
        rebuilt: Float[Tensor, "n d"],
        activations: Float[Tensor, "n d_transcoder"],
    ) -> None:
        y, guess = (each.to("cpu", torch.float64) for each in (written, rebuilt))
        self.tokens += len(y)
        self.error += float((y - guess).square().sum())
        self.squares += float(y.square().sum())
        self.total = self.total.to(y) + y.sum(0)
        fires = activations > 0
        self.fired += int(fires.sum())
        self.alive = self.alive.to(fires.device) | fires.any(0)

    @property
    def fvu(self) -> float:
        variance = self.squares - float(self.total.square().sum()) / self.tokens
        return self.error / variance


class _Losses:
    """Cross-entropies on some rows with MLPs replaced."""

    def __init__(
        self,
        splicer: Splicer,
        rows: Int[np.ndarray, "rows positions"],
        batch_size: int,
        report: Report,
    ) -> None:
        self._splicer, self._rows, self._batch_size = splicer, rows, batch_size
        self._usable = _usable(splicer.model, rows)
        self._report, self._done = report, 0

    def taken(self, layers: Collection[int], factor: float = 1.0) -> float:
        """Nats a token with ``factor`` × what transcoders write at some layers."""
        total, count = 0.0, 0
        for start in range(0, len(self._rows), self._batch_size):
            batch = self._rows[start : start + self._batch_size]
            mask = self._usable[start : start + self._batch_size]
            if layers:
                with self._splicer.listening(layers, _replacing(mask, factor)):
                    logits = _forward(self._splicer.model, batch)
            else:
                logits = _forward(self._splicer.model, batch)
            ids = _ids(self._splicer.model, batch)
            losses = torch.nn.functional.cross_entropy(
                logits[:, :-1].flatten(0, 1).float(), ids[:, 1:].flatten(), reduction="none"
            )
            keep = torch.from_numpy(mask)[:, 1:].flatten().to(losses.device)
            total, count = total + float(losses[keep].double().sum()), count + int(keep.sum())
        self._done += 1
        self._report("splicing in", self._done, len(self._splicer.layers) + 3)
        return total / count


def _tallying(tallies: dict[int, _Tally], mask: Bool[np.ndarray, "batch positions"]) -> OnOutput:
    keep = torch.from_numpy(mask)

    def add(layer: int, written: Stream, rebuilt: Stream, fired: Activations) -> None:
        here = keep.to(written.device)
        tallies[layer].add(written[here].float(), rebuilt[here], fired[here])

    return add


def _replacing(mask: Bool[np.ndarray, "batch positions"], factor: float) -> OnOutput:
    keep = torch.from_numpy(mask)[..., None]

    def replace(_layer: int, written: Stream, rebuilt: Stream, _fired: Activations) -> Stream:
        return torch.where(keep.to(written.device), factor * rebuilt, written.float())

    return replace


def _forward(
    model: LanguageModel, batch: Int[np.ndarray, "batch positions"]
) -> Float[Tensor, "batch positions vocabulary"]:
    logits: Float[Tensor, "batch positions vocabulary"] = model.model(
        input_ids=_ids(model, batch), use_cache=False
    ).logits
    return logits


def _ids(
    model: LanguageModel, batch: Int[np.ndarray, "batch positions"]
) -> Int[Tensor, "batch positions"]:
    return torch.from_numpy(np.array(batch, np.int64)).to(model.device)


def _usable(
    model: LanguageModel, rows: Int[np.ndarray, "rows positions"]
) -> Bool[np.ndarray, "rows positions"]:
    """Where features may fire: not at special tokens, nor at the model's first positions."""
    found = ~np.isin(rows, list(model.tokenizer.all_special_ids))
    found[:, : model.first_feature_position] = False
    return found
