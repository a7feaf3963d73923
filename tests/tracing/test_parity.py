"""Parity with circuit-tracer on small cases it computed, float32.

Tolerances: the same nodes and logits, max|dA| / max|A| ≤ 1e-5, scores to 1e-4, the same pruning.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from graphlabel.graph import prune
from graphlabel.models import load_language_model, load_transcoders, prompt_of_ids
from graphlabel.tracing import TraceSettings, trace

CASES = ["ll_relu_mlp", "ll_topk_skip", "ll_clt_relu", "g2_jumprelu_ln2norm"]


@pytest.mark.parametrize("case", CASES)
@pytest.mark.parametrize("batch_size", [64, 7])
def test_traces_match_circuit_tracer(
    case: str, batch_size: int, real_data: Callable[[str], Path]
) -> None:
    folder = real_data(f"parity/{case}")
    golden = json.loads((folder / "golden.json").read_text())
    arrays = np.load(folder / "golden.npz")
    model = load_language_model(str(folder / "model"))
    transcoders = load_transcoders(str(folder / "transcoders"))
    prompt = prompt_of_ids(model, arrays["input_ids"].tolist())
    settings = TraceSettings(max_feature_nodes=None, batch_size=batch_size)
    traced = trace(model, transcoders, prompt, settings)

    np.testing.assert_array_equal(traced.active_features, arrays["active_features"])
    np.testing.assert_array_equal(traced.selected_features, arrays["selected_features"])
    assert list(traced.logit_ids) == arrays["logit_ids"].tolist()
    n = len(traced.order)
    expected = np.zeros((n, n))
    expected[traced.order.features] = arrays["adjacency_feature_rows"]
    expected[traced.order.logits] = arrays["adjacency_logit_rows"]
    assert np.abs(traced.adjacency - expected).max() / np.abs(expected).max() <= 1e-5
    assert traced.scores.replacement == pytest.approx(golden["replacement_score"], abs=1e-4)
    assert traced.scores.completeness == pytest.approx(golden["completeness_score"], abs=1e-4)

    pruned = prune(traced.adjacency, traced.order, traced.logit_probabilities)
    np.testing.assert_array_equal(pruned.nodes, arrays["node_mask"])
    edges = np.unpackbits(arrays["edge_mask_packed"])[: n * n].reshape(n, n).astype(bool)
    found = np.zeros((n, n), dtype=bool)
    found[pruned.edges.row, pruned.edges.col] = True
    np.testing.assert_array_equal(found, edges)
    np.testing.assert_allclose(pruned.influence, arrays["cumulative_scores"], atol=1e-5)
