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

    @property
    def queries_and_keys(self) -> tuple[str, ...]:
        """The modules that make queries and keys, and values too where they are fused."""
        if self.layout is not Layout.OWN:
            return (self.module,)
        attention = self.module.rpartition(".")[0]
        return (f"{attention}.q_proj", f"{attention}.k_proj")

    def with_values(
        self,
        kept: Float[Tensor, "batch positions d_out"],
        new: Float[Tensor, "batch positions d_out"],
        n_heads: int,
        n_kv_heads: int,
    ) -> Float[Tensor, "batch positions d_out"]:
        """Such a module's output: queries and keys of ``kept``, values of ``new``."""
        if self.layout is Layout.OWN:
            return kept
        if self.layout is Layout.PER_HEAD:
            shape = (*kept.shape[:-1], n_heads, 3, -1)
            parts = [kept.reshape(shape)[..., :2, :], new.reshape(shape)[..., 2:, :]]
            return torch.cat(parts, dim=-2).flatten(-3)
        n_values = kept.shape[-1] * n_kv_heads // (n_heads + 2 * n_kv_heads)
        return torch.cat([kept[..., :-n_values], new[..., -n_values:]], dim=-1)

    def _values(self, rows: Tensor, n_heads: int, d_head: int) -> Tensor:
        if self.layout is Layout.PER_HEAD:
            return rows.view(n_heads, 3, d_head, -1)[:, 2]
        return rows[-n_heads * d_head :].reshape(n_heads, d_head, -1)
