"""Listening to a model's modules during a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from graphlabel.models.architectures.adapter import norm_epsilon
from graphlabel.models.language_model import LanguageModel
from graphlabel.models.transcoders import ReadPoint, Transcoders


@contextmanager
def capturing(wanted: Mapping[str, tuple[nn.Module, bool]]) -> Iterator[dict[str, Tensor]]:
    """Inputs of modules (or outputs, where the flag is True), by name, batch first."""
    captured: dict[str, Tensor] = {}

    def listener(name: str, output: bool) -> Callable[[nn.Module, Any, Any], None]:
        def listen(_module: nn.Module, inputs: Any, result: Any) -> None:
            captured[name] = (result if output else inputs[0]).detach()

        return listen

    handles = [
        module.register_forward_hook(listener(name, output))
        for name, (module, output) in wanted.items()
    ]
    try:
        yield captured
    finally:
        for handle in handles:
            handle.remove()


@torch.no_grad()
def transcoder_inputs(
    model: LanguageModel, transcoders: Transcoders, ids: Int[Tensor, "batch positions"]
) -> Iterator[Float[Tensor, "batch positions d"]]:
    """What each layer's transcoder reads, layer by layer, float32."""
    architecture = model.architecture
    norms = [
        model.block(layer).get_submodule(architecture.mlp_norm) for layer in range(model.n_layers)
    ]
    with capturing({str(i): (norm, False) for i, norm in enumerate(norms)}) as captured:
        model.model(input_ids=ids.to(model.device), use_cache=False, logits_to_keep=1)
    for layer, (norm, transcoder) in enumerate(zip(norms, transcoders.layers, strict=True)):
        x = captured[str(layer)].float()
        if transcoder.read_point is not ReadPoint.RESIDUAL:
            x = x * architecture.norm.scale(x, norm_epsilon(norm))
        if transcoder.read_point is ReadPoint.MLP_INPUT:
            x = x * architecture.norm.weight(norm, x.dtype)
        yield x
