"""Influence, scores and pruning against plain dense references, float64."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from scipy import sparse

from graphlabel.errors import GraphError
from graphlabel.graph import NodeOrder, graph_scores, node_influence, prune
from graphlabel.graph.influence import cumulative_share, logit_weights, normalize_rows

TOLERANCE = 1e-10


def random_matrix(seed: int, n_features: int = 12) -> tuple[np.ndarray, NodeOrder, np.ndarray]:
    """A random adjacency matrix that respects the order of layers, three layers deep."""
    random = np.random.default_rng(seed)
    order = NodeOrder(n_features, n_layers=3, n_positions=3, n_logits=2)
    layer = np.concatenate(
        [np.sort(random.integers(0, 3, n_features)), np.repeat([0, 1, 2], 3), [-1] * 3, [3] * 2]
    )
    dense = random.normal(size=(len(order), len(order)))
    dense[random.random(dense.shape) < 0.4] = 0
    dense[layer[:, None] <= layer[None, :]] = 0
    dense[order.errors] = 0
    dense[order.tokens] = 0
    return dense, order, np.array([0.7, 0.2])


@pytest.mark.parametrize("seed", range(5))
def test_influence_is_the_inverse_of_the_normalised_matrix(seed: int) -> None:
    dense, order, probabilities = random_matrix(seed)
    weights = logit_weights(order, probabilities)
    normalized = np.abs(dense) / np.maximum(np.abs(dense).sum(1, keepdims=True), 1e-10)
    identity = np.eye(len(order))
    expected = weights @ (np.linalg.inv(identity - normalized) - identity)
    np.testing.assert_allclose(node_influence(dense, weights), expected, atol=TOLERANCE)
    np.testing.assert_allclose(normalize_rows(dense).toarray(), normalized, atol=TOLERANCE)


@pytest.mark.parametrize("seed", range(5))
def test_scores_follow_their_definition(seed: int) -> None:
    dense, order, probabilities = random_matrix(seed)
    weights = logit_weights(order, probabilities)
    influence = node_influence(dense, weights)
    normalized = np.abs(dense) / np.maximum(np.abs(dense).sum(1, keepdims=True), 1e-10)
    tokens, errors = influence[order.tokens].sum(), influence[order.errors].sum()
    output = influence + weights
    completeness = ((1 - normalized[:, order.errors].sum(1)) * output).sum() / output.sum()
    scores = graph_scores(dense, order, probabilities)
    assert scores.replacement == pytest.approx(tokens / (tokens + errors), abs=TOLERANCE)
    assert scores.completeness == pytest.approx(completeness, abs=TOLERANCE)


@given(seed=st.integers(0, 10_000), node=st.floats(0.2, 1), edge=st.floats(0.2, 1))
@settings(max_examples=60, deadline=None)
def test_pruning_keeps_what_the_slow_way_keeps(seed: int, node: float, edge: float) -> None:
    dense, order, probabilities = random_matrix(seed)
    kept, edges = slow_prune(dense, order, probabilities, node, edge)
    for nearby in (-1e-9, 1e-9):  # equal scores at a threshold: rounding decides, on either side
        other = slow_prune(dense, order, probabilities, node + nearby, edge + nearby)
        assume(np.array_equal(other[0], kept) and np.array_equal(other[1], edges))
    pruned = prune(dense, order, probabilities, node_threshold=node, edge_threshold=edge)
    np.testing.assert_array_equal(pruned.nodes, kept)
    found = np.zeros(dense.shape, dtype=bool)
    found[pruned.edges.row, pruned.edges.col] = True
    np.testing.assert_array_equal(found, edges)
    np.testing.assert_array_equal(pruned.edges.toarray()[found], dense[found])


def slow_prune(
    dense: np.ndarray, order: NodeOrder, probabilities: np.ndarray, node: float, edge: float
) -> tuple[np.ndarray, np.ndarray]:
    """Pruning written out on dense matrices, step by step."""

    def threshold(scores: np.ndarray, share: float) -> float:
        ranked = np.sort(scores)[::-1]
        cumulative = np.cumsum(ranked) / ranked.sum()
        found = float(ranked[min(np.searchsorted(cumulative, share), len(ranked) - 1)])
        assume(np.count_nonzero(np.abs(ranked - found) <= 1e-9 * found) == 1)
        return found

    weights = logit_weights(order, probabilities)
    influence = node_influence(dense, weights)
    kept = influence >= threshold(influence, node)
    kept[order.tokens] = True
    kept[order.logits] = True
    small = dense * kept[:, None] * kept[None, :]
    normalized = np.abs(small) / np.maximum(np.abs(small).sum(1, keepdims=True), 1e-10)
    scores = normalized * (node_influence(small, weights) + weights)[:, None]
    edges = (scores >= threshold(scores[small != 0], edge)) & (small != 0)
    while True:
        now = kept.copy()
        now[: order.tokens.start] &= edges.any(0)[: order.tokens.start]
        now[order.features] &= edges.any(1)[order.features]
        if (now == kept).all():
            return kept, edges
        kept = now
        edges &= kept[:, None] & kept[None, :]


def test_cumulative_share_is_low_for_important_nodes() -> None:
    np.testing.assert_allclose(cumulative_share(np.array([1.0, 6.0, 3.0])), [1.0, 0.6, 0.9])


def test_a_cycle_is_refused() -> None:
    matrix = sparse.csr_array(np.array([[0.0, 1.0], [1.0, 0.0]]))
    with pytest.raises(GraphError, match="cycle"):
        node_influence(matrix, np.array([1.0, 0.0]))
