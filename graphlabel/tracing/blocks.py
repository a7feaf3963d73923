"""Rows of the adjacency as the blocks that are not zero.

A target is reached from lower layers and from its own position and those before alone, so of a
sweep's rows most is zero. Kept are, for each layer, the first targets (all that lie higher) by the
columns of the first positions: a quarter to a third of the whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.models.memory import available_memory
from graphlabel.tracing.sources import Sources

SHARE = 0.5
"""Of the free memory, for rows; what goes beyond lies in a temporary file."""

Allocate = Callable[[int], Tensor]
"""Gives a flat tensor of so many zeros."""


@dataclass(frozen=True, eq=False)
class Block:
    """Direct effects of a run of columns on the first targets of a sweep."""

    columns: slice
    effects: Float[Tensor, "first_targets columns"]


@dataclass(frozen=True, eq=False)
class Blocks:
    """The rows of targets whose layers fall; 0 beside the blocks."""

    n_targets: int
    features: tuple[Block, ...]
    """By layer."""
    errors: tuple[Block, ...]
    """By layer."""
    tokens: Block

    def __iter__(self) -> Iterator[Block]:
        yield from (*self.features, *self.errors, self.tokens)

    def row_sums(self) -> Float[Tensor, " targets"]:
        """The sum of each row's absolute values, in float64 over blocks."""
        sums = torch.zeros(self.n_targets, dtype=torch.float64)
        for block in self:
            sums[: len(block.effects)] += block.effects.abs().sum(dim=1)
        return sums

    def dense(self, n_columns: int) -> Float[Tensor, "targets columns"]:
        """The whole rows."""
        rows = self.tokens.effects.new_zeros(self.n_targets, n_columns)
        for block in self:
            rows[: len(block.effects), block.columns] = block.effects
        return rows


def zero_blocks(
    sources: Sources, layers: Int[Tensor, " targets"], n_positions: int, allocate: Allocate
) -> Blocks:
    """Room for the rows of targets with these falling layers, at the first positions."""
    n_layers = len(sources.writing)
    above = [int((layers > layer).sum()) for layer in range(n_layers)]
    features = [sources.feature_columns(layer, n_positions) for layer in range(n_layers)]
    errors = [sources.error_columns(layer, n_positions) for layer in range(n_layers)]
    places = [*zip(above, features, strict=True), *zip(above, errors, strict=True)]
    places.append((len(layers), sources.token_columns(n_positions)))
    sizes = [rows * (columns.stop - columns.start) for rows, columns in places]
    parts = torch.split(allocate(sum(sizes)), sizes)
    blocks = [
        Block(columns, part.view(rows, columns.stop - columns.start))
        for (rows, columns), part in zip(places, parts, strict=True)
    ]
    return Blocks(len(layers), tuple(blocks[:n_layers]), tuple(blocks[n_layers:-1]), blocks[-1])


def on_processor(blocks: Blocks) -> Blocks:
    """The same in the processor's memory."""

    def moved(block: Block) -> Block:
        return Block(block.columns, block.effects.cpu())

    return Blocks(
        blocks.n_targets,
        tuple(map(moved, blocks.features)),
        tuple(map(moved, blocks.errors)),
        moved(blocks.tokens),
    )


class RowStore:
    """Gives zeros for rows: in memory, and in a temporary file once they have taken their share."""

    def __init__(self, like: Tensor, share: float = SHARE) -> None:
        """Rows have the dtype of ``like``, and lie on its device unless that is the processor."""
        self._like = like
        self._left = int(share * available_memory(torch.device("cpu")))

    def allocate(self, count: int) -> Tensor:
        """A flat tensor of so many zeros, whose memory is taken when it is written."""
        if self._like.device.type != "cpu":
            return self._like.new_zeros(count)
        dtype = np.dtype(np.float64 if self._like.dtype is torch.float64 else np.float32)
        self._left -= count * dtype.itemsize
        if self._left >= 0 or not count:
            return torch.from_numpy(np.zeros(count, dtype=dtype))
        with TemporaryFile(prefix="graphlabel-rows-") as file:
            return torch.from_numpy(np.memmap(file, dtype=dtype, mode="w+", shape=(count,)))
