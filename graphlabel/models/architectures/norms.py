"""Normalisation layers as linear maps, once their scale is frozen."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphlabel.errors import UnsupportedArchitectureError


def centre(x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
    """X minus its mean over the last dimension; the map is its own transpose."""
    return x - x.mean(dim=-1, keepdim=True)


@dataclass(frozen=True, slots=True)
class Norm:
    """A kind of normalisation layer: RMSNorm, or LayerNorm where ``centred``."""

    weight_offset: float = 0.0
    """Added to the weight before it multiplies (Gemma's norms multiply by 1 + weight)."""
    centred: bool = False
    """LayerNorm: the mean is subtracted first, which stays linear, and a bias is added last."""

    def scale(self, x: Float[Tensor, "*n d"], eps: float) -> Float[Tensor, "*n 1"]:
        """What is frozen: 1 / root-mean-square of each position (after centring, if any)."""
        if self.centred:
            x = centre(x)
        return torch.rsqrt(x.pow(2).mean(dim=-1, keepdim=True) + eps)

    def normalized(self, module: nn.Module, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d"]:
        """X centred (if the kind is) and scaled, without weight and bias."""
        return (centre(x) if self.centred else x) * self.scale(x, norm_epsilon(module))

    def weight(self, module: nn.Module, dtype: torch.dtype) -> Float[Tensor, " d"]:
        """What multiplies the normalised vector."""
        weight = module.get_parameter("weight").detach().to(dtype)
        return weight + self.weight_offset if self.weight_offset else weight

    def bias(self, module: nn.Module, dtype: torch.dtype) -> Float[Tensor, " d"] | None:
        """What is added last."""
        bias = getattr(module, "bias", None)
        return bias.detach().to(dtype) if isinstance(bias, Tensor) else None

    def freeze(self, module: nn.Module, x: Float[Tensor, "positions d"]) -> FrozenNorm:
        """The map that the norm is at these inputs."""
        scale = self.scale(x, norm_epsilon(module))
        weight, bias = self.weight(module, x.dtype), self.bias(module, x.dtype)
        return FrozenNorm(scale, weight, self.centred, bias)

    def freeze_unweighted(self, module: nn.Module, x: Float[Tensor, "positions d"]) -> FrozenNorm:
        """The same without weight and bias."""
        scale = self.scale(x, norm_epsilon(module))
        return FrozenNorm(scale, scale.new_ones(x.shape[-1]), self.centred, None)


@dataclass(frozen=True, slots=True, eq=False)
class FrozenNorm:
    """A norm at one prompt: scale · weight · (x, centred or not) + bias."""

    scale: Float[Tensor, "positions 1"]
    weight: Float[Tensor, " d"]
    centred: bool
    bias: Float[Tensor, " d"] | None

    @property
    def multiplier(self) -> Float[Tensor, "positions d"]:
        """Scale and weight together."""
        return self.scale * self.weight

    def linear(self, x: Float[Tensor, "positions d"]) -> Float[Tensor, "positions d"]:
        """The linear part at every position."""
        return (centre(x) if self.centred else x) * self.multiplier

    def __call__(self, x: Float[Tensor, "positions d"]) -> Float[Tensor, "positions d"]:
        """What the norm gives."""
        y = self.linear(x)
        return y if self.bias is None else y + self.bias

    def pull_back(
        self, covectors: Float[Tensor, "targets positions d"]
    ) -> Float[Tensor, "targets positions d"]:
        """The transpose of the linear part, for covectors at the first positions."""
        pulled = covectors * self.multiplier[: covectors.shape[1]]
        return centre(pulled) if self.centred else pulled

    def pull_back_rows(
        self, covectors: Float[Tensor, "rows d"], position: Tensor
    ) -> Float[Tensor, "rows d"]:
        """The transpose for rows that each sit at a position of their own."""
        pulled = covectors * (self.scale[position] * self.weight)
        return centre(pulled) if self.centred else pulled


def norm_epsilon(module: nn.Module) -> float:
    """The epsilon of a normalisation layer, whatever its author called it."""
    for name in ("variance_epsilon", "eps", "epsilon"):
        value = getattr(module, name, None)
        if value is not None:
            return float(value)
    raise UnsupportedArchitectureError(
        f"{type(module).__name__} has no epsilon that graphlabel knows of; please report the model"
    )
