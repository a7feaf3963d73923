"""The linear sweep: direct effects of all sources on a batch of targets, without autograd.

A target's covector starts at its own layer and position and is carried down the frozen layers; at
every write point it is multiplied with what was written there. Positions after the target's are
never touched.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.tracing.frozen import FrozenLayer, FrozenModel
from graphlabel.tracing.sources import Sources


@dataclass(frozen=True, eq=False)
class Targets:
    """Where covectors enter. A feature enters in the middle of its layer; a logit on top."""

    layer: Int[Tensor, " targets"]
    """The layer whose mid residual stream is entered; n_layers for logits."""
    position: Int[Tensor, " targets"]
    vector: Float[Tensor, "targets d"]


def feature_targets(sources: Sources, rows: Int[Tensor, " targets"]) -> Targets:
    """Targets for the pre-activations of some active features."""
    device = sources.encoder.device
    return Targets(sources.layer[rows], sources.position[rows], sources.encoder[rows.to(device)])


@torch.no_grad()
def direct_effects(
    frozen: FrozenModel, sources: Sources, targets: Targets
) -> Float[Tensor, "targets columns"]:
    """A[t, s] for every target and source, columns ordered features, errors, tokens.

    Exact up to rounding in the dtype of the trace; exactly 0 wherever causality or the order of
    layers forbids an effect.
    """
    vectors = sources.tokens
    n_targets, n_layers = len(targets.layer), len(frozen.layers)
    n_positions = int(targets.position.max()) + 1
    carried = vectors.new_zeros(n_positions, n_targets, vectors.shape[1])
    effects = vectors.new_zeros(n_targets, sources.n_columns)
    top = int(targets.layer.max())
    _enter(carried, targets, n_layers)
    for layer in range(min(top, n_layers - 1), -1, -1):
        if layer < top:
            _score_writes(carried, sources, layer, effects)
            _through_skip(carried, sources, layer)
        _enter(carried, targets, layer)
        _through_attention(carried, frozen.layers[layer])
    first_token = sources.n_columns - len(sources.tokens)
    scores = torch.einsum("ptd,pd->tp", carried, sources.tokens[:n_positions])
    effects[:, first_token : first_token + n_positions] = scores
    return effects


def _enter(carried: Tensor, targets: Targets, layer: int) -> None:
    entering = (targets.layer == layer).nonzero().flatten().to(carried.device)
    if len(entering):
        position = targets.position.to(carried.device)[entering]
        carried[position, entering] += targets.vector[entering]


def _score_writes(carried: Tensor, sources: Sources, layer: int, effects: Tensor) -> None:
    scale = sources.write_scales[layer]
    for position, block in enumerate(sources.writes[layer][: carried.shape[0]]):
        covectors = carried[position]
        if scale is not None:
            covectors = covectors * scale[position]
        effects.index_add_(1, block.columns.to(carried.device), covectors @ block.vectors.T)


def _through_skip(carried: Tensor, sources: Sources, layer: int) -> None:
    skip = sources.skips[layer]
    if skip is None:
        return
    scale = sources.write_scales[layer]
    n_positions = carried.shape[0]
    written = carried if scale is None else carried * scale[:n_positions, None]
    carried += (written @ skip) * sources.read_scales[layer][:n_positions, None]


def _through_attention(carried: Tensor, block: FrozenLayer) -> None:
    n_positions, n_targets, _ = carried.shape
    n_heads, _, d_head = block.output.shape
    n_groups = block.value.shape[0]
    entering = carried
    if block.post_attention_scale is not None:
        entering = carried * block.post_attention_scale[:n_positions, None]
    # (heads, positions of queries, targets · d_head)
    heads = torch.einsum("ptd,hdk->hptk", entering, block.output).reshape(n_heads, n_positions, -1)
    pattern = block.pattern[:, :n_positions, :n_positions]
    at_keys = torch.bmm(pattern.transpose(1, 2), heads)
    grouped = at_keys.view(n_groups, n_heads // n_groups, n_positions, n_targets, d_head).sum(1)
    at_values = torch.einsum("gptk,gkd->ptd", grouped, block.value)
    carried += at_values * block.attention_scale[:n_positions, None]
