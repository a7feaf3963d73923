"""Rows of the adjacency as the blocks that are not zero.

A target is reached from lower layers and from its own position and those before alone, so of a
sweep's rows most is zero. Kept are, for each layer, the first targets (all that lie higher) by the
columns of the first positions: a quarter to a third of the whole.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from tempfile import TemporaryFile, gettempdir

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from graphlabel.errors import GraphError
from graphlabel.models.memory import available_memory, zeros_as_written
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
    return _arranged(places, allocate)


def copied(blocks: Blocks, allocate: Allocate) -> Blocks:
    """The same in other room, perhaps of another device."""
    made = _arranged([(len(block.effects), block.columns) for block in blocks], allocate)
    for block, original in zip(made, blocks, strict=True):
        block.effects.copy_(original.effects)
    return made


def _arranged(places: list[tuple[int, slice]], allocate: Allocate) -> Blocks:
    """Blocks of so many targets and columns in fresh room; the tokens', the last, have them all."""
    shapes = [(rows, columns.stop - columns.start) for rows, columns in places]
    sizes = [rows * width for rows, width in shapes]
    parts = torch.split(allocate(sum(sizes)), sizes)
    made = tuple(
        Block(columns, part.view(shape))
        for (_, columns), shape, part in zip(places, shapes, parts, strict=True)
    )
    n_layers = len(made) // 2
    return Blocks(places[-1][0], made[:n_layers], made[n_layers:-1], made[-1])


class RowStore:
    """Gives zeros for rows, in memory; in temporary files once they have taken their share."""

    def __init__(self, like: Tensor, share: float = SHARE) -> None:
        """Rows have the dtype of ``like``."""
        self._dtype = np.dtype(np.float64 if like.dtype is torch.float64 else np.float32)
        self._left = int(share * available_memory(torch.device("cpu")))

    def allocate(self, count: int) -> Tensor:
        """A flat tensor of so many zeros, whose memory is taken when it is written.

        Raises GraphError when the folder for temporary files is full.
        """
        size = count * self._dtype.itemsize
        self._left -= size
        if self._left >= 0 or not count:
            return torch.from_numpy(zeros_as_written((count,), self._dtype))
        try:
            with TemporaryFile(prefix="graphlabel-rows-") as file:
                if hasattr(os, "posix_fallocate"):  # a full disk would end the process later
                    os.posix_fallocate(file.fileno(), 0, size)
                return torch.from_numpy(np.memmap(file, self._dtype, mode="r+", shape=(count,)))
        except OSError as error:
            raise GraphError(
                f"rows that memory has no room for do not fit into {gettempdir()}: {error}; point "
                "TMPDIR to a folder with more room, or use fewer --max-feature-nodes"
            ) from error
