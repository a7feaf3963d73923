"""Which features fire where: the encoders, without dense work beyond their matrix product."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from graphlabel.models.transcoders import JumpReLU, ReLU, TranscoderLayer

CHUNK = 2**19
"""Activations looked at together: they should fit in a core's cache."""


@dataclass(frozen=True, eq=False)
class Chunk:
    """Activations of some neighbouring features on a batch's tokens, a row a feature."""

    first: int
    """The first row's feature."""
    values: Float[Tensor, "features tokens"]
    """Activations where they are positive; anything elsewhere."""
    fires: Bool[Tensor, "features tokens"]
    """Where the activation is positive and the token usable."""

    def firings(
        self,
    ) -> tuple[Int[np.ndarray, " features"], Int[np.ndarray, " n"], Float[np.ndarray, " n"]]:
        """Each feature's count, then tokens and activations, feature by feature."""
        n_features, n_tokens = self.fires.shape
        if self.fires.device.type == "cpu":  # several times faster than torch's nonzero
            found = torch.from_numpy(np.flatnonzero(self.fires.numpy()))
        else:
            found = self.fires.view(-1).nonzero().squeeze(1)
        value = self.values.reshape(-1)[found].float().cpu().numpy()
        flat = found.cpu().numpy()
        starts = np.arange(n_features + 1) * n_tokens
        counts = np.diff(np.searchsorted(flat, starts))
        return counts, flat - np.repeat(starts[:-1], counts), value

    def around(
        self, feature: Int[np.ndarray, " n"], token: Int[np.ndarray, "n width"]
    ) -> Float[np.ndarray, "n width"]:
        """The activations of features (by row) at some tokens; 0 where they do not fire."""
        flat = torch.from_numpy(feature[:, None] * self.fires.shape[1] + token)
        flat = flat.to(self.fires.device)
        values = self.values.reshape(-1).take(flat) * self.fires.reshape(-1).take(flat)
        found: Float[np.ndarray, "n width"] = values.float().cpu().numpy()
        return found


class Encoder:
    """A transcoder's encoder, ready to run on a device."""

    def __init__(
        self, transcoder: TranscoderLayer, n_features: int, device: torch.device, dtype: torch.dtype
    ) -> None:
        """Of the transcoder's features the first ``n_features`` are looked at."""
        self.n_features, self._transcoder = n_features, transcoder
        self._direct = isinstance(transcoder.activation, ReLU | JumpReLU) and (
            type(transcoder).encode is TranscoderLayer.encode
        )
        if self._direct:
            weight, bias = transcoder.encoder()
            self._weight = weight[:n_features].to(device, dtype)
            self._bias = bias[:n_features, None].to(device, dtype)
            threshold = torch.zeros(n_features, 1)
            if isinstance(transcoder.activation, JumpReLU):
                threshold = transcoder.activation.threshold[:n_features, None].clamp(min=0)
            self._threshold = threshold.to(device, dtype)

    @torch.no_grad()
    def chunks(
        self, x: Float[Tensor, "tokens d"], usable: Bool[Tensor, " tokens"]
    ) -> Iterator[Chunk]:
        """The activations on some tokens, a few features at a time."""
        step = max(64, CHUNK // len(x) // 64 * 64)
        whole = None if self._direct else self._encoded(x)
        for first in range(0, self.n_features, step):
            some = slice(first, first + step)
            if whole is None:
                values = torch.addmm(self._bias[some], self._weight[some], x.T)
                fires = values > self._threshold[some]
            else:
                values = whole[some]
                fires = values > 0
            yield Chunk(first, values, fires.logical_and_(usable))

    def _encoded(self, x: Float[Tensor, "tokens d"]) -> Float[Tensor, "features tokens"]:
        """Activations of functions that look at all features of a token, a few tokens at a time."""
        found = x.new_empty(self.n_features, len(x))
        step = max(64, 8 * CHUNK // self._transcoder.n_features // 64 * 64)
        for start in range(0, len(x), step):
            some = slice(start, start + step)
            found[:, some] = self._transcoder.encode(x[some])[:, : self.n_features].T
        return found
