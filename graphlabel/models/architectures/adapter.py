"""What tracing needs to know of an architecture, and the registry of known ones."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphlabel.errors import UnsupportedArchitectureError


@dataclass(frozen=True, slots=True)
class Norm:
    """How a normalisation layer becomes a linear map once its scale is frozen."""

    weight_offset: float = 0.0
    """Added to the weight before it multiplies (Gemma's norms multiply by 1 + weight)."""

    def scale(self, x: Float[Tensor, "*n d"], eps: float) -> Float[Tensor, "*n 1"]:
        """The frozen 1 / root-mean-square of each position."""
        return torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + eps)

    def weight(self, module: nn.Module, dtype: torch.dtype) -> Float[Tensor, " d"]:
        """What multiplies the normalised vector."""
        weight = module.get_parameter("weight").detach().to(dtype)
        return weight + self.weight_offset if self.weight_offset else weight

    def multiplier(
        self, module: nn.Module, x: Float[Tensor, "positions d"]
    ) -> Float[Tensor, "positions d"]:
        """The elementwise map that the norm is at these inputs."""
        return self.scale(x, norm_epsilon(module)) * self.weight(module, x.dtype)


def norm_epsilon(module: nn.Module) -> float:
    """The epsilon of a normalisation layer, whatever its author called it."""
    for name in ("variance_epsilon", "eps", "epsilon"):
        value = getattr(module, name, None)
        if value is not None:
            return float(value)
    raise UnsupportedArchitectureError(
        f"{type(module).__name__} has no epsilon that graphlabel knows of; please report the model"
    )


@dataclass(frozen=True, slots=True)
class Architecture:
    """A decoder-only transformer with sequential blocks, by the names of its modules.

    Names are relative to the block, except the first four, which are relative to the model.
    """

    model_types: tuple[str, ...]
    """``config.model_type`` of the models this describes."""
    blocks: str = "model.layers"
    embedding: str = "model.embed_tokens"
    final_norm: str = "model.norm"
    unembedding: str = "lm_head"
    attention_norm: str = "input_layernorm"
    attention: str = "self_attn"
    value: str = "self_attn.v_proj"
    output: str = "self_attn.o_proj"
    mlp_norm: str = "post_attention_layernorm"
    mlp: str = "mlp"
    post_attention_norm: str | None = None
    """A norm on the attention's output, before it is added to the residual stream."""
    post_mlp_norm: str | None = None
    norm: Norm = Norm()
    embedding_scale: Callable[[int], float] = lambda _: 1.0
    """By how much the embedding row is multiplied, given d_model."""
    first_feature_position: int = 1
    """Earlier positions carry neither features nor errors."""


def architecture_of(model_type: str) -> Architecture:
    """The adapter of a model type; raises UnsupportedArchitectureError listing the known ones."""
    from graphlabel.models.architectures.known import ARCHITECTURES

    for architecture in ARCHITECTURES:
        if model_type in architecture.model_types:
            return architecture
    known = sorted(name for each in ARCHITECTURES for name in each.model_types)
    raise UnsupportedArchitectureError(
        f"graphlabel cannot trace the architecture “{model_type}”; it knows {', '.join(known)}"
    )
