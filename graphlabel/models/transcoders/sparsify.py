"""Transcoders of EleutherAI's sparsify: a folder a layer, named after the module it replaces.

Each holds ``cfg.json`` and ``sae.safetensors`` (encoder.weight, encoder.bias, W_dec, b_dec, and
W_skip with a skip connection). They read the MLP's input and predict its output; pre-activations
are rectified before the k largest are taken.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

from graphlabel.errors import TranscoderError
from graphlabel.models.transcoders.stored import PerLayer, Points, folders_with
from graphlabel.models.transcoders.transcoder import (
    Activation,
    GroupMax,
    NoTranscoder,
    ReadPoint,
    RectifiedTopK,
    Transcoders,
    WritePoint,
)
from graphlabel.models.transcoders.weights import Renamed, SafetensorsFile
from graphlabel.revision import folders_revision

WEIGHTS = "sae.safetensors"
POINTS = Points(ReadPoint.MLP_INPUT, WritePoint.MLP_OUTPUT)
_MODULE = re.compile(r"(?:^|\.)(?:layers|h)\.(\d+)\.mlp$")
_NAMES = {
    "W_enc": "encoder.weight", "b_enc": "encoder.bias", "W_dec": "W_dec", "b_dec": "b_dec",
    "W_skip": "W_skip",
}  # fmt: skip


def load_sparsify(folder: Path, *, name: str = "") -> Transcoders:
    """The transcoders in a folder of folders; raises TranscoderError when they cannot be used.

    ``name`` is the hub id. Layers without a folder have no transcoder.
    """
    layers: dict[int, Path] = {}
    for path in folders_with(folder, WEIGHTS):
        match = _MODULE.search(path.name)
        if match is None:
            raise TranscoderError(
                f"{path} replaces {path.name}, not an MLP (layers.0.mlp); graphs need transcoders "
                "of whole MLPs"
            )
        layers[int(match[1])] = path
    if not layers:
        raise TranscoderError(f"{folder} holds no folder with {WEIGHTS} in it")
    made = {layer: _layer(path, layer) for layer, path in layers.items()}
    d_model = next(iter(made.values())).d_model
    return Transcoders(
        name=name or folder.resolve().name,
        model_name=str(_json(folder / "config.json").get("model") or ""),
        revision=folders_revision([layers[layer] for layer in sorted(layers)]),
        layers=tuple(
            made.get(layer) or NoTranscoder(layer, d_model, POINTS.write)
            for layer in range(max(layers) + 1)
        ),
    )


def _layer(path: Path, layer: int) -> PerLayer:
    config = _json(path / "cfg.json")
    if not config.get("transcode"):
        raise TranscoderError(
            f"{path} is a sparse autoencoder, not a transcoder; graphs need transcoders"
        )
    weights = Renamed(SafetensorsFile(path / WEIGHTS), _NAMES)
    made = PerLayer(weights, layer, POINTS, _activation(path, config))
    if isinstance(made.activation, GroupMax) and made.n_features % made.activation.k:
        raise TranscoderError(
            f"{path}: {made.n_features} features are not {made.activation.k} equal groups, which "
            "groupmax needs; correct k in cfg.json"
        )
    return made


def _activation(path: Path, config: dict[str, Any]) -> Activation:
    kind, k = config.get("activation", "topk"), config.get("k", 32)
    kinds: dict[object, type[RectifiedTopK] | type[GroupMax]] = {
        "topk": RectifiedTopK, "groupmax": GroupMax,
    }  # fmt: skip
    if kind not in kinds or not isinstance(k, int) or k < 1:
        raise TranscoderError(
            f"{path / 'cfg.json'}: activation “{kind}” with k = {k} is unknown; "
            "graphlabel knows topk and groupmax"
        )
    return kinds[kind](k)


def _json(path: Path) -> dict[str, Any]:
    """A JSON object; empty where there is no such file."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise TranscoderError(f"{path} cannot be read: {error}") from error
    return value if isinstance(value, dict) else {}
