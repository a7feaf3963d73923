"""Influence in one descent over a full matrix, without a second matrix beside it.

Links of a traced prompt only rise in layer, and its features are ordered by layer: so what reaches
a row is known when the rows after it are done.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Float64
from scipy.linalg import solve_triangular

from graphlabel.graph.order import NodeOrder

ROW_SUM_FLOOR = 1e-10
"""Row sums are clamped here before dividing, as circuit-tracer does."""

_ROWS = 128
"""Rows at a time: 8 MB in float64 of 8,000 columns."""


@dataclass(frozen=True, eq=False)
class Descended:
    """What a descent finds for every node."""

    influence: Float64[np.ndarray, " nodes"]
    """Σ_{k≥1} w·Aᵏ, A being the absolute values, every row divided by its sum."""
    error_share: Float64[np.ndarray, " nodes"]
    """The share of a row that is from errors."""


def descend(
    adjacency: Float[np.ndarray, "nodes nodes"],
    order: NodeOrder,
    weights: Float64[np.ndarray, " nodes"],
) -> Descended | None:
    """Influence and error shares; None when a link goes to a feature or logit before its source.

    Rows of errors and tokens, which nothing reaches, are not read.
    """
    influence, error_share = np.zeros((2, len(order)))
    first = order.features.stop
    runs = [slice(max(stop - _ROWS, 0), stop) for stop in range(first, 0, -_ROWS)]
    for run in (order.logits, *runs):
        rows = np.abs(adjacency[run]).astype(np.float64)
        own = rows[:, run]
        if np.triu(own).any() or rows[:, order.logits].any():
            return None
        if run is not order.logits and rows[:, run.stop : first].any():
            return None
        rows /= np.maximum(rows.sum(axis=1), ROW_SUM_FLOOR)[:, None]
        error_share[run] = rows[:, order.errors].sum(axis=1)
        # what a row passes on: what it has, and what reaches it from other rows of the run
        has = weights[run] + influence[run]
        passed = solve_triangular(np.eye(len(has)) - own.T, has, unit_diagonal=True)
        influence += passed @ rows
    return Descended(influence, error_share)
