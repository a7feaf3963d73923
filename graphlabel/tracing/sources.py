"""The sources of a graph: active features, errors, tokens, with the vectors they write."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.models.transcoders import Transcoders
from graphlabel.tracing.frozen import FrozenModel


@dataclass(frozen=True, eq=False)
class WriteBlock:
    """What is written at one layer and position: feature columns and their vectors."""

    columns: Int[Tensor, " writers"]
    vectors: Float[Tensor, "writers d"]
    """Activation times decoder row; the last one is the error vector."""


@dataclass(frozen=True, eq=False)
class Sources:
    """Every source of the local replacement model, ordered features, errors, tokens.

    Features stand in rising order of (layer, position, feature); errors layer by layer.
    """

    layer: Int[Tensor, " features"]
    position: Int[Tensor, " features"]
    feature: Int[Tensor, " features"]
    activation: Float[Tensor, " features"]
    encoder: Float[Tensor, "features d"]
    """Encoder rows, pulled back to the mid residual stream by the frozen read scale."""
    writes: tuple[tuple[WriteBlock, ...], ...]
    """By layer and position."""
    skips: tuple[Float[Tensor, "d d"] | None, ...]
    """W_skip of each layer between mid residual stream and write point, scales not included."""
    read_scales: tuple[Float[Tensor, "positions d"], ...]
    write_scales: tuple[Float[Tensor, "positions d"] | None, ...]
    errors: Float[Tensor, "layers positions d"]
    tokens: Float[Tensor, "positions d"]

    @property
    def n_features(self) -> int:
        """How many features are active."""
        return len(self.layer)

    @property
    def n_columns(self) -> int:
        """Features, errors and tokens together."""
        layers, positions = self.errors.shape[:2]
        return self.n_features + layers * positions + positions


@torch.no_grad()
def find_sources(frozen: FrozenModel, transcoders: Transcoders, *, first_position: int) -> Sources:
    """Encode the prompt and gather every active feature's vectors.

    Positions before ``first_position`` carry neither features nor errors.
    """
    n_layers, n_positions = len(frozen.layers), frozen.n_positions
    device, dtype = frozen.token_vectors.device, frozen.token_vectors.dtype
    reconstruction = torch.zeros(
        n_layers, n_positions, frozen.token_vectors.shape[1], device=device, dtype=dtype
    )
    found: list[tuple[Tensor, Tensor, Tensor]] = []
    encoders: list[Tensor] = []
    for layer, (block, transcoder) in enumerate(
        zip(frozen.layers, transcoders.layers, strict=True)
    ):
        read = block.read_scale(transcoder.read_point)
        x = block.residual_mid * read
        activations = transcoder.encode(x)
        activations[:first_position] = 0
        position, feature = activations.nonzero(as_tuple=True)
        found.append((position, feature, activations[position, feature]))
        weight, _ = transcoder.encoder()
        rows = weight[feature.to(weight.device)].to(device=device, dtype=dtype)
        encoders.append(rows * read[position])
        reconstruction[layer] += transcoder.decoder_bias().to(device=device, dtype=dtype)
        skip = transcoder.skip()
        if skip is not None:
            reconstruction[layer] += x @ skip.to(device=device, dtype=dtype).T
    writers = _writers(transcoders, found, n_positions, reconstruction)
    errors = torch.stack(
        [
            block.written(transcoder.write_point) - reconstruction[layer]
            for layer, (block, transcoder) in enumerate(
                zip(frozen.layers, transcoders.layers, strict=True)
            )
        ]
    )
    errors[:, :first_position] = 0
    counts = torch.tensor([len(position) for position, _, _ in found])
    return Sources(
        layer=torch.repeat_interleave(torch.arange(n_layers), counts),
        position=torch.cat([position for position, _, _ in found]).cpu(),
        feature=torch.cat([feature for _, feature, _ in found]).cpu(),
        activation=torch.cat([value for _, _, value in found]),
        encoder=torch.cat(encoders),
        writes=_write_blocks(writers, errors, int(counts.sum())),
        skips=tuple(
            None if skip is None else skip.to(device=device, dtype=dtype)
            for skip in (transcoder.skip() for transcoder in transcoders.layers)
        ),
        read_scales=tuple(
            block.read_scale(transcoder.read_point)
            for block, transcoder in zip(frozen.layers, transcoders.layers, strict=True)
        ),
        write_scales=tuple(
            block.write_scale(transcoder.write_point)
            for block, transcoder in zip(frozen.layers, transcoders.layers, strict=True)
        ),
        errors=errors,
        tokens=frozen.token_vectors,
    )


Writers = list[list[list[tuple[Tensor, Tensor]]]]


def _writers(
    transcoders: Transcoders,
    found: list[tuple[Tensor, Tensor, Tensor]],
    n_positions: int,
    reconstruction: Tensor,
) -> Writers:
    """Columns and scaled decoder rows by write layer and position, added to the reconstruction."""
    writers: Writers = [[[] for _ in range(n_positions)] for _ in transcoders.layers]
    start = 0
    for transcoder, (position, feature, activation) in zip(transcoders.layers, found, strict=True):
        columns = torch.arange(start, start + len(position))
        start += len(position)
        per_position = torch.bincount(position, minlength=n_positions).tolist()
        for write_layer in transcoder.write_layers:
            rows = transcoder.decoder_rows(feature.cpu(), write_layer)
            rows = rows.to(device=activation.device, dtype=activation.dtype)
            vectors = rows * activation[:, None]
            reconstruction[write_layer].index_add_(0, position, vectors)
            pieces = zip(
                torch.split(columns, per_position), torch.split(vectors, per_position), strict=True
            )
            for place, piece in enumerate(pieces):
                if len(piece[0]):
                    writers[write_layer][place].append(piece)
    return writers


def _write_blocks(
    writers: Writers, errors: Tensor, n_features: int
) -> tuple[tuple[WriteBlock, ...], ...]:
    n_positions = errors.shape[1]
    blocks = []
    for layer, positions in enumerate(writers):
        row = []
        for position, pieces in enumerate(positions):
            error_column = torch.tensor([n_features + layer * n_positions + position])
            columns = torch.cat([*(piece[0] for piece in pieces), error_column])
            vectors = torch.cat(
                [*(piece[1] for piece in pieces), errors[layer, position : position + 1]]
            )
            row.append(WriteBlock(columns, vectors))
        blocks.append(tuple(row))
    return tuple(blocks)
