"""Transcoders whose weights stay where they are stored until they are needed."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeVar

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.errors import TranscoderError
from graphlabel.models.transcoders.transcoder import (
    Activation,
    ReadPoint,
    TranscoderLayer,
    WritePoint,
)
from graphlabel.models.transcoders.weights import Weights

Point = TypeVar("Point", bound=StrEnum)


@dataclass(frozen=True, slots=True)
class Points:
    """Where a set reads and writes."""

    read: ReadPoint
    write: WritePoint


def hook_point(value: object, points: type[Point], option: str) -> Point:
    """A hook point by its name; raises TranscoderError listing the known ones."""
    try:
        return points(str(value))
    except ValueError as error:
        known = ", ".join(points)
        raise TranscoderError(f"{option} “{value}” is unknown; graphlabel knows {known}") from error


class _Stored(TranscoderLayer):
    def __init__(
        self, weights: Weights, layer: int, points: Points, activation: Activation
    ) -> None:
        self.weights, self.layer, self.activation = weights, layer, activation
        self.read_point, self.write_point = points.read, points.write
        self._cached: tuple[Tensor, Tensor] | None = None
        self._check()
        self.reads_rows = weights.reads_rows
        self.n_features = weights.shape("W_enc")[0]

    @property
    def d_model(self) -> int:
        """The width of the vectors it reads."""
        return self.weights.shape("W_enc")[1]

    def encoder(self) -> tuple[Float[Tensor, "d_transcoder d"], Float[Tensor, " d_transcoder"]]:
        """Encoder rows and bias, kept until ``release``."""
        if self._cached is None:
            self._cached = self.weights.read("W_enc"), self.weights.read("b_enc")
        return self._cached

    def encoder_rows(
        self, features: Tensor
    ) -> tuple[Float[Tensor, "features d"], Float[Tensor, " features"]]:
        """Encoder rows and biases of some features."""
        if self._cached is not None:
            return super().encoder_rows(features)
        return self.weights.rows("W_enc", features), self.weights.rows("b_enc", features)

    def release(self) -> None:
        """Forget the encoder."""
        self._cached = None

    def decoder_bias(self) -> Float[Tensor, " d"]:
        """What is added to the reconstruction of its own layer."""
        return self.weights.read("b_dec")

    def skip(self) -> Float[Tensor, "d d"] | None:
        """W_skip."""
        return self.weights.read("W_skip") if "W_skip" in self.weights.names() else None

    def _check(self) -> None:
        missing = {"W_enc", "b_enc", "W_dec", "b_dec"} - self.weights.names()
        if missing:
            raise TranscoderError(f"{self.weights.path} lacks {', '.join(sorted(missing))}")
        width, d_model = self._matrix("W_enc")
        square = (d_model, d_model)
        expected_shapes = {"b_enc": (width,), "b_dec": (d_model,), "W_skip": square}
        for name in sorted(expected_shapes.keys() & self.weights.names()):
            expected = expected_shapes[name]
            if self.weights.shape(name) != expected:
                raise TranscoderError(
                    f"{self.weights.path}: {name} has the shape {self.weights.shape(name)}, "
                    f"W_enc asks for {expected}"
                )
        decoder = self.weights.shape("W_dec")
        if (decoder[0], decoder[-1]) != (width, d_model):
            raise TranscoderError(
                f"{self.weights.path}: W_dec has the shape {decoder}, W_enc is {width} × {d_model}"
            )

    def _matrix(self, name: str) -> tuple[int, int]:
        shape = self.weights.shape(name)
        if len(shape) != 2:
            raise TranscoderError(f"{self.weights.path}: {name} is no matrix but {shape}")
        return shape[0], shape[1]


class PerLayer(_Stored):
    """Reads and writes at one layer: W_enc (d_transcoder, d), b_enc, W_dec, b_dec, W_skip."""

    @property
    def write_layers(self) -> range:
        """Its own layer."""
        return range(self.layer, self.layer + 1)

    def decoder_rows(self, features: Tensor, write_layer: int) -> Float[Tensor, "features d"]:
        """Decoder rows of some features."""
        return self.weights.rows("W_dec", features)


class CrossLayer(_Stored):
    """Reads at one layer and writes there and above: W_dec is (d_transcoder, layers, d).

    The decoder holds the layers from its own to the last one, or all layers of the model.
    """

    def __init__(
        self,
        weights: Weights,
        layer: int,
        points: Points,
        activation: Activation,
        n_layers: int,
    ) -> None:
        """``n_layers`` is how many layers the set has."""
        super().__init__(weights, layer, points, activation)
        stored = weights.shape("W_dec")[1]
        if stored not in (n_layers, n_layers - layer):
            raise TranscoderError(
                f"{weights.path}: the decoder of layer {layer} writes to {stored} layers, "
                f"a set of {n_layers} layers asks for {n_layers - layer}"
            )
        self._n_layers, self._first_stored = n_layers, n_layers - stored
        # rows of all layers lie together in the file, and are asked for layer by layer
        self._decoded: tuple[Tensor, Tensor] | None = None

    @property
    def write_layers(self) -> range:
        """Its own layer and all above."""
        return range(self.layer, self._n_layers)

    def decoder_rows(self, features: Tensor, write_layer: int) -> Float[Tensor, "features d"]:
        """Decoder rows of some features, for one of the layers it writes to."""
        if self._decoded is None or not torch.equal(self._decoded[0], features):
            self._decoded = features, self.weights.rows("W_dec", features)
        return self._decoded[1][:, write_layer - self._first_stored]

    def release(self) -> None:
        """Forget the encoder and the rows that were read."""
        super().release()
        self._decoded = None


def as_points(config: dict[str, Any]) -> Points:
    """The hook points that a configuration names."""
    return Points(
        hook_point(config.get("feature_input_hook"), ReadPoint, "feature_input_hook"),
        hook_point(config.get("feature_output_hook"), WritePoint, "feature_output_hook"),
    )


def folders_with(folder: Path, file: str) -> list[Path]:
    """The folder itself and those in it that hold a file of this name."""
    return sorted(path.parent for path in (*folder.glob(file), *folder.glob(f"*/{file}")))
