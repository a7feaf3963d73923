"""Transcoders in circuit-tracer's form: folders and lists of files, per-layer and cross-layer.

A ``config.yaml`` names the kind and the hook points; the weights are safetensors files, or the
archives of Gemma Scope. As in circuit-tracer, a per-layer file with a threshold is JumpReLU unless
the configuration names another activation, and a cross-layer one always is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml
from torch import Tensor

from graphlabel.errors import TranscoderError
from graphlabel.models.transcoders.stored import CrossLayer, PerLayer, Points, as_points
from graphlabel.models.transcoders.transcoder import (
    Activation,
    BatchTopK,
    JumpReLU,
    NoTranscoder,
    ReLU,
    TopK,
    TranscoderLayer,
    Transcoders,
)
from graphlabel.models.transcoders.weights import (
    Joined,
    NumpyArchive,
    Renamed,
    SafetensorsFile,
    Weights,
)
from graphlabel.revision import folder_revision

THRESHOLD = "activation_function.threshold"
_PUBLISHED_WITHOUT_K = {"facebook/crv-8b-instruct-transcoders": 128}
_GEMMA_SCOPE = {
    "W_enc": "W_enc.T", "b_enc": "b_enc", "W_dec": "W_dec", "b_dec": "b_dec",
    THRESHOLD: "threshold",
}  # fmt: skip
_GEMMA_SCOPE_2 = {
    "W_enc": "w_enc.T", "b_enc": "b_enc", "W_dec": "w_dec", "b_dec": "b_dec",
    THRESHOLD: "threshold", "W_skip": "affine_skip_connection.T",
}  # fmt: skip

Fetch = Callable[[str], Path]
"""Where a file that a configuration names by an ``hf://`` address is on this machine."""


@dataclass(frozen=True)
class _Set:
    """What the files of a set have in common."""

    folder: Path
    config: dict[str, Any]
    points: Points
    paths: Mapping[int, Path]

    @property
    def n_layers(self) -> int:
        return max(self.paths) + 1

    @property
    def scan(self) -> str:
        return str(self.config.get("scan") or self.config.get("scan_name") or "")


def _no_fetch(address: str) -> Path:
    raise TranscoderError(f"{address} is on the hub; give the set's hub id instead of a folder")


def load_circuit_tracer(folder: Path, *, name: str = "", fetch: Fetch = _no_fetch) -> Transcoders:
    """The transcoder set in a folder; raises TranscoderError when it is broken.

    Weights stay in their files until they are needed; of the decoders only the rows of active
    features are read. ``name`` is the hub id; ``fetch`` gets files that the configuration names.
    """
    config = _config(folder)
    kind = config.get("model_kind", "transcoder_set")
    makers: dict[str, tuple[str, Callable[[_Set, int], TranscoderLayer]]] = {
        "transcoder_set": ("layer_", _per_layer),
        "cross_layer_transcoder": ("W_enc_", _cross_layer),
    }
    if kind not in makers:
        raise TranscoderError(
            f"{folder / 'config.yaml'}: model_kind “{kind}” is unknown; "
            "expected transcoder_set or cross_layer_transcoder"
        )
    prefix, make = makers[kind]
    if name:
        config = {"scan": name, **config}
    paths = (
        _listed(folder, config["transcoders"], fetch)
        if "transcoders" in config
        else {
            int(path.stem.removeprefix(prefix)): path
            for path in folder.glob(f"{prefix}*.safetensors")
            if path.stem.removeprefix(prefix).isdecimal()
        }
    )
    if not paths:
        raise TranscoderError(f"{folder} should hold {prefix}0.safetensors and so on; it has none")
    common = _Set(folder, config, as_points(config), paths)
    made = {layer: make(common, layer) for layer in sorted(paths)}
    d_model = next(iter(made.values())).d_model
    return Transcoders(
        name=common.scan or folder.resolve().name,
        model_name=str(config.get("model_name") or ""),
        revision=folder_revision(folder),
        layers=tuple(
            made.get(layer) or NoTranscoder(layer, d_model, common.points.write)
            for layer in range(common.n_layers)
        ),
    )


def _config(folder: Path) -> dict[str, Any]:
    path = folder / "config.yaml"
    try:
        config = yaml.safe_load(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        raise TranscoderError(
            f"{folder} holds no transcoders: it has no config.yaml in circuit-tracer's form, and "
            "no folders of sae-lens or sparsify"
        ) from error
    except (OSError, yaml.YAMLError, UnicodeDecodeError) as error:
        raise TranscoderError(f"{path} cannot be read: {error}".replace("\n", " ")) from error
    if not isinstance(config, dict):
        raise TranscoderError(f"{path} should hold names and values; it holds something else")
    return config


def _listed(folder: Path, listed: object, fetch: Fetch) -> dict[int, Path]:
    """The files that a configuration lists, one a layer; null: no transcoder there."""
    if not isinstance(listed, list):
        raise TranscoderError(f"{folder / 'config.yaml'}: “transcoders” should be a list of files")
    paths = {}
    for layer, entry in enumerate(listed):
        if entry is None:
            continue
        path = fetch(str(entry)) if str(entry).startswith("hf://") else folder / str(entry)
        if not path.is_file():
            raise TranscoderError(f"{folder / 'config.yaml'} lists {entry}, which is no file")
        paths[layer] = path
    return paths


def _per_layer(common: _Set, layer: int) -> TranscoderLayer:
    weights = _open(common.paths[layer])
    return PerLayer(weights, layer, common.points, _activation(weights, common))


def _open(path: Path) -> Weights:
    if path.suffix == ".npz":
        return Renamed(NumpyArchive(path), _GEMMA_SCOPE)
    weights = SafetensorsFile(path)
    return Renamed(weights, _GEMMA_SCOPE_2) if "w_enc" in weights.names() else weights


def _cross_layer(common: _Set, layer: int) -> TranscoderLayer:
    path = common.paths[layer]
    weights = _open(path)
    if not isinstance(weights, Renamed):  # its own form: the decoder is a file of its own
        names = ("W_enc", "b_enc", "b_dec", "W_skip", "threshold")
        decoder = path.with_name(f"W_dec_{layer}.safetensors")
        weights = Joined(
            Renamed(weights, {_plain(name): f"{name}_{layer}" for name in names}),
            Renamed(SafetensorsFile(decoder), {"W_dec": f"W_dec_{layer}"}),
        )
    thresholds = THRESHOLD in weights.names()
    activation = (
        JumpReLU(_threshold(weights, THRESHOLD)) if thresholds else _activation(weights, common)
    )
    return CrossLayer(weights, layer, common.points, activation, common.n_layers)


def _plain(name: str) -> str:
    return THRESHOLD if name == "threshold" else name


def _activation(weights: Weights, common: _Set) -> Activation:
    config, names = common.config, weights.names()
    stated = str(config.get("activation") or "")
    named = re.sub(r"[^a-z]", "", stated.lower())
    if named == "topk":
        return TopK(_k(weights, common))
    if named == "batchtopk":
        if THRESHOLD not in names and "threshold" not in names:
            raise TranscoderError(
                f"{weights.path} lacks the threshold that BatchTopK learnt; save it as “threshold”"
            )
        return BatchTopK(_threshold(weights, THRESHOLD if THRESHOLD in names else "threshold"))
    if named == "relu":
        return ReLU()
    if THRESHOLD in names:
        return JumpReLU(_threshold(weights, THRESHOLD))
    if not named:
        return ReLU()
    raise TranscoderError(
        f"the activation “{stated}” is unknown or lacks its threshold; "
        "graphlabel knows relu, jump_relu, topk and batch_topk"
    )


def _threshold(weights: Weights, name: str) -> Tensor:
    threshold, width = weights.read(name), weights.shape("W_enc")[0]
    if threshold.numel() not in (1, width):
        raise TranscoderError(
            f"{weights.path}: {name} has the shape {tuple(threshold.shape)}, "
            f"W_enc asks for ({width},)"
        )
    return threshold.flatten()


def _k(weights: Weights, common: _Set) -> int:
    k = common.config.get("k")
    if k is None and "k" in weights.names():
        k = int(weights.read("k"))
    if k is None:
        k = _PUBLISHED_WITHOUT_K.get(common.scan)
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise TranscoderError(
            f"{common.folder / 'config.yaml'} names the activation topk but gives no k"
        )
    return k
