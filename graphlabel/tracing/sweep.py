"""The linear sweep: direct effects of all sources on a batch of targets, without autograd.

A target's covector starts at its own layer and position and is carried down the frozen layers; at
every write point it is multiplied with what was written there. Positions after the target's are
never touched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.tracing.attention import TransposedAttention, targets_together
from graphlabel.tracing.blocks import Allocate, Blocks, zero_blocks
from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.products import multiply
from graphlabel.tracing.sources import Sources, Writing

Carried = Float[Tensor, "targets positions d"]


@dataclass(frozen=True, eq=False)
class Targets:
    """Where covectors enter. A feature enters where its layer is read; a logit on top."""

    layer: Int[Tensor, " targets"]
    """The layer whose residual stream is entered; n_layers for logits."""
    position: Int[Tensor, " targets"]
    vector: Float[Tensor, "targets d"]

    def part(self, rows: Int[Tensor, " rows"]) -> Targets:
        """Some of the targets."""
        vectors = self.vector[rows.to(self.vector.device)]
        return Targets(self.layer[rows], self.position[rows], vectors)


@runtime_checkable
class Visitor(Protocol):
    """What is done with covectors on their way down."""

    def at_write(self, layer: int, covectors: Carried) -> None:
        """Covectors at a layer's write point."""

    def after_attention(self, layer: int, covectors: Carried) -> None:
        """Covectors at the residual stream that a layer's attention has added to."""

    def at_embedding(self, covectors: Carried) -> None:
        """Covectors at the input of the first layer."""


def feature_targets(sources: Sources, rows: Int[Tensor, " targets"]) -> Targets:
    """Targets for the pre-activations of some active features."""
    return Targets(sources.layer[rows], sources.position[rows], sources.encoder(rows)[0])


@torch.no_grad()
def direct_effects(
    frozen: FrozenModel, sources: Sources, targets: Targets
) -> Float[Tensor, "targets columns"]:
    """A[t, s] for every target and source, columns ordered features, errors, tokens.

    Exact up to rounding in the dtype of the trace; exactly 0 wherever causality or the order of
    layers forbids an effect.
    """
    order = by_depth(targets)
    falling = sweep(frozen, sources, targets.part(order)).dense(sources.n_columns)
    effects = torch.empty_like(falling)
    effects[order.to(effects.device)] = falling
    return effects


@torch.no_grad()
def sweep(
    frozen: FrozenModel, sources: Sources, targets: Targets, allocate: Allocate | None = None
) -> Blocks:
    """The same for targets whose layers fall, without what is 0."""
    n_positions = int(targets.position.max()) + 1
    blocks = zero_blocks(sources, targets.layer, n_positions, allocate or sources.tokens.new_zeros)
    descend(frozen, sources, targets, _Effects(sources, blocks))
    return blocks


def by_depth(targets: Targets) -> Int[Tensor, " targets"]:
    """The targets from the highest layer down: the order in which they enter a sweep."""
    return torch.argsort(targets.layer, descending=True, stable=True)


@torch.no_grad()
def descend(frozen: FrozenModel, sources: Sources, targets: Targets, visitor: Visitor) -> None:
    """Carry the targets' covectors from where they enter down to the embedding.

    The targets' layers fall, so that those on their way are always the first ones: layers above a
    target cost nothing for it.
    """
    n_layers, top = len(frozen.layers), int(targets.layer.max())
    room = _Room(frozen, targets)
    carried = room.enter(n_layers)
    for layer in range(min(top, n_layers - 1), -1, -1):
        writing, change = sources.writing[layer], None
        if layer < top:
            covectors = carried if writing.norm is None else writing.norm.pull_back(carried)
            visitor.at_write(layer, covectors)
            change = _through_skip(covectors, writing)
        if frozen.is_parallel:
            if layer < top:
                visitor.after_attention(layer, carried)
                room.through(TransposedAttention.of(frozen.layers[layer], room.n_positions))
                carried = carried if change is None else carried.add_(change)
            carried = room.enter(layer)
        else:
            carried = carried if change is None else carried.add_(change)
            carried = room.enter(layer)
            visitor.after_attention(layer, carried)
            room.through(TransposedAttention.of(frozen.layers[layer], room.n_positions))
    visitor.at_embedding(carried)


class _Room:
    """Where covectors are carried: room for all targets, of which the first have entered."""

    def __init__(self, frozen: FrozenModel, targets: Targets) -> None:
        self.targets = targets
        self.n_positions = int(targets.position.max()) + 1
        vectors, n_targets = targets.vector, len(targets.layer)
        self._together = targets_together(self.n_positions, vectors.device) or n_targets
        # a new shape of a product in bfloat16 takes milliseconds, so the last few are filled up
        dtype = frozen.layers[0].value.dtype
        self._filled = dtype is torch.bfloat16 and vectors.device.type == "cpu"
        places = -(-n_targets // self._together) * self._together if self._filled else n_targets
        self._all = vectors.new_zeros(places, self.n_positions, vectors.shape[1])
        self._entered = 0

    def enter(self, layer: int) -> Carried:
        """The covectors on their way, with those of the targets that enter here."""
        first, last = self._entered, int((self.targets.layer >= layer).sum())
        places = torch.arange(first, last, device=self._all.device)
        position = self.targets.position[first:last].to(self._all.device)
        self._all[places, position] += self.targets.vector[first:last]
        self._entered = last
        return self._all[:last]

    def through(self, attention: TransposedAttention) -> None:
        """Add what reaches the block's input through its attention."""
        for start in range(0, self._entered, self._together):
            stop = start + self._together
            attention.add_to(self._all[start : stop if self._filled else min(stop, self._entered)])


@dataclass(frozen=True, eq=False)
class _Effects:
    """Multiplies covectors with what was written."""

    sources: Sources
    blocks: Blocks

    def at_write(self, layer: int, covectors: Carried) -> None:
        n_targets, n_positions, _ = covectors.shape
        writing = self.sources.writing[layer]
        for position, written in enumerate(writing.blocks[:n_positions]):
            first, vectors = 0, written.vectors.to(covectors)
            for source_layer, columns in zip(written.layers, written.columns, strict=True):
                block, last = (
                    self.blocks.features[source_layer],
                    first + columns.stop - columns.start,
                )
                start = columns.start - block.columns.start
                place = block.effects[:n_targets, start : start + last - first]
                place.addmm_(covectors[:, position], vectors[first:last].T)
                first = last
        errors = self.sources.errors[layer, :n_positions]
        self.blocks.errors[layer].effects.copy_(_at_own_positions(covectors, errors))

    def after_attention(self, layer: int, covectors: Carried) -> None:
        pass

    def at_embedding(self, covectors: Carried) -> None:
        tokens = self.sources.tokens[: covectors.shape[1]]
        self.blocks.tokens.effects.copy_(_at_own_positions(covectors, tokens))


def _at_own_positions(
    covectors: Carried, vectors: Float[Tensor, "positions d"]
) -> Float[Tensor, "targets positions"]:
    """Products with one vector at each position."""
    return torch.bmm(covectors.transpose(0, 1), vectors[:, :, None])[:, :, 0].T


def _through_skip(covectors: Carried, writing: Writing) -> Carried | None:
    if writing.skip is None:
        return None
    read = multiply(covectors.reshape(-1, covectors.shape[2]), writing.skip).view_as(covectors)
    return read if writing.read_norm is None else writing.read_norm.pull_back(read)
