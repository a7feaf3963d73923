"""Which tokens' logits a feature moves."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.models import LanguageModel
from graphlabel.models.transcoders import TranscoderLayer

_PART = 512


@dataclass(frozen=True, eq=False)
class LogitEffects:
    """The tokens whose logits each feature moves most one way, strongest first."""

    ids: Int[np.ndarray, "features top"]
    values: Float[np.ndarray, "features top"]


class LogitLens:
    """The unembedding as seen from the residual stream, through the final norm's weight.

    A decoder direction (summed over the layers it writes to) times the final norm's weight times
    the unembedding, minus the vocabulary's mean, is the logit change per unit of activation and of
    the final norm's scale. Computed in float32.
    """

    def __init__(self, model: LanguageModel) -> None:
        """Fold the norm's weight into the unembedding."""
        architecture = model.architecture
        norm = model.module(architecture.final_norm)
        weight = architecture.norm.weight(norm, torch.float32)
        unembedding = model.module(architecture.unembedding).get_parameter("weight").detach()
        projection = unembedding.float() * weight
        self._projection = projection - projection.mean(dim=0)

    @torch.no_grad()
    def effects(
        self, transcoder: TranscoderLayer, n_features: int, *, top: int = 10
    ) -> tuple[LogitEffects, LogitEffects]:
        """Top and bottom logits of a layer's first features."""
        found = list(self._parts(transcoder, n_features, min(top, len(self._projection))))
        high, low = (
            LogitEffects(
                np.concatenate([each[side].indices.cpu().numpy() for each in found]),
                np.concatenate([each[side].values.cpu().numpy() for each in found]),
            )
            for side in (0, 1)
        )
        return high, low

    @torch.no_grad()
    def moved(self, transcoder: TranscoderLayer, feature: int) -> Float[Tensor, " vocabulary"]:
        """The change of every token's logit per unit of one feature's activation."""
        return self._logits(transcoder, torch.tensor([feature]))[0]

    def _logits(
        self, transcoder: TranscoderLayer, features: Tensor
    ) -> Float[Tensor, "features vocabulary"]:
        directions: Tensor = sum(  # type: ignore[assignment]
            transcoder.decoder_rows(features, layer).float() for layer in transcoder.write_layers
        )
        return directions.to(self._projection.device) @ self._projection.T

    def _parts(
        self, transcoder: TranscoderLayer, n_features: int, top: int
    ) -> Iterator[tuple[torch.return_types.topk, torch.return_types.topk]]:
        for part in torch.split(torch.arange(n_features), _PART):
            logits = self._logits(transcoder, part)
            yield logits.topk(top), logits.topk(top, largest=False)
