"""Measuring transcoders and writing them in the folder layout of circuit-tracer."""

from __future__ import annotations

from pathlib import Path
from typing import TypedDict

import torch
from safetensors.torch import load_file, save_file

from scripts.atlas_training.activations import LayerActivations
from scripts.atlas_training.transcoder import Transcoder

CONFIG = """\
activation: jump_relu
feature_input_hook: mlp.hook_in
feature_output_hook: mlp.hook_out
model_kind: transcoder_set
model_name: atlas
scan: atlas
"""
KEYS = {
    "encoder": "W_enc",
    "encoder_bias": "b_enc",
    "decoder": "W_dec",
    "decoder_bias": "b_dec",
    "threshold": "activation_function.threshold",
}


class Quality(TypedDict):
    """How well a transcoder stands in for its MLP on fresh documents."""

    fraction_of_variance_unexplained: float
    active_per_token: float
    dead_features: int
    dead_share: float
    decoder_norm: float
    tokens: int


@torch.no_grad()
def measure(transcoder: Transcoder, data: LayerActivations) -> Quality:
    """Error relative to the variance about the mean, sparsity and dead features."""
    variance = (data.targets - data.targets.mean(0)).pow(2).sum()
    unexplained = 0.0
    active = 0.0
    fired = torch.zeros(transcoder.encoder.shape[0], dtype=torch.bool)
    pairs = zip(torch.split(data.inputs, 4096), torch.split(data.targets, 4096), strict=True)
    for inputs, targets in pairs:
        features = transcoder.encode(inputs)
        outputs = features @ transcoder.decoder + transcoder.decoder_bias
        unexplained += float((targets - outputs).pow(2).sum())
        active += float((features > 0).sum())
        fired |= (features > 0).any(0)
    dead = int((~fired).sum())
    tokens = data.inputs.shape[0]
    return {
        "fraction_of_variance_unexplained": round(unexplained / float(variance), 6),
        "active_per_token": round(active / tokens, 3),
        "dead_features": dead,
        "dead_share": round(dead / fired.numel(), 4),
        "decoder_norm": round(float(transcoder.decoder.norm(dim=1).mean()), 4),
        "tokens": tokens,
    }


def layer_file(folder: Path, layer: int) -> Path:
    """Where a folder holds one layer."""
    return folder / f"layer_{layer}.safetensors"


def save_transcoder(transcoder: Transcoder, folder: Path, layer: int) -> None:
    """Write one layer in half precision."""
    folder.mkdir(parents=True, exist_ok=True)
    tensors = {key: getattr(transcoder, name).half().contiguous() for name, key in KEYS.items()}
    save_file(tensors, str(layer_file(folder, layer)))
    (folder / "config.yaml").write_text(CONFIG, encoding="utf-8")


def load_transcoder(folder: Path, layer: int) -> Transcoder:
    """Read one layer in single precision."""
    tensors = load_file(str(layer_file(folder, layer)))
    return Transcoder(**{name: tensors[key].float() for name, key in KEYS.items()})
