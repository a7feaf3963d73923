"""The order within rows that lets edges cross least (Sugiyama's layered method).

Nodes are numbers; an edge over several rows passes through a placeholder in each row between.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

SWEEPS = 24
MANY_SEGMENTS = 3000
"""Above so many pieces of edges a few sweeps must do."""


@dataclass
class Layers:
    """Rows of node numbers from the bottom up, and the edge pieces between neighbouring rows."""

    rows: list[list[int]]
    pieces: list[tuple[int, int, float]] = field(default_factory=list)
    """(lower node, upper node, strength); the upper one is in the next row."""
    fixed: frozenset[int] = frozenset()
    """Rows whose order stays."""

    def row_of(self) -> dict[int, int]:
        """The row of every node."""
        return {node: number for number, row in enumerate(self.rows) for node in row}


def order_rows(layers: Layers) -> None:
    """Reorder every row that is not fixed so that strong edges cross little; deterministic."""
    below, above = _neighbours(layers)
    best, fewest = [list(row) for row in layers.rows], _crossings(layers)
    sweeps = SWEEPS if len(layers.pieces) <= MANY_SEGMENTS else 4
    numbers = range(len(layers.rows))
    for sweep in range(sweeps):
        upwards = sweep % 2 == 0
        for number in numbers if upwards else reversed(numbers):
            if number not in layers.fixed:
                _by_barycentre(layers.rows, number, below if upwards else above)
        found = _crossings(layers)
        if found < fewest - 1e-12:
            best, fewest = [list(row) for row in layers.rows], found
        if fewest == 0:
            break
    layers.rows[:] = best


Neighbours = dict[int, list[tuple[int, float]]]


def _neighbours(layers: Layers) -> tuple[Neighbours, Neighbours]:
    below: Neighbours = {}
    above: Neighbours = {}
    for low, high, strength in layers.pieces:
        below.setdefault(high, []).append((low, strength))
        above.setdefault(low, []).append((high, strength))
    return below, above


def _by_barycentre(rows: list[list[int]], number: int, neighbours: Neighbours) -> None:
    """Sort a row by the mean place of each node's neighbours in the row it looks at."""
    place = {
        node: (index + 0.5) / len(row)
        for row in rows[max(number - 1, 0) : number + 2]
        for index, node in enumerate(row)
    }

    def wanted(node: int) -> float:
        seen = neighbours.get(node, [])
        weight = sum(strength for _, strength in seen)
        if not weight:
            return place[node]
        return sum(place[other] * strength for other, strength in seen) / weight

    rows[number] = sorted(rows[number], key=wanted)


def _crossings(layers: Layers) -> float:
    """Crossings between neighbouring rows, each weighted by the strengths of its two edges."""
    row_of = layers.row_of()
    place = {node: index for row in layers.rows for index, node in enumerate(row)}
    by_row: dict[int, list[tuple[int, int, float]]] = {}
    for low, high, strength in layers.pieces:
        by_row.setdefault(row_of[low], []).append((place[low], place[high], strength))
    return sum(map(_crossings_between, by_row.values()), 0.0)


def _crossings_between(pieces: Sequence[tuple[int, int, float]]) -> float:
    low, high, strength = (
        np.array(column, dtype=np.float64) for column in zip(*pieces, strict=True)
    )
    cross = (low[:, None] - low) * (high[:, None] - high) < 0
    return float(strength @ cross @ strength) / 2
