"""Transcoders in circuit-tracer's folder layout: per-layer and cross-layer."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
import yaml
from jaxtyping import Float
from safetensors import SafetensorError, safe_open
from torch import Tensor

from graphlabel.errors import TranscoderError
from graphlabel.models.transcoders.transcoder import (
    Activation,
    JumpReLU,
    ReadPoint,
    ReLU,
    TopK,
    TranscoderLayer,
    Transcoders,
    WritePoint,
)
from graphlabel.revision import folder_revision

THRESHOLD = "activation_function.threshold"


def load_circuit_tracer(folder: Path) -> Transcoders:
    """The transcoder set in a folder; raises TranscoderError when it is broken.

    Weights stay in the memory-mapped files until they are needed; of the decoders only the rows of
    active features are read.
    """
    config = _config(folder)
    kind = config.get("model_kind", "transcoder_set")
    kinds: dict[str, tuple[str, type[_PerLayer] | type[_CrossLayer]]] = {
        "transcoder_set": ("layer_", _PerLayer),
        "cross_layer_transcoder": ("W_enc_", _CrossLayer),
    }
    if kind not in kinds:
        raise TranscoderError(
            f"{folder / 'config.yaml'}: model_kind “{kind}” is unknown; "
            "expected transcoder_set or cross_layer_transcoder"
        )
    prefix, layer_class = kinds[kind]
    found = {path.stem.removeprefix(prefix): path for path in folder.glob(f"{prefix}*.safetensors")}
    layers = sorted(int(number) for number in found if number.isdecimal())
    if not layers or layers != list(range(len(layers))):
        raise TranscoderError(
            f"{folder} should hold {prefix}0.safetensors, {prefix}1.safetensors and so on; "
            f"it holds {', '.join(map(str, layers)) or 'none'}"
        )
    return Transcoders(
        name=str(config.get("scan") or folder.resolve().name),
        model_name=str(config.get("model_name") or ""),
        revision=folder_revision(folder),
        layers=tuple(layer_class(folder, layer, len(layers), config) for layer in layers),
    )


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TranscoderError(
            f"{folder} holds no transcoders: it has no config.yaml in circuit-tracer's form"
        ) from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise TranscoderError(f"{path} cannot be read: {error}".replace("\n", " ")) from error
    if not isinstance(config, dict):
        raise TranscoderError(f"{path} should hold names and values; it holds something else")
    return config


def _hook(config: dict[str, Any], name: str, points: type[Any]) -> Any:
    value = config.get(name)
    try:
        return points(value)
    except ValueError as error:
        known = ", ".join(point.value for point in points)
        raise TranscoderError(f"{name} “{value}” is unknown; graphlabel knows {known}") from error


@dataclass(frozen=True)
class _Weights:
    """A safetensors file, opened anew for every read so that nothing stays mapped."""

    path: Path

    def names(self) -> set[str]:
        with self._open() as file:
            return set(file.keys())

    def shape(self, name: str) -> tuple[int, ...]:
        with self._open() as file:
            return tuple(file.get_slice(name).get_shape())

    def read(self, name: str) -> Tensor:
        with self._open() as file:
            tensor: Tensor = file.get_tensor(name)
        return tensor

    def rows(self, name: str, places: Tensor) -> Tensor:
        """Some rows of a matrix; rows that lie together are read together."""
        wanted, back = torch.unique(places.cpu(), return_inverse=True)
        if wanted.numel() * 4 > self.shape(name)[0]:
            return self.read(name)[wanted][back]
        with self._open() as file:
            piece = file.get_slice(name)
            read = [piece[int(row) : int(row) + 1] for row in wanted]
        return torch.cat(read)[back]

    def _open(self) -> Any:
        try:
            return safe_open(self.path, framework="pt")
        except (OSError, SafetensorError) as error:
            raise TranscoderError(f"{self.path} cannot be read: {error}; copy it again") from error


class _CircuitTracerLayer(TranscoderLayer):
    def _set_up(self, weights: _Weights, config: dict[str, Any], encoder: str) -> None:
        self.weights = weights
        self._encoder = encoder
        self._cached: tuple[Tensor, Tensor] | None = None
        missing = {encoder, encoder.replace("W_", "b_")} - weights.names()
        if missing:
            raise TranscoderError(f"{weights.path} lacks {', '.join(sorted(missing))}")
        self.n_features = weights.shape(encoder)[0]
        self.read_point = _hook(config, "feature_input_hook", ReadPoint)
        self.write_point = _hook(config, "feature_output_hook", WritePoint)

    def encoder(self) -> tuple[Float[Tensor, "d_transcoder d"], Float[Tensor, " d_transcoder"]]:
        if self._cached is None:
            bias = self._encoder.replace("W_", "b_")
            self._cached = self.weights.read(self._encoder), self.weights.read(bias)
        return self._cached


class _PerLayer(_CircuitTracerLayer):
    def __init__(self, folder: Path, layer: int, n_layers: int, config: dict[str, Any]) -> None:
        self.layer = layer
        self._set_up(_Weights(folder / f"layer_{layer}.safetensors"), config, "W_enc")
        self.activation = _activation(self.weights, THRESHOLD, config)

    @property
    def write_layers(self) -> range:
        return range(self.layer, self.layer + 1)

    def decoder_rows(self, features: Tensor, write_layer: int) -> Float[Tensor, "features d"]:
        return self.weights.rows("W_dec", features)

    def decoder_bias(self) -> Float[Tensor, " d"]:
        return self.weights.read("b_dec")

    def skip(self) -> Float[Tensor, "d d"] | None:
        return self.weights.read("W_skip") if "W_skip" in self.weights.names() else None


class _CrossLayer(_CircuitTracerLayer):
    def __init__(self, folder: Path, layer: int, n_layers: int, config: dict[str, Any]) -> None:
        self.layer, self._n_layers = layer, n_layers
        encoder = _Weights(folder / f"W_enc_{layer}.safetensors")
        self._set_up(encoder, config, f"W_enc_{layer}")
        self.activation = _activation(self.weights, f"threshold_{layer}", config)
        self._decoder = _Weights(folder / f"W_dec_{layer}.safetensors")

    @property
    def write_layers(self) -> range:
        return range(self.layer, self._n_layers)

    def decoder_rows(self, features: Tensor, write_layer: int) -> Float[Tensor, "features d"]:
        rows = self._decoder.rows(f"W_dec_{self.layer}", features)
        return rows[:, write_layer - self.layer]

    def decoder_bias(self) -> Float[Tensor, " d"]:
        return self.weights.read(f"b_dec_{self.layer}")

    def skip(self) -> Float[Tensor, "d d"] | None:
        return None


def _activation(weights: _Weights, threshold: str, config: dict[str, Any]) -> Activation:
    if threshold in weights.names():
        return JumpReLU(weights.read(threshold))
    named = str(config.get("activation", "relu")).replace("_", "").lower()
    if named == "topk":
        if not isinstance(config.get("k"), int):
            raise TranscoderError("config.yaml names the activation topk but gives no k")
        return TopK(int(config["k"]))
    if named == "relu":
        return ReLU()
    raise TranscoderError(
        f"the activation “{config.get('activation')}” is unknown or lacks its threshold; "
        "graphlabel knows relu, jump_relu and topk"
    )
