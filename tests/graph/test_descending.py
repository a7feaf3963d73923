"""The descent over a full matrix against the sum over the sparse one, float64."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from graphlabel.graph import NodeOrder, graph_scores, node_influence, prune
from graphlabel.graph.descending import descend
from graphlabel.graph.influence import logit_weights, normalize_rows

TOLERANCE = 1e-12


def ordered_matrix(n_features: int) -> tuple[np.ndarray, NodeOrder, np.ndarray]:
    """Seeded: every feature is reached from any before it, as if each were a layer."""
    random = np.random.default_rng(n_features)
    order = NodeOrder(n_features, n_layers=4, n_positions=5, n_logits=3)
    dense = random.normal(size=(len(order), len(order))).astype(np.float32)
    dense[:n_features, :n_features] = np.tril(dense[:n_features, :n_features], k=-1)
    dense[order.errors] = dense[order.tokens] = 0
    dense[:, order.logits] = 0
    dense[1] = 0
    return dense, order, np.array([0.5, 0.3, 0.1])


@pytest.mark.parametrize("n_features", [1, 127, 128, 300])
def test_it_is_the_sum_over_all_paths(n_features: int) -> None:
    dense, order, probabilities = ordered_matrix(n_features)
    weights = logit_weights(order, probabilities)
    found = descend(dense, order, weights)
    assert found is not None
    np.testing.assert_allclose(found.influence, node_influence(dense, weights), atol=TOLERANCE)
    shares = normalize_rows(dense)[:, order.errors].sum(axis=1)
    np.testing.assert_allclose(found.error_share, shares, atol=TOLERANCE)


def test_a_dense_matrix_and_a_sparse_one_are_scored_and_pruned_alike() -> None:
    dense, order, probabilities = ordered_matrix(200)
    matrices = dense, sparse.csr_array(dense)
    one, other = (graph_scores(each, order, probabilities) for each in matrices)
    assert one.replacement == pytest.approx(other.replacement, abs=TOLERANCE)
    assert one.completeness == pytest.approx(other.completeness, abs=TOLERANCE)
    here, there = (prune(each, order, probabilities) for each in matrices)
    np.testing.assert_array_equal(here.nodes, there.nodes)
    np.testing.assert_array_equal(here.edges.toarray(), there.edges.toarray())
    assert here.edges.dtype == np.float64


@pytest.mark.parametrize(("target", "source"), [(3, 150), (140, 150), (0, -1)])
def test_a_link_that_goes_back_is_left_to_the_sum(target: int, source: int) -> None:
    dense, order, probabilities = ordered_matrix(200)
    dense[target] = 0
    dense[target, source] = 1
    assert descend(dense, order, logit_weights(order, probabilities)) is None
