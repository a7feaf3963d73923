"""Influence of nodes on the output, and the scores built on it.

Every function takes an adjacency matrix whose rows are targets and whose columns are sources.
"""

from __future__ import annotations

import numpy as np
from jaxtyping import Float64
from scipy import sparse

from graphlabel.errors import GraphError
from graphlabel.graph.descending import ROW_SUM_FLOOR, descend
from graphlabel.graph.graph import GraphScores
from graphlabel.graph.order import NodeOrder


def normalize_rows(adjacency: sparse.sparray | np.ndarray) -> sparse.csr_array:
    """|A| with every row divided by its sum (clamped at 1e-10), float64."""
    matrix = abs(sparse.csr_array(adjacency)).astype(np.float64)
    sums = np.maximum(matrix.sum(axis=1), ROW_SUM_FLOOR)
    return sparse.csr_array(sparse.diags_array(1.0 / sums) @ matrix)


def influence_of(
    normalized: sparse.csr_array, weights: Float64[np.ndarray, " nodes"]
) -> Float64[np.ndarray, " nodes"]:
    """Total influence Σ_{k≥1} w·Aᵏ of every node on the weighted outputs.

    The sum ends by itself on a graph without cycles, after as many terms as its longest path.
    Raises GraphError when it does not.
    """
    transposed = sparse.csr_array(normalized.T)
    step: Float64[np.ndarray, " nodes"] = transposed @ weights
    total = np.zeros_like(step)
    for _ in range(normalized.shape[0] + 1):
        if not step.any():
            return total
        total += step
        step = transposed @ step
    raise GraphError("the graph has a cycle, so influence is undefined; remove the backward links")


def node_influence(
    adjacency: sparse.sparray | np.ndarray, weights: Float64[np.ndarray, " nodes"]
) -> Float64[np.ndarray, " nodes"]:
    """Influence of every node on the outputs, ``weights`` being the logits' probabilities."""
    return influence_of(normalize_rows(adjacency), weights)


def cumulative_share(scores: Float64[np.ndarray, " n"]) -> Float64[np.ndarray, " n"]:
    """For each entry the share of the total held by it and all larger ones; low = important."""
    order = np.argsort(-scores, kind="stable")
    total = scores.sum()
    shares = np.empty_like(scores)
    shares[order] = np.cumsum(scores[order]) / total if total > 0 else 1.0
    return shares


def logit_weights(order: NodeOrder, probabilities: np.ndarray) -> Float64[np.ndarray, " nodes"]:
    """The logits' probabilities, at their rows of a vector over all nodes."""
    weights = np.zeros(len(order))
    weights[order.logits] = probabilities
    return weights


def ordered_influence(
    adjacency: sparse.sparray | np.ndarray,
    order: NodeOrder,
    weights: Float64[np.ndarray, " nodes"],
) -> Float64[np.ndarray, " nodes"]:
    """``node_influence`` of a full matrix in this order; a dense one takes hardly any memory."""
    if isinstance(adjacency, np.ndarray) and (found := descend(adjacency, order, weights)):
        return found.influence
    return node_influence(adjacency, weights)


def graph_scores(
    adjacency: sparse.sparray | np.ndarray, order: NodeOrder, probabilities: np.ndarray
) -> GraphScores:
    """Replacement and completeness score of a full, unpruned matrix (Ameisen et al. 2025).

    replacement = token / (token + error) influence;
    completeness = Σ (1 − error share of row)·(influence + logit weight) / Σ (same without share).
    """
    weights = logit_weights(order, probabilities)
    if isinstance(adjacency, np.ndarray) and (found := descend(adjacency, order, weights)):
        influence, error_share = found.influence, found.error_share
        return _scores(influence, weights, error_share, order.tokens, order.errors)
    return scores_of(adjacency, weights, tokens=order.tokens, errors=order.errors)


def scores_of(
    adjacency: sparse.sparray | np.ndarray,
    weights: Float64[np.ndarray, " nodes"],
    *,
    tokens: slice | np.ndarray,
    errors: slice | np.ndarray,
) -> GraphScores:
    """The same scores for nodes in any order: ``tokens`` and ``errors`` select their rows.

    ``weights`` holds the logits' probabilities at their rows, 0 elsewhere. A score whose
    denominator is 0 is 0.
    """
    normalized = normalize_rows(adjacency)
    influence = influence_of(normalized, weights)
    error_share = normalized[:, errors].sum(axis=1)
    return _scores(influence, weights, error_share, tokens, errors)


def _scores(
    influence: Float64[np.ndarray, " nodes"],
    weights: Float64[np.ndarray, " nodes"],
    error_share: Float64[np.ndarray, " nodes"],
    tokens: slice | np.ndarray,
    errors: slice | np.ndarray,
) -> GraphScores:
    token, error = influence[tokens].sum(), influence[errors].sum()
    output = influence + weights
    whole = output.sum()
    return GraphScores(
        replacement=float(token / (token + error)) if token + error > 0 else 0.0,
        completeness=float(((1 - error_share) * output).sum() / whole) if whole > 0 else 0.0,
    )
