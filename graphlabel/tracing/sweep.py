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

from graphlabel.tracing.frozen import FrozenLayer, FrozenModel
from graphlabel.tracing.products import multiply
from graphlabel.tracing.sources import Sources, Writing

Carried = Float[Tensor, "positions targets d"]


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
        """Covectors at the output of a layer's attention, before any norm on it."""

    def at_embedding(self, covectors: Carried) -> None:
        """Covectors at the input of the first layer."""


def feature_targets(sources: Sources, rows: Int[Tensor, " targets"]) -> Targets:
    """Targets for the pre-activations of some active features."""
    return Targets(sources.layer, sources.position, sources.encoder).part(rows)


@torch.no_grad()
def direct_effects(
    frozen: FrozenModel, sources: Sources, targets: Targets
) -> Float[Tensor, "targets columns"]:
    """A[t, s] for every target and source, columns ordered features, errors, tokens.

    Exact up to rounding in the dtype of the trace; exactly 0 wherever causality or the order of
    layers forbids an effect.
    """
    effects = sources.tokens.new_zeros(len(targets.layer), sources.n_columns)
    descend(frozen, sources, targets, _Effects(sources, effects))
    return effects


@torch.no_grad()
def descend(frozen: FrozenModel, sources: Sources, targets: Targets, visitor: Visitor) -> None:
    """Carry the targets' covectors from where they enter down to the embedding."""
    n_targets, n_layers = len(targets.layer), len(frozen.layers)
    n_positions = int(targets.position.max()) + 1
    carried = sources.tokens.new_zeros(n_positions, n_targets, sources.tokens.shape[1])
    top = int(targets.layer.max())
    _enter(carried, targets, n_layers)
    for layer in range(min(top, n_layers - 1), -1, -1):
        block, writing = frozen.layers[layer], sources.writing[layer]
        change = None
        if layer < top:
            covectors = carried if writing.norm is None else writing.norm.pull_back(carried)
            visitor.at_write(layer, covectors)
            change = _through_skip(covectors, writing)
        if frozen.is_parallel:
            if layer < top:
                attended = _through_attention(carried, block, layer, visitor)
                carried += attended if change is None else attended + change
            _enter(carried, targets, layer)
        else:
            if change is not None:
                carried += change
            _enter(carried, targets, layer)
            carried += _through_attention(carried, block, layer, visitor)
    visitor.at_embedding(carried)


@dataclass(frozen=True, eq=False)
class _Effects:
    """Multiplies covectors with what was written."""

    sources: Sources
    effects: Tensor

    def at_write(self, layer: int, covectors: Carried) -> None:
        blocks = self.sources.writing[layer].blocks
        for position, block in enumerate(blocks[: covectors.shape[0]]):
            scores = multiply(covectors[position], block.vectors.T)
            self.effects.index_add_(1, block.columns.to(scores.device), scores)

    def after_attention(self, layer: int, covectors: Carried) -> None:
        pass

    def at_embedding(self, covectors: Carried) -> None:
        n_positions, tokens = covectors.shape[0], self.sources.tokens
        first = self.sources.n_columns - len(tokens)
        scores = torch.einsum("ptd,pd->tp", covectors, tokens[:n_positions])
        self.effects[:, first : first + n_positions] = scores


def _enter(carried: Tensor, targets: Targets, layer: int) -> None:
    entering = (targets.layer == layer).nonzero().flatten().to(carried.device)
    if len(entering):
        position = targets.position.to(carried.device)[entering]
        carried[position, entering] += targets.vector[entering]


def _through_skip(covectors: Tensor, writing: Writing) -> Tensor | None:
    if writing.skip is None:
        return None
    n_positions, n_targets, d_model = covectors.shape
    read = multiply(covectors.reshape(-1, d_model), writing.skip)
    read = read.view(n_positions, n_targets, d_model)
    return read if writing.read_norm is None else writing.read_norm.pull_back(read)


def _through_attention(carried: Tensor, block: FrozenLayer, layer: int, visitor: Visitor) -> Tensor:
    n_positions, n_targets, d_model = carried.shape
    n_heads, _, d_head = block.output.shape
    n_groups = block.value.shape[0]
    norm = block.post_attention_norm
    entering = carried if norm is None else norm.pull_back(carried)
    visitor.after_attention(layer, entering)
    output = block.output.transpose(0, 1).flatten(1)
    heads = multiply(entering.reshape(-1, d_model), output)
    heads = heads.view(n_positions, n_targets, n_heads, d_head).permute(2, 0, 1, 3)
    pattern = block.pattern[:, :n_positions, :n_positions]
    at_keys = multiply(pattern.transpose(1, 2), heads.reshape(n_heads, n_positions, -1))
    at_keys = at_keys.view(n_groups, n_heads // n_groups, n_positions, n_targets, d_head)
    grouped = at_keys.sum(dim=1).permute(1, 2, 0, 3).reshape(-1, n_groups * d_head)
    at_values = multiply(grouped, block.value.flatten(0, 1)).view_as(carried)
    before = block.attention_norm
    return at_values if before is None else before.pull_back(at_values)
