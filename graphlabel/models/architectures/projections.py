"""Attention's value and output weights, however a family stores them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor, nn


class Layout(StrEnum):
    """Where the value rows stand in a projection's output."""

    OWN = "own"
    """The module gives values and nothing else."""
    LAST = "last"
    """Queries, keys, then values (GPT-2, Phi-3)."""
    PER_HEAD = "per head"
    """Query, key and value of one head after the other (GPT-NeoX)."""


def linear_weight(module: nn.Module, dtype: torch.dtype) -> Float[Tensor, "d_out d_in"]:
    """A linear layer's weight; GPT-2's Conv1D stores the transpose."""
    weight = module.get_parameter("weight").detach().to(dtype)
    return weight.T if type(module).__name__ == "Conv1D" else weight


def linear_bias(module: nn.Module, dtype: torch.dtype) -> Float[Tensor, " d_out"] | None:
    """A linear layer's bias."""
    bias = getattr(module, "bias", None)
    return bias.detach().to(dtype) if isinstance(bias, Tensor) else None


@dataclass(frozen=True, slots=True)
class ValueProjection:
    """The projection that makes values, alone or fused with queries and keys."""

    module: str = "self_attn.v_proj"
    layout: Layout = Layout.OWN

    def weight(
        self, block: nn.Module, n_heads: int, d_head: int, dtype: torch.dtype
    ) -> Float[Tensor, "kv_heads d_head d"]:
        """Wⱽ by key-value head; ``n_heads`` is the number of key-value heads."""
        weight = linear_weight(block.get_submodule(self.module), dtype)
        return self._values(weight, n_heads, d_head)

    def bias(
        self, block: nn.Module, n_heads: int, d_head: int, dtype: torch.dtype
    ) -> Float[Tensor, "kv_heads d_head"] | None:
        """The value bias by key-value head."""
        bias = linear_bias(block.get_submodule(self.module), dtype)
        return None if bias is None else self._values(bias[:, None], n_heads, d_head)[..., 0]

    def _values(self, rows: Tensor, n_heads: int, d_head: int) -> Tensor:
        if self.layout is Layout.PER_HEAD:
            return rows.view(n_heads, 3, d_head, -1)[:, 2]
        return rows[-n_heads * d_head :].reshape(n_heads, d_head, -1)
