"""Listening to a model's modules during a forward pass."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

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


def mlp_inputs(model: LanguageModel) -> dict[str, tuple[nn.Module, bool]]:
    """The modules whose input is what the MLPs' norms read, by layer.

    Where a family has no norm before its MLP it is the MLP's own input.
    """
    architecture = model.architecture
    name = architecture.mlp_norm or architecture.mlp
    return {
        str(layer): (model.block(layer).get_submodule(name), False)
        for layer in range(model.n_layers)
    }


@torch.no_grad()
def transcoder_inputs(
    model: LanguageModel, transcoders: Transcoders, ids: Int[Tensor, "batch positions"]
) -> Iterator[Float[Tensor, "batch positions d"]]:
    """What each layer's transcoder reads, layer by layer, float32."""
    with capturing(mlp_inputs(model)) as captured:
        model.model(input_ids=ids.to(model.device), use_cache=False, logits_to_keep=1)
    for layer, transcoder in enumerate(transcoders.layers):
        yield read_from(model, layer, transcoder.read_point, captured[str(layer)].float())


def read_from(
    model: LanguageModel, layer: int, point: ReadPoint, stream: Float[Tensor, "*n d"]
) -> Float[Tensor, "*n d"]:
    """What stands at a read point, given the residual stream that the MLP's norm reads."""
    module, norm = mlp_norm(model, layer, point), model.architecture.norm
    if module is None:
        return stream
    x = norm.normalized(module, stream)
    if point is ReadPoint.MLP_INPUT:
        bias = norm.bias(module, x.dtype)
        x = x * norm.weight(module, x.dtype)
        x = x if bias is None else x + bias
    return x


def mlp_norm(model: LanguageModel, layer: int, point: ReadPoint) -> nn.Module | None:
    """The norm between the residual stream and a read point, if there is one."""
    name = model.architecture.mlp_norm
    if name is None or point is ReadPoint.RESIDUAL:
        return None
    return model.block(layer).get_submodule(name)
