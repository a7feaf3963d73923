"""Which tokens' logits a feature moves."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlabel.models import LanguageModel
from graphlabel.models.transcoders import TranscoderLayer


@torch.no_grad()
def logit_rows(
    model: LanguageModel, transcoder: TranscoderLayer, *, top: int = 10
) -> list[tuple[list[dict[str, Any]], list[dict[str, Any]]]]:
    """Top and bottom logits of every feature of a layer.

    The decoder direction (summed over the layers it writes to) times the final norm's weight times
    the unembedding, minus the vocabulary's mean: logit change per unit of activation and of the
    final norm's scale.
    """
    architecture = model.architecture
    norm = model.module(architecture.final_norm)
    weight = architecture.norm.weight(norm, torch.float32).cpu()
    unembedding = model.module(architecture.unembedding).get_parameter("weight").detach()
    projection = unembedding.float().cpu() * weight
    projection = projection - projection.mean(dim=0)
    rows: list[tuple[list[dict[str, Any]], list[dict[str, Any]]]] = []
    for part in torch.split(torch.arange(transcoder.n_features), 512):
        directions: Tensor = sum(  # type: ignore[assignment]
            transcoder.decoder_rows(part, layer).float() for layer in transcoder.write_layers
        )
        logits = directions @ projection.T
        high, low = logits.topk(top), (-logits).topk(top)
        rows += [
            (
                _entries(high.indices[i], high.values[i]),
                _entries(low.indices[i], -low.values[i]),
            )
            for i in range(len(part))
        ]
    return rows


def _entries(ids: Tensor, values: Tensor) -> list[dict[str, Any]]:
    return [
        {"id": token, "value": value}
        for token, value in zip(ids.tolist(), values.tolist(), strict=True)
    ]
