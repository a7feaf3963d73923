"""Working through many targets in pieces that fit into memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

import numpy as np
import torch
from jaxtyping import Int

from graphlabel.errors import GraphError
from graphlabel.models.memory import available_memory, free_cached_memory, is_out_of_memory
from graphlabel.tracing.frozen import FrozenModel
from graphlabel.tracing.sources import Sources

Result = TypeVar("Result")

SHARE = 0.5
"""How much of the free memory a chunk may take."""

COVECTORS = 32 * 2**20
"""On a processor the covectors of a chunk are at most so many bytes. Sweeps of more targets turn to
the sources less often; sweeps of fewer reach less beyond each target's position. Measured."""
FEWEST = 32
"""On a processor, no fewer targets for the sake of that."""


def targets_that_fit(frozen: FrozenModel, sources: Sources) -> int:
    """How many targets can be swept together, at least 1.

    A target carries a covector at every position; on its way through a layer it is held about four
    times, its heads' covectors twice; its row spans all sources.
    """
    n_positions, d_model = frozen.token_vectors.shape
    heads, _, d_head = frozen.layers[0].output.shape
    numbers = n_positions * (4 * d_model + 2 * heads * d_head) + 2 * sources.n_columns
    size = numbers * frozen.token_vectors.element_size()
    fitting = max(1, int(SHARE * available_memory(frozen.token_vectors.device) / size))
    if frozen.token_vectors.is_cuda:
        return fitting
    covectors = n_positions * d_model * frozen.token_vectors.element_size()
    return min(fitting, max(FEWEST, COVECTORS // covectors))


class Chunks:
    """Calls a function on pieces of a list of targets; pieces that do not fit are halved.

    The size that did fit is kept for what comes later.
    """

    def __init__(self, size: int, device: torch.device) -> None:
        """``size`` is how many targets are tried together at first."""
        self.size, self._device = size, device

    def run(
        self,
        items: Int[np.ndarray, " targets"],
        compute: Callable[[Int[np.ndarray, " chunk"]], Result],
    ) -> Iterator[tuple[Int[np.ndarray, " chunk"], Result]]:
        """Pieces with what was computed; raises GraphError when not even one target fits."""
        start = 0
        while start < len(items):
            piece = items[start : start + self.size]
            result = self._try(compute, piece)
            if result is None:
                self.size = max(1, len(piece) // 2)
                continue
            yield piece, result
            start += len(piece)

    def _try(
        self, compute: Callable[[Int[np.ndarray, " chunk"]], Result], piece: np.ndarray
    ) -> Result | None:
        """The result, or None when memory ran out; by then the traceback's tensors are gone."""
        try:
            return compute(piece)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            if len(piece) == 1:
                raise GraphError(
                    "one target alone does not fit into memory; use a shorter prompt, --device "
                    "cpu or --dtype bfloat16"
                ) from error
        free_cached_memory(self._device)
        return None
