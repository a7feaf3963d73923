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
STEP = 32
"""Room for covectors is made for so many at once: for each new shape of a product in bfloat16 a
processor's library first writes a program."""


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
    frozen: FrozenModel,
    sources: Sources,
    targets: Targets,
    *,
    out: Float[Tensor, "targets columns"] | None = None,
) -> Float[Tensor, "targets columns"]:
    """A[t, s] for every target and source, columns ordered features, errors, tokens.

    Exact up to rounding in the dtype of the trace; exactly 0 wherever causality or the order of
    layers forbids an effect. ``out`` holds zeros, is filled and given back; there is no copy where
    the targets' layers fall and it lies on their device.
    """
    order = by_depth(targets)
    falling = bool((order == torch.arange(len(order))).all())
    shape = (len(targets.layer), sources.n_columns)
    if falling and out is not None and out.device == sources.tokens.device:
        descend(frozen, sources, targets, _Effects(sources, out))
        return out
    effects = sources.tokens.new_zeros(shape)
    descend(frozen, sources, targets.part(order), _Effects(sources, effects))
    given = torch.empty_like(effects) if out is None else out
    given[order.to(given.device)] = effects.to(given.device)
    return given


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
    n_positions = int(targets.position.max()) + 1
    carried = sources.tokens.new_zeros(n_positions, 0, sources.tokens.shape[1])
    carried = _enter(carried, targets, n_layers)
    for layer in range(min(top, n_layers - 1), -1, -1):
        block, writing = frozen.layers[layer], sources.writing[layer]
        change = None
        if layer < top:
            covectors = carried if writing.norm is None else writing.norm.pull_back(carried)
            visitor.at_write(layer, covectors)
            change = _through_skip(covectors, writing)
        if frozen.is_parallel:
            if layer < top:
                _through_attention(carried, block, layer, visitor)
                carried = carried if change is None else carried.add_(change)
            carried = _enter(carried, targets, layer)
        else:
            carried = carried if change is None else carried.add_(change)
            carried = _enter(carried, targets, layer)
            _through_attention(carried, block, layer, visitor)
    visitor.at_embedding(carried)


@dataclass(frozen=True, eq=False)
class _Effects:
    """Multiplies covectors with what was written."""

    sources: Sources
    effects: Tensor

    def at_write(self, layer: int, covectors: Carried) -> None:
        n_positions, n_targets, _ = covectors.shape
        writing, effects = self.sources.writing[layer], self.effects[:n_targets]
        for position, block in enumerate(writing.blocks[:n_positions]):
            if block.columns:
                scores = covectors[position] @ block.vectors.to(covectors).T
                for columns, part in block.split(scores):
                    effects[:, columns] += part
        errors = self.sources.errors[layer, :n_positions]
        columns = self.sources.error_columns(layer, n_positions)
        effects[:, columns] = _at_own_positions(covectors, errors)

    def after_attention(self, layer: int, covectors: Carried) -> None:
        pass

    def at_embedding(self, covectors: Carried) -> None:
        n_positions, tokens = covectors.shape[0], self.sources.tokens
        first = self.sources.n_columns - len(tokens)
        effects = _at_own_positions(covectors, tokens[:n_positions])
        self.effects[:, first : first + n_positions] = effects


def _at_own_positions(
    covectors: Carried, vectors: Float[Tensor, "positions d"]
) -> Float[Tensor, "targets positions"]:
    """Products with one vector at each position."""
    return torch.bmm(covectors, vectors[:, :, None])[:, :, 0].T


def _enter(carried: Tensor, targets: Targets, layer: int) -> Tensor:
    """The covectors with those of the targets that enter here; room is made in steps."""
    n_positions, room, d_model = carried.shape
    first = int((targets.layer > layer).sum())
    last = first + int((targets.layer == layer).sum())
    if first == last:
        return carried
    if last > room:
        more = min(-(-last // STEP) * STEP, len(targets.layer)) - room
        fresh = carried.new_zeros(n_positions, more, d_model)
        carried = torch.cat([carried, fresh], dim=1) if room else fresh
    position = targets.position[first:last].to(carried.device)
    places = torch.arange(first, last, device=carried.device)
    carried[position, places] += targets.vector[first:last]
    return carried


def _through_skip(covectors: Tensor, writing: Writing) -> Tensor | None:
    if writing.skip is None:
        return None
    n_positions, n_targets, d_model = covectors.shape
    read = multiply(covectors.reshape(-1, d_model), writing.skip)
    read = read.view(n_positions, n_targets, d_model)
    return read if writing.read_norm is None else writing.read_norm.pull_back(read)


def _through_attention(carried: Tensor, block: FrozenLayer, layer: int, visitor: Visitor) -> None:
    """Add to the covectors what reaches the block's input through its attention."""
    n_positions, n_targets, d_model = carried.shape
    n_heads, _, d_head = block.output.shape
    n_groups = block.value.shape[0]
    per_group = n_heads // n_groups
    norm, before = block.post_attention_norm, block.attention_norm
    entering = carried if norm is None else norm.pull_back(carried)
    visitor.after_attention(layer, entering)
    output = block.output.transpose(0, 1).flatten(1)
    heads = multiply(entering.view(-1, d_model), output, rounded=True)
    heads = heads.view(n_positions, n_targets, n_groups, per_group, d_head).permute(2, 3, 0, 1, 4)
    heads = heads.reshape(n_groups, per_group * n_positions, n_targets * d_head)
    # heads that share keys and values are summed within the product
    pattern = block.pattern[:, :n_positions, :n_positions]
    pattern = pattern.reshape(n_groups, per_group * n_positions, n_positions).transpose(1, 2)
    at_keys = multiply(pattern, heads, rounded=True)
    at_keys = at_keys.view(n_groups, n_positions, n_targets, d_head).permute(1, 2, 0, 3)
    grouped = at_keys.reshape(-1, n_groups * d_head)
    at_values = multiply(grouped, block.value.flatten(0, 1)).view_as(carried)
    if before is None:
        carried.add_(at_values)
    elif before.centred:
        carried.add_(before.pull_back(at_values))
    else:
        carried.addcmul_(at_values, before.multiplier[:n_positions, None])
