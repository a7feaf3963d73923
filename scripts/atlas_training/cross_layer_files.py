"""Measuring a cross-layer transcoder and writing it in the folder layout of circuit-tracer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file

from scripts.atlas_training.activations import LayerActivations
from scripts.atlas_training.cross_layer import CrossLayer, rebuild
from scripts.atlas_training.transcoder_files import Quality

CONFIG = """\
activation: jump_relu
feature_input_hook: mlp.hook_in
feature_output_hook: mlp.hook_out
model_kind: cross_layer_transcoder
model_name: atlas
scan: atlas-cross-layer
"""
KEYS = {
    "encoder": "W_enc",
    "encoder_bias": "b_enc",
    "decoder_bias": "b_dec",
    "threshold": "threshold",
}


@torch.no_grad()
def measure_cross_layer(
    layers: Sequence[CrossLayer], data: Sequence[LayerActivations]
) -> list[Quality]:
    """Of each layer, error relative to the variance about the mean, sparsity, dead features."""
    features = [layer.encode(rows.inputs) for layer, rows in zip(layers, data, strict=True)]
    found: list[Quality] = []
    for layer, fires, rows, output in zip(
        layers, features, data, rebuild(layers, features), strict=True
    ):
        variance = (rows.targets - rows.targets.mean(0)).pow(2).sum()
        unexplained = float((rows.targets - output).pow(2).sum() / variance)
        dead = int((~(fires > 0).any(0)).sum())
        found.append(
            {
                "fraction_of_variance_unexplained": round(unexplained, 6),
                "active_per_token": round(float((fires > 0).sum()) / len(fires), 3),
                "dead_features": dead,
                "dead_share": round(dead / fires.shape[1], 4),
                "decoder_norm": round(float(layer.decoder.flatten(1).norm(dim=1).mean()), 4),
                "tokens": len(fires),
            }
        )
    return found


def save_cross_layer(layers: Sequence[CrossLayer], folder: Path) -> None:
    """Write all layers in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    for index, layer in enumerate(layers):
        tensors = {
            f"{key}_{index}": getattr(layer, name).half().contiguous() for name, key in KEYS.items()
        }
        save_file(tensors, str(folder / f"W_enc_{index}.safetensors"))
        decoder = {f"W_dec_{index}": layer.decoder.half().contiguous()}
        save_file(decoder, str(folder / f"W_dec_{index}.safetensors"))
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")


def load_cross_layer(folder: Path) -> list[CrossLayer]:
    """Read all layers in single precision."""
    found = []
    for index in range(len(list(folder.glob("W_enc_*.safetensors")))):
        encoder = load_file(str(folder / f"W_enc_{index}.safetensors"))
        decoder = load_file(str(folder / f"W_dec_{index}.safetensors"))
        values = {name: encoder[f"{key}_{index}"].float() for name, key in KEYS.items()}
        found.append(CrossLayer(decoder=decoder[f"W_dec_{index}"].float(), **values))
    return found
