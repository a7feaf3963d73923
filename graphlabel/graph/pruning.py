"""Pruning: the smallest set of nodes and edges that carries a share of the influence."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float64, Int
from scipy import sparse

from graphlabel.graph.influence import (
    cumulative_share,
    influence_of,
    logit_weights,
    normalize_rows,
    ordered_influence,
)
from graphlabel.graph.order import NodeOrder


@dataclass(frozen=True, eq=False)
class Pruned:
    """What survives pruning."""

    nodes: Bool[np.ndarray, " nodes"]
    edges: sparse.coo_array
    """The kept edges with their signed weights; rows are targets, columns sources."""
    influence: Float64[np.ndarray, " nodes"]
    """Cumulative share of influence of every node, kept or not; low = important."""


def smallest_kept(scores: np.ndarray, share: float) -> float:
    """The smallest score among the largest ones that together hold ``share`` of the total."""
    ranked = np.sort(scores)[::-1]
    cumulative = np.cumsum(ranked) / ranked.sum()
    return float(ranked[min(int(np.searchsorted(cumulative, share)), len(ranked) - 1)])


def prune(
    adjacency: np.ndarray | sparse.sparray,
    order: NodeOrder,
    probabilities: np.ndarray,
    *,
    node_threshold: float = 0.8,
    edge_threshold: float = 0.98,
) -> Pruned:
    """Prune a full adjacency matrix as circuit-tracer does (its ``prune_graph``).

    Keeps the nodes that together hold ``node_threshold`` of the influence (tokens and logits
    always), then the edges that hold ``edge_threshold`` of the edge influence, then removes,
    until nothing changes, features without an edge in or out and errors without an edge out.
    """
    weights = logit_weights(order, probabilities)
    influence = ordered_influence(adjacency, order, weights)
    kept = influence >= smallest_kept(influence, node_threshold)
    kept[order.tokens.start :] = True

    pruned = _among(adjacency, np.flatnonzero(kept))
    normalized = normalize_rows(pruned)
    row_influence = influence_of(normalized, weights) + weights
    scores = sparse.coo_array(sparse.diags_array(row_influence) @ normalized)
    keep_edge = scores.data >= smallest_kept(scores.data, edge_threshold)
    target, source = scores.row[keep_edge], scores.col[keep_edge]

    while True:
        has_out = np.zeros(len(order), dtype=bool)
        has_out[source] = True
        has_in = np.zeros(len(order), dtype=bool)
        has_in[target] = True
        still = kept.copy()
        still[: order.tokens.start] &= has_out[: order.tokens.start]
        still[order.features] &= has_in[order.features]
        if np.array_equal(still, kept):
            break
        kept = still
        alive = kept[target] & kept[source]
        target, source = target[alive], source[alive]

    alive = sparse.coo_array((np.ones(len(target)), (target, source)), shape=pruned.shape)
    edges = sparse.coo_array(pruned * sparse.csr_array(alive))
    return Pruned(nodes=kept, edges=edges, influence=cumulative_share(influence))


def _among(
    adjacency: np.ndarray | sparse.sparray, places: Int[np.ndarray, " kept"]
) -> sparse.csr_array:
    """The matrix with the links between some nodes alone, float64."""
    if isinstance(adjacency, np.ndarray):
        part = sparse.coo_array(adjacency[np.ix_(places, places)])
    else:
        part = sparse.coo_array(sparse.csr_array(adjacency)[places][:, places])
    links = places[part.row], places[part.col]
    return sparse.csr_array((part.data.astype(np.float64), links), shape=adjacency.shape)
