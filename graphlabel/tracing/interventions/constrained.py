"""Direct effects of changed features: the local replacement model, forwards."""

from __future__ import annotations

import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.models import LanguageModel, Transcoders
from graphlabel.models.architectures import FrozenNorm
from graphlabel.models.transcoders import TranscoderLayer
from graphlabel.tracing.frozen import FrozenLayer, FrozenModel

_PIECE = 16384
"""Rows of the unembedding that are converted to the trace's dtype at a time."""


def constrained_logits(
    model: LanguageModel,
    frozen: FrozenModel,
    transcoders: Transcoders,
    written: Float[Tensor, "layers positions d"],
) -> Float[Tensor, " vocabulary"]:
    """The last position's logits when ``written`` is added at the write points, all else held.

    Held are attention patterns, norm scales and features; W_skip passes changes on, as in the
    graph. The soft-cap, where there is one, is applied to the changed logits.
    """
    change = _output_change(frozen, transcoders, written)
    plain = frozen.final_norm(frozen.final_residual)[-1]
    before, after = (_logits(model, output) for output in (plain, plain + change))
    return frozen.logits + after - before


def _output_change(
    frozen: FrozenModel, transcoders: Transcoders, written: Tensor
) -> Float[Tensor, " d"]:
    """What becomes of it at the output of the final norm, last position."""
    x = torch.zeros_like(frozen.token_vectors)
    for block, transcoder, added in zip(frozen.layers, transcoders.layers, written, strict=True):
        middle = x + block.attend(x)
        x = middle + _through_mlp(block, transcoder, x if frozen.is_parallel else middle, added)
    return frozen.final_norm.linear(x)[-1]


def _through_mlp(
    block: FrozenLayer, transcoder: TranscoderLayer, stream: Tensor, added: Tensor
) -> Tensor:
    skip = transcoder.skip()
    if skip is not None:
        read = _linear(block.reading(transcoder.read_point), stream)
        added = added + read @ skip.to(read).T
    return _linear(block.writing(transcoder.write_point), added)


def _linear(norm: FrozenNorm | None, x: Tensor) -> Tensor:
    return x if norm is None else norm.linear(x)


def _logits(model: LanguageModel, output: Float[Tensor, " d"]) -> Float[Tensor, " vocabulary"]:
    """What the unembedding makes of the final norm's output."""
    weight = model.module(model.architecture.unembedding).get_parameter("weight").detach()
    logits = torch.cat([rows.to(output) @ output for rows in torch.split(weight, _PIECE)])
    cap = model.logit_soft_cap
    return torch.tanh(logits / cap) * cap if cap else logits
