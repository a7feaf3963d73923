"""Where nodes of a layered drawing stand along their rows, in pixels or in cells of a terminal."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from graphlabel.export.picture.ordering import Layers

ROUNDS = 30


def centres(layers: Layers, widths: Sequence[float], n_boxes: int, gap: float) -> list[float]:
    """Centres that draw neighbours above one another, rows kept apart and in order.

    ``widths`` has every node's width; nodes from ``n_boxes`` on are placeholders of edges that
    pass a row, which want to be straight more than boxes want to be close.
    """
    x = np.zeros(len(widths))
    for row in layers.rows:
        taken = np.array([widths[node] + gap for node in row])
        x[row] = np.cumsum(taken) - taken / 2 - taken.sum() / 2
    pull: dict[int, list[tuple[int, float]]] = {}
    for low, high, strength in layers.pieces:
        weight = strength * (1 + 2 * (low >= n_boxes) + 2 * (high >= n_boxes))
        pull.setdefault(low, []).append((high, weight))
        pull.setdefault(high, []).append((low, weight))
    numbers = list(range(len(layers.rows)))
    for turn in range(ROUNDS):
        for number in numbers if turn % 2 else reversed(numbers):
            row = layers.rows[number]
            wanted = np.array([_mean(x, pull.get(node, ()), x[node]) for node in row])
            weights = np.array([1e-3 + sum(w for _, w in pull.get(node, ())) for node in row])
            x[row] = _spread(wanted, weights, np.array([widths[node] for node in row]), gap)
    return [float(value) for value in x]


def _mean(
    x: Float[np.ndarray, " nodes"], seen: Sequence[tuple[int, float]], fallback: float
) -> float:
    weight = sum(w for _, w in seen)
    return sum(float(x[node]) * w for node, w in seen) / weight if weight else float(fallback)


def _spread(
    wanted: Float[np.ndarray, " row"],
    weights: Float[np.ndarray, " row"],
    widths: Float[np.ndarray, " row"],
    gap: float,
) -> Float[np.ndarray, " row"]:
    """The places nearest to the wanted ones (least squares) at which nothing overlaps.

    With the minimal distances taken off, this is isotonic regression: pool adjacent violators.
    """
    room = (widths[1:] + widths[:-1]) / 2 + gap
    offset = np.concatenate([[0.0], np.cumsum(room)])
    blocks: list[tuple[float, float, int]] = []
    for value, weight in zip((wanted - offset).tolist(), weights.tolist(), strict=True):
        block = (value, weight, 1)
        while blocks and blocks[-1][0] > block[0]:
            mean, mass, count = blocks.pop()
            total = mass + block[1]
            pooled = (mean * mass + block[0] * block[1]) / total
            block = (pooled, total, count + block[2])
        blocks.append(block)
    spread: np.ndarray = np.repeat([b[0] for b in blocks], [b[2] for b in blocks]) + offset
    return spread
