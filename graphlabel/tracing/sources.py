"""The sources of a graph: active features, errors, tokens, with the vectors they write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.models.architectures import FrozenNorm
from graphlabel.models.transcoders import TranscoderLayer

Report = Callable[[str, int, int], None]
"""Told the phase, how much of it is done, and how much there is."""


@dataclass(frozen=True, eq=False)
class WriteBlock:
    """What features write at one layer and position: their columns and vectors."""

    layers: tuple[int, ...]
    """The features' layers that write here."""
    columns: tuple[slice, ...]
    """A run of columns for each of these layers."""
    vectors: Float[Tensor, "writers d"]
    """Activation times decoder row."""

    def split(self, scores: Float[Tensor, "*n writers"]) -> Iterator[tuple[slice, Tensor]]:
        """Each run of columns with its part of the scores."""
        start = 0
        for columns in self.columns:
            width = columns.stop - columns.start
            yield columns, scores[..., start : start + width]
            start += width


@dataclass(frozen=True, eq=False)
class Writing:
    """What is written at one layer, and the ways from there."""

    blocks: tuple[WriteBlock, ...]
    """By position."""
    norm: FrozenNorm | None
    """From the write point to the residual stream."""
    skip: Float[Tensor, "d d"] | None
    """W_skip from the read point to the write point, as x @ W_skipᵀ."""
    read_norm: FrozenNorm | None
    """From the residual stream to the read point."""
    bias: Float[Tensor, " d"]
    """No node: b_dec, and W_skip of the norm's bias."""
    leading: Float[Tensor, "leading d"]
    """No node: the MLP's outputs at the first positions, less what W_skip carries there."""


@dataclass(frozen=True, eq=False)
class Reading:
    """Where the features of one layer read: their encoder rows, read when they are targets."""

    transcoder: TranscoderLayer
    norm: FrozenNorm | None
    """From the residual stream to the read point."""
    position: Int[Tensor, " active"]
    feature: Int[Tensor, " active"]
    kept: tuple[Tensor, Tensor] | None
    """Rows and biases of all active features, where the file gives no rows by themselves."""

    def encoder(
        self, places: Int[Tensor, " rows"], like: Tensor
    ) -> tuple[Float[Tensor, "rows d"], Float[Tensor, " rows"]]:
        """Some active features' encoder rows, pulled back to the residual stream, and biases."""
        if self.kept is None:
            rows, bias = self.transcoder.encoder_rows(self.feature[places])
        else:
            rows, bias = (part[places] for part in self.kept)
        rows, bias = rows.to(like), bias.to(like)
        if self.norm is None:
            return rows, bias
        if self.norm.bias is not None:
            bias = bias + rows @ self.norm.bias
        return self.norm.pull_back_rows(rows, self.position[places].to(rows.device)), bias


@dataclass(frozen=True, eq=False)
class Sources:
    """Every source of the local replacement model, ordered features, errors, tokens.

    Features stand in rising order of (layer, position, feature); errors layer by layer.
    """

    layer: Int[Tensor, " features"]
    position: Int[Tensor, " features"]
    feature: Int[Tensor, " features"]
    activation: Float[Tensor, " features"]
    starts: tuple[tuple[int, ...], ...]
    """By layer: the column of the first feature of each position, and one past the last."""
    reading: tuple[Reading, ...]
    """By layer."""
    writing: tuple[Writing, ...]
    """By layer."""
    errors: Float[Tensor, "layers positions d"]
    tokens: Float[Tensor, "positions d"]
    unexplained: Float[Tensor, " layers"]
    """|error|² over |MLP output|², each summed over the positions that carry errors."""

    @property
    def n_features(self) -> int:
        """How many features are active."""
        return len(self.layer)

    @property
    def n_columns(self) -> int:
        """Features, errors and tokens together."""
        layers, positions = self.errors.shape[:2]
        return self.n_features + layers * positions + positions

    def encoder(
        self, rows: Int[Tensor, " rows"]
    ) -> tuple[Float[Tensor, "rows d"], Float[Tensor, " rows"]]:
        """Some features' encoder rows, pulled back to the residual stream by the frozen norms.

        Beside them what a pre-activation has whatever that stream: b_enc, and the norm's bias.
        """
        d_model, layers = self.tokens.shape[1], self.layer[rows]
        vectors, biases = (
            self.tokens.new_empty(len(rows), d_model),
            self.tokens.new_empty(len(rows)),
        )
        for layer in sorted(set(layers.tolist())):
            here = torch.nonzero(layers == layer)[:, 0]
            places, to = rows[here] - self.starts[layer][0], here.to(vectors.device)
            vectors[to], biases[to] = self.reading[layer].encoder(places, self.tokens)
        return vectors, biases

    def feature_columns(self, layer: int, n_positions: int) -> slice:
        """The columns of a layer's features at the first positions."""
        return slice(self.starts[layer][0], self.starts[layer][n_positions])

    def error_columns(self, layer: int, n_positions: int) -> slice:
        """The columns of a layer's errors at the first positions."""
        first = self.n_features + layer * len(self.tokens)
        return slice(first, first + n_positions)

    def token_columns(self, n_positions: int) -> slice:
        """The columns of the first tokens."""
        first = self.n_columns - len(self.tokens)
        return slice(first, first + n_positions)
