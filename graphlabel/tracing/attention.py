"""Covectors on their way back through one layer's frozen attention."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.models.architectures import FrozenNorm
from graphlabel.models.architectures.norms import centre
from graphlabel.tracing.frozen import FrozenLayer
from graphlabel.tracing.products import add_product, multiply

ROWS = 512
"""On a processor so many covectors, over targets and positions, go through a layer together: they
and what becomes of them stay in its second-level cache."""


def targets_together(n_positions: int, device: torch.device) -> int | None:
    """How many targets go through a layer together; None: all."""
    return None if device.type == "cuda" else max(1, ROWS // n_positions)


@dataclass(frozen=True, eq=False)
class TransposedAttention:
    """The transpose of what attention makes of the stream at the first positions.

    Heads that share keys and values form a group. The norm before attention is part of ``pattern``
    (its scale) and ``value`` (its weight and centring).
    """

    output: Float[Tensor, "groups d width"]
    """Wᴼ of a group's heads side by side."""
    pattern: Float[Tensor, "groups keys paths"]
    """A path is a query and one of the group's heads."""
    value: Float[Tensor, "values d"]
    norm: FrozenNorm | None
    """The norm on attention's output."""

    @classmethod
    def of(cls, block: FrozenLayer, n_positions: int) -> TransposedAttention:
        """A layer's, for covectors at the first positions."""
        n_heads, d_model, d_head = block.output.shape
        n_groups = len(block.value)
        per_group, before = n_heads // n_groups, block.attention_norm
        output = block.output.view(n_groups, per_group, d_model, d_head).transpose(1, 2)
        pattern = block.pattern[:, :n_positions, :n_positions]
        pattern = pattern.view(n_groups, per_group, n_positions, n_positions).permute(0, 3, 2, 1)
        value = block.value.flatten(0, 1)
        if before is not None:
            pattern = pattern * before.scale[:n_positions, :, None]
            value = value * before.weight
            value = centre(value) if before.centred else value
        return cls(
            output.reshape(n_groups, d_model, per_group * d_head),
            pattern.reshape(n_groups, n_positions, -1).to(block.pattern),
            value.to(block.value),
            block.post_attention_norm,
        )

    def add_to(self, covectors: Float[Tensor, "targets positions d"]) -> None:
        """Add to covectors what reaches the block's input through its attention."""
        n_targets, n_positions, d_model = covectors.shape
        entering = covectors if self.norm is None else self.norm.pull_back(covectors)
        entering = entering.view(-1, d_model).to(self.output.dtype)
        at_keys = []
        for output, pattern in zip(self.output, self.pattern, strict=True):
            heads = multiply(entering, output, rounded=True)
            heads = heads.view(n_targets, pattern.shape[1], -1)
            mixed = multiply(pattern.expand(n_targets, -1, -1), heads, rounded=True)
            at_keys.append(mixed.view(n_targets * n_positions, -1))
        add_product(covectors.view(-1, d_model), torch.cat(at_keys, dim=1), self.value)
