"""What a target's value owes to no node: conservation, an account of every pre-activation.

A target's value is the sum of its edges and of these constants, exactly up to rounding.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.sources import Sources
from graphlabel.tracing.sweep import Carried, Targets, by_depth, descend


class Constant(StrEnum):
    """Where a constant part comes from."""

    TARGET = "target's own bias"
    """b_enc, and the bias of the norm that the target reads through."""
    ATTENTION = "attention biases"
    """Biases of values, of the output and of the norm before."""
    TRANSCODER = "transcoder biases"
    """b_dec, and W_skip of a norm's bias."""
    LEADING = "first positions"
    """MLP outputs at positions that carry neither features nor errors."""
    POSITION = "position embeddings"
    """What enters the first block besides the tokens' vectors."""


@torch.no_grad()
def constants(
    frozen: FrozenModel, sources: Sources, targets: Targets, own: Float[Tensor, " targets"]
) -> dict[Constant, Float[Tensor, " targets"]]:
    """The constant parts of every target's value; ``own`` is the targets' own bias."""
    parts = {part: sources.tokens.new_zeros(len(targets.layer)) for part in Constant}
    order = by_depth(targets)
    descend(frozen, sources, targets.part(order), _Constants(frozen, sources, parts))
    place = torch.argsort(order).to(own.device)
    return {part: values[place] for part, values in parts.items()} | {Constant.TARGET: own}


@dataclass(frozen=True, eq=False)
class _Constants:
    """Multiplies covectors with what is written besides the nodes."""

    frozen: FrozenModel
    sources: Sources
    parts: dict[Constant, Tensor]

    def at_write(self, layer: int, covectors: Carried) -> None:
        writing = self.sources.writing[layer]
        leading = writing.leading[: covectors.shape[1]]
        self._add(Constant.TRANSCODER, covectors[:, len(leading) :], writing.bias)
        self.parts[Constant.LEADING][: len(covectors)] += torch.einsum(
            "tpd,pd->t", covectors[:, : len(leading)], leading
        )

    def after_attention(self, layer: int, covectors: Carried) -> None:
        block = self.frozen.layers[layer]
        norm = block.post_attention_norm
        entering = covectors if norm is None else norm.pull_back(covectors)
        self._add(Constant.ATTENTION, entering, block.attention_bias)

    def at_embedding(self, covectors: Carried) -> None:
        besides = (self.frozen.embedded - self.frozen.token_vectors)[: covectors.shape[1]]
        self.parts[Constant.POSITION] += torch.einsum("tpd,pd->t", covectors, besides)

    def _add(self, part: Constant, covectors: Tensor, vector: Tensor | None) -> None:
        if vector is not None:
            self.parts[part][: len(covectors)] += (covectors @ vector).sum(dim=1)
