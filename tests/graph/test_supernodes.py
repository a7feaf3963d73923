"""Supernode edges against the formula written out node by node, float64, tolerance 1e-12."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.graph import Edges, supernode_edges


def slow(edges: Edges, groups: dict[str, list[int]]) -> dict[tuple[str, str], float]:
    """edge(S, T) = Σ w / ext(t) · wt(t), as the frontends compute it."""
    links = list(
        zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)
    )
    result: dict[tuple[str, str], float] = {}
    for target_name, members in groups.items():
        ext = {t: sum(abs(w) for s, e, w in links if e == t and s not in members) for t in members}
        total = {t: sum(abs(w) for s, e, w in links if e == t) for t in members}
        share = {t: ext[t] / total[t] if total[t] else 0.0 for t in members}
        whole = sum(share.values())
        for source_name, sources in groups.items():
            if source_name == target_name:
                continue
            parts = [
                w / ext[t] * share[t] / whole
                for s, t, w in links
                if s in sources and t in members and ext[t] and whole
            ]
            if parts:
                result[source_name, target_name] = sum(parts)
    return result


@given(seed=st.integers(0, 10_000))
@settings(max_examples=50, deadline=None)
def test_edges_between_supernodes_follow_the_formula(seed: int) -> None:
    random = np.random.default_rng(seed)
    source = random.integers(0, 10, 30)
    target = source + random.integers(1, 6, 30)
    edges = Edges.of(source, target, random.normal(size=30))
    groups = {"a": [0, 3, 5], "b": [6, 8], "c": [9, 12, 14]}
    found = {(e.source, e.target): e.weight for e in supernode_edges(edges, groups, n_nodes=16)}
    expected = slow(edges, groups)
    assert found.keys() == expected.keys()
    for pair, weight in expected.items():
        assert found[pair] == pytest.approx(weight, abs=1e-12)


def test_no_edges_without_groups() -> None:
    assert supernode_edges(Edges.of([0], [1], [1.0]), {}, n_nodes=2) == []
