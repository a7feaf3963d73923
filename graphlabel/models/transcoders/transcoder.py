"""Transcoders: what replaces the MLPs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.errors import TranscoderError


class ReadPoint(StrEnum):
    """Where a transcoder reads the residual stream, by TransformerLens' hook names."""

    MLP_INPUT = "mlp.hook_in"
    """After the pre-MLP norm, its weight included."""
    NORMALIZED = "ln2.hook_normalized"
    """After the pre-MLP norm, without its weight."""
    RESIDUAL = "hook_resid_mid"
    """Before the pre-MLP norm."""


class WritePoint(StrEnum):
    """Where a transcoder writes."""

    MLP_OUTPUT = "mlp.hook_out"
    """The MLP's own output, before any norm that follows it."""
    RESIDUAL = "hook_mlp_out"
    """What is added to the residual stream."""


class Activation(ABC):
    """A transcoder's activation function."""

    @abstractmethod
    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations; a feature exists where the result is not 0."""


class ReLU(Activation):
    """max(pre, 0)."""

    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations."""
        return torch.relu(pre)


@dataclass(frozen=True)
class JumpReLU(Activation):
    """pre where pre > threshold (strictly), else 0 (Rajamanoharan et al. 2024)."""

    threshold: Tensor

    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations."""
        threshold = self.threshold.to(device=pre.device, dtype=pre.dtype)
        return torch.where(pre > threshold, pre, torch.zeros_like(pre))


@dataclass(frozen=True)
class TopK(Activation):
    """The k largest pre-activations kept as they are, as circuit-tracer does."""

    k: int

    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations."""
        values, places = pre.topk(min(self.k, pre.shape[-1]), dim=-1)
        return torch.zeros_like(pre).scatter(-1, places, values)


@dataclass(frozen=True)
class BatchTopK(Activation):
    """BatchTopK at inference: max(pre, 0) where it exceeds the threshold learnt in training.

    Bussmann et al. 2024: the batch's k-th activation is replaced by its running mean, so that what
    fires at one position does not depend on the others.
    """

    threshold: Tensor

    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations."""
        threshold = self.threshold.to(device=pre.device, dtype=pre.dtype).clamp(min=0)
        return torch.where(pre > threshold, pre, torch.zeros_like(pre))


@dataclass(frozen=True)
class RectifiedTopK(Activation):
    """The k largest of max(pre, 0), as sparsify does: fewer fire where fewer are positive."""

    k: int

    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations."""
        return TopK(self.k)(torch.relu(pre))


@dataclass(frozen=True)
class GroupMax(Activation):
    """The largest of max(pre, 0) in each of k equal groups of neighbours, as sparsify does."""

    k: int

    def __call__(self, pre: Float[Tensor, "*n d_transcoder"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations from pre-activations."""
        groups = torch.relu(pre).reshape(*pre.shape[:-1], self.k, -1)
        values, places = groups.max(dim=-1, keepdim=True)
        return torch.zeros_like(groups).scatter(-1, places, values).flatten(-2)


class TranscoderLayer(ABC):
    """The transcoder that reads at one layer."""

    activation: Activation
    read_point: ReadPoint
    write_point: WritePoint
    layer: int
    n_features: int
    reads_rows = True
    """Whether some encoder rows can be read without reading all of them."""

    @property
    @abstractmethod
    def write_layers(self) -> range:
        """The layers it writes to, its own first."""

    @abstractmethod
    def encoder(self) -> tuple[Float[Tensor, "d_transcoder d"], Float[Tensor, " d_transcoder"]]:
        """Encoder rows and bias."""

    @property
    @abstractmethod
    def d_model(self) -> int:
        """The width of the vectors it reads and writes."""

    def encoder_rows(
        self, features: Tensor
    ) -> tuple[Float[Tensor, "features d"], Float[Tensor, " features"]]:
        """Encoder rows and biases of some features."""
        weight, bias = self.encoder()
        places = features.to(weight.device)
        return weight[places], bias[places]

    def release(self) -> None:
        """Forget what can be read again; called when a layer will not be encoded soon."""
        return

    @abstractmethod
    def decoder_rows(self, features: Tensor, write_layer: int) -> Float[Tensor, "features d"]:
        """Decoder rows of some features, for one of the layers it writes to."""

    @abstractmethod
    def decoder_bias(self) -> Float[Tensor, " d"]:
        """What is added to the reconstruction of its own layer."""

    @abstractmethod
    def skip(self) -> Float[Tensor, "d d"] | None:
        """W_skip, applied as x @ W_skipᵀ to its own layer's reconstruction."""

    def encode(self, x: Float[Tensor, "*n d"]) -> Float[Tensor, "*n d_transcoder"]:
        """Activations at these inputs; raises TranscoderError when there are NaN or infinite ones.

        A bias of -inf is allowed: it keeps a feature from firing.
        """
        weight, bias = self.encoder()
        weight, bias = (part.to(device=x.device, dtype=x.dtype) for part in (weight, bias))
        pre = x @ weight.T + bias
        if not (pre < torch.inf).all():  # NaN is not; a threshold would hide it
            raise TranscoderError(self._why_not_finite(x))
        return self.activation(pre)

    def _why_not_finite(self, x: Float[Tensor, "*n d"]) -> str:
        if x.isfinite().all():
            return (
                f"the transcoder of layer {self.layer} gives NaN or infinite activations; its "
                "file is broken, get it again"
            )
        return (
            f"the model gives NaN or infinite activations at layer {self.layer}; try --dtype "
            "float32, or get its weights again"
        )


class NoTranscoder(TranscoderLayer):
    """A layer without a transcoder: its MLP is error from end to end."""

    n_features = 0
    activation: Activation = ReLU()
    read_point = ReadPoint.RESIDUAL

    def __init__(self, layer: int, d_model: int, write_point: WritePoint) -> None:
        """``write_point`` is where the other layers of the set write."""
        self.layer, self._d_model, self.write_point = layer, d_model, write_point

    @property
    def d_model(self) -> int:
        """The width of the vectors that the other layers read."""
        return self._d_model

    @property
    def write_layers(self) -> range:
        """None."""
        return range(0)

    def encoder(self) -> tuple[Float[Tensor, "d_transcoder d"], Float[Tensor, " d_transcoder"]]:
        """No rows."""
        return torch.zeros(0, self._d_model), torch.zeros(0)

    def decoder_rows(self, features: Tensor, write_layer: int) -> Float[Tensor, "features d"]:
        """No rows."""
        return torch.zeros(len(features), self._d_model)

    def decoder_bias(self) -> Float[Tensor, " d"]:
        """Nothing."""
        return torch.zeros(self._d_model)

    def skip(self) -> Float[Tensor, "d d"] | None:
        """Nothing."""
        return None


@dataclass(frozen=True, eq=False)
class Transcoders:
    """A set of transcoders for a model, per layer or across layers."""

    name: str
    """The set's name: its config's ``scan``, a release, hub id or folder name."""
    model_name: str
    """The model it was made for, where its configuration says; else empty."""
    revision: str
    layers: tuple[TranscoderLayer, ...]

    @property
    def missing_layers(self) -> tuple[int, ...]:
        """Layers that have no transcoder."""
        return tuple(each.layer for each in self.layers if isinstance(each, NoTranscoder))

    @property
    def is_cross_layer(self) -> bool:
        """Whether any feature writes to more than one layer."""
        return any(len(layer.write_layers) > 1 for layer in self.layers)
