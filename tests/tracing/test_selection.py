"""Which features get a row."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from graphlabel.models import LanguageModel, Transcoders, prompt_of_ids
from graphlabel.tracing import TraceSettings, trace

Loader = Callable[..., tuple[LanguageModel, Transcoders]]
IDS = [1, 10, 21, 5, 44, 10, 30]
SETTINGS = TraceSettings(max_feature_nodes=None, dtype="float64", max_n_logits=4)


def test_greedy_selection_takes_the_most_influential(load: Loader) -> None:
    """With a limit, rows are the ones the slow rule chooses, and equal those of the full trace."""
    model, transcoders = load("llama", "relu")
    prompt = prompt_of_ids(model, IDS)
    full = trace(model, transcoders, prompt, SETTINGS)
    limit, batch, interval = 40, 4, 2
    settings = TraceSettings(
        max_feature_nodes=limit, batch_size=batch, update_interval=interval,
        dtype="float64", max_n_logits=4,
    )  # fmt: skip
    some = trace(model, transcoders, prompt, settings)
    n = len(full.selected_features)
    columns = full.adjacency[:, : full.order.logits.start]
    normalized = np.abs(columns) / np.maximum(np.abs(columns).sum(1, keepdims=True), 1e-8)
    visited: list[int] = []
    while len(visited) < limit:
        known = np.zeros((len(columns), len(columns)))
        rows = [*visited, *range(full.order.logits.start, len(columns))]
        known[rows, : columns.shape[1]] = normalized[rows]
        weights = np.zeros(len(columns))
        weights[full.order.logits] = full.logit_probabilities
        influence, step = np.zeros(len(columns)), weights
        while (step := step @ known).any():
            influence += step
        ranked = [i for i in np.argsort(-influence[:n], kind="stable") if i not in visited]
        visited += [int(i) for i in ranked[: min(batch * interval, limit - len(visited))]]
    assert some.selected_features.tolist() == sorted(visited)
    rows = full.adjacency[np.ix_(some.selected_features, some.selected_features)]
    np.testing.assert_allclose(some.adjacency[:limit, :limit], rows, atol=1e-12)
