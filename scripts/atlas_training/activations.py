"""Inputs and outputs of the MLPs of the model on fresh documents."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from transformers import LlamaForCausalLM

from scripts.atlas_training.corpus import Corpus


@dataclass(frozen=True)
class LayerActivations:
    """For one layer, MLP inputs (after the norm) and MLP outputs, one token a row."""

    inputs: torch.Tensor
    targets: torch.Tensor
    tokens: torch.Tensor
    """The token id of each row."""


@torch.no_grad()
def collect(
    model: LlamaForCausalLM, corpus: Corpus, documents: int, batch: int = 128
) -> list[LayerActivations]:
    """Run the model over documents; the first position of each document is left out."""
    layers = list(model.model.layers)
    inputs: list[list[torch.Tensor]] = [[] for _ in layers]
    targets: list[list[torch.Tensor]] = [[] for _ in layers]

    def keep(index: int) -> None:
        def hook(_: torch.nn.Module, args: tuple[torch.Tensor, ...], output: torch.Tensor) -> None:
            inputs[index].append(args[0][:, 1:].flatten(0, 1).clone())
            targets[index].append(output[:, 1:].flatten(0, 1).clone())

        handles.append(layers[index].mlp.register_forward_hook(hook))

    handles: list[torch.utils.hooks.RemovableHandle] = []
    tokens: list[torch.Tensor] = []
    for index in range(len(layers)):
        keep(index)
    for start in range(0, documents, batch):
        ids = corpus.batch(min(batch, documents - start))
        tokens.append(ids[:, 1:].flatten())
        model.model(ids)
    for handle in handles:
        handle.remove()
    every = torch.cat(tokens)
    return [
        LayerActivations(torch.cat(x), torch.cat(y), every)
        for x, y in zip(inputs, targets, strict=True)
    ]
