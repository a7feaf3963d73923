"""Interventions the plain way, float64: the model's own modules, their forwards wrapped by hand."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count

import torch
from torch import Tensor, nn

from graphlabel.models import LanguageModel, Transcoders

Change = tuple[int, int, int, float]
"""Layer, position, feature and its new activation."""
BEFORE = {"gemma": "pre_feedforward_layernorm", "gpt2": "ln_2", "olmo": None}
"""The norm before the MLP, by family; elsewhere post_attention_layernorm."""


@contextmanager
def _softmax(replaced: Callable[..., Tensor]) -> Iterator[None]:
    before = nn.functional.softmax
    nn.functional.softmax = replaced  # type: ignore[assignment]
    try:
        yield
    finally:
        nn.functional.softmax = before


def plain(model: LanguageModel, ids: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
    """The last position's logits and the attention patterns, layer by layer."""
    patterns: list[Tensor] = []
    softmax = nn.functional.softmax

    def kept(*args: object, **kwargs: object) -> Tensor:
        patterns.append(softmax(*args, **kwargs))  # type: ignore[arg-type]
        return patterns[-1]

    with torch.no_grad(), _softmax(kept):
        logits = model.model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0, -1]
    return logits, patterns


@torch.no_grad()
def changed(
    model: LanguageModel,
    transcoders: Transcoders,
    ids: Sequence[int],
    changes: Sequence[Change],
    *,
    hold_patterns: bool,
) -> Tensor:
    """The last position's logits when features are given other activations."""
    patterns = plain(model, ids)[1] if hold_patterns else []
    place = count()
    softmax = nn.functional.softmax

    def held(*args: object, **kwargs: object) -> Tensor:
        return patterns[next(place)] if hold_patterns else softmax(*args, **kwargs)  # type: ignore[arg-type]

    wrapped = _Wrapped(model, transcoders, changes)
    try:
        with _softmax(held):
            logits: Tensor = model.model(input_ids=torch.tensor([list(ids)]), use_cache=False).logits[0, -1]  # fmt: skip
    finally:
        wrapped.undo()
    return logits


class _Wrapped:
    """The forwards of MLPs and of the norms around them."""

    def __init__(self, model: LanguageModel, transcoders: Transcoders, changes: Sequence[Change]) -> None:  # fmt: skip
        self.transcoders, self.changes, self.streams = transcoders, changes, dict[int, Tensor]()
        self.added: dict[int, Tensor] = {}
        self.modules: list[nn.Module] = []
        family = model.config.model_type
        norm = next(
            (n for f, n in BEFORE.items() if family.startswith(f)), "post_attention_layernorm"
        )
        for layer in range(model.n_layers):
            block = model.block(layer)
            if norm is not None:
                self.wrap(block.get_submodule(norm), self.keeping(layer))
            after = transcoders.layers[layer].write_point.value == "hook_mlp_out"
            after = after and family.startswith(("gemma", "olmo"))
            self.wrap(block.mlp, self.reading(layer, adds=not after))  # type: ignore[arg-type]
            if after:
                self.wrap(block.post_feedforward_layernorm, self.adding(layer))  # type: ignore[arg-type]

    def wrap(self, module: nn.Module, around: Callable[[Callable[..., Tensor]], Callable[..., Tensor]]) -> None:  # fmt: skip
        module.forward = around(type(module).forward.__get__(module))  # type: ignore[method-assign]
        self.modules.append(module)

    def undo(self) -> None:
        for module in self.modules:
            del module.forward

    def keeping(self, layer: int) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
        def around(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def norm(x: Tensor) -> Tensor:
                self.streams[layer] = x[0]
                return forward(x)

            return norm

        return around

    def reading(self, layer: int, adds: bool) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:  # fmt: skip
        def around(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
            def mlp(x: Tensor) -> Tensor:
                self.change(layer, x[0])
                return forward(x) + (self.added.get(layer, 0) if adds else 0)

            return mlp

        return around

    def adding(self, layer: int) -> Callable[[Callable[..., Tensor]], Callable[..., Tensor]]:
        def around(forward: Callable[..., Tensor]) -> Callable[..., Tensor]:
            return lambda x: forward(x) + self.added.get(layer, 0)

        return around

    def change(self, layer: int, mlp_input: Tensor) -> None:
        transcoder = self.transcoders.layers[layer]
        stream = self.streams.get(layer, mlp_input)
        read = stream if transcoder.read_point.value == "hook_resid_mid" else mlp_input
        weight, bias = (part.double() for part in transcoder.encoder())
        activations = transcoder.activation(read @ weight.T + bias)
        for where, position, feature, new in self.changes:
            if where != layer:
                continue
            more = new - activations[position, feature]
            for target in transcoder.write_layers:
                row = transcoder.decoder_rows(torch.tensor([feature]), target)[0].double()
                added = self.added.setdefault(target, torch.zeros_like(mlp_input))
                added[position] += more * row
