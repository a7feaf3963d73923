"""Scores of pinned subgraphs against the definition written out with dense lists, float64, 1e-9."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.errors import GraphError
from graphlabel.files import read_graph
from graphlabel.graph import (  # fmt: skip
    AttributionGraph,
    Edges,
    Node,
    NodeKey,
    NodeKind,
    link_scores,
    subgraph_scores,
)
from tests.conftest import real_graphs

LAYERS, POSITIONS = 3, 3


def straightforward(graph: AttributionGraph, pinned: set[NodeKey]) -> tuple[float, float]:
    """Node by node: merge, normalise, walk all paths; an empty ``pinned`` merges nothing."""
    n, keys = len(graph), [node.key for node in graph.nodes]
    matrix = np.zeros((n, n))
    for s, t, w in zip(
        *(
            column.tolist()
            for column in (graph.edges.source, graph.edges.target, graph.edges.weight)
        ),
        strict=True,
    ):
        matrix[t, s] += w
    if pinned:
        for place, key in enumerate(keys):
            if key.kind is not NodeKind.FEATURE or key in pinned:
                continue
            for other, candidate in enumerate(keys):
                if (candidate.kind, candidate.layer, candidate.position) == (
                    NodeKind.ERROR,
                    key.layer,
                    key.position,
                ):
                    matrix[:, other] += matrix[:, place]
            matrix[:, place] = 0
            matrix[place, :] = 0
    matrix = np.abs(matrix)
    matrix /= np.maximum(matrix.sum(axis=1, keepdims=True), 1e-10)
    weights = np.array([node.probability or 0.0 for node in graph.nodes])
    influence, step = np.zeros(n), weights @ matrix
    while step.any():
        influence, step = influence + step, step @ matrix
    error = np.array([key.kind is NodeKind.ERROR for key in keys])
    token = np.array([key.kind is NodeKind.TOKEN for key in keys])
    whole = influence[token].sum() + influence[error].sum()
    output = influence + weights
    complete = (1 - matrix[:, error].sum(axis=1)) * output
    return (influence[token].sum() / whole if whole else 0.0), complete.sum() / output.sum()


def random_graph(seed: int, *, errors: float = 0.8) -> AttributionGraph:
    random = np.random.default_rng(seed)
    nodes = [Node(NodeKey(NodeKind.TOKEN, -1, 10 + p, p)) for p in range(POSITIONS)]
    for layer in range(LAYERS):
        for position in range(POSITIONS):
            nodes += [
                Node(NodeKey(NodeKind.FEATURE, layer, f, position))
                for f in range(random.integers(0, 4))
            ]
            if random.random() < errors:
                nodes.append(Node(NodeKey(NodeKind.ERROR, layer, -1, position)))
    nodes += [
        Node(NodeKey(NodeKind.LOGIT, LAYERS, v, POSITIONS - 1), probability=p)
        for v, p in ((1, 0.6), (2, 0.3))
    ]
    links = [
        (s, t)
        for t, target in enumerate(nodes)
        for s, source in enumerate(nodes)
        if source.key.layer < target.key.layer
        and target.key.kind in (NodeKind.FEATURE, NodeKind.LOGIT)
        and random.random() < 0.7
    ]
    source, target = ([link[i] for link in links] for i in (0, 1))
    return AttributionGraph(
        "p",
        ("a",) * POSITIONS,
        tuple(nodes),
        Edges.of(source, target, random.normal(size=len(links))),
        LAYERS,
    )


def some_features(graph: AttributionGraph, share: float, seed: int) -> set[NodeKey]:
    random = np.random.default_rng(seed)
    return {graph.nodes[p].key for p in graph.places(NodeKind.FEATURE) if random.random() < share}


def check(graph: AttributionGraph, pinned: set[NodeKey]) -> None:
    found = subgraph_scores(graph, pinned) if pinned else link_scores(graph)
    assert found is not None
    assert (found.replacement, found.completeness) == pytest.approx(
        straightforward(graph, pinned), abs=1e-9
    )


@given(seed=st.integers(0, 100_000), share=st.sampled_from([0.0, 0.3, 0.7]))
@settings(max_examples=60, deadline=None)
def test_scores_follow_the_definition(seed: int, share: float) -> None:
    graph = random_graph(seed)
    check(graph, some_features(graph, share, seed))


@given(seed=st.integers(0, 100_000))
@settings(max_examples=30, deadline=None)
def test_pinning_every_feature_changes_nothing(seed: int) -> None:
    graph = random_graph(seed)
    everything = {node.key for node in graph.nodes}
    assert subgraph_scores(graph, everything) == link_scores(graph)


def test_pinning_no_feature_leaves_what_tokens_and_errors_do_directly() -> None:
    """Token → feature → logit: with only the logit pinned, all influence starts at the error."""
    keys = [
        NodeKey(NodeKind.TOKEN, -1, 5, 0),
        NodeKey(NodeKind.FEATURE, 0, 1, 0),
        NodeKey(NodeKind.ERROR, 0, -1, 0),
        NodeKey(NodeKind.LOGIT, 1, 9, 0),
    ]
    nodes = (*(Node(key) for key in keys[:3]), Node(keys[3], probability=0.5))
    graph = AttributionGraph("p", ("a",), nodes, Edges.of([0, 1, 2], [1, 3, 3], [1.0, 3.0, 1.0]), 1)
    whole, part = link_scores(graph), subgraph_scores(graph, [keys[3]])
    assert whole is not None
    assert part is not None
    assert (whole.replacement, part.replacement) == (0.75, 0.0)
    assert part.completeness == pytest.approx(0.5)
    assert subgraph_scores(graph, []) is None


def test_a_feature_without_an_error_to_join_goes() -> None:
    graph = random_graph(3, errors=0.0)
    scores = subgraph_scores(graph, some_features(graph, 0.4, 3))
    assert scores is not None
    assert scores.replacement == 1.0


def test_where_the_scores_have_no_meaning() -> None:
    graph = random_graph(1)
    other = Node(NodeKey(NodeKind.OTHER, 0, 1, 0))
    foreign = AttributionGraph("p", graph.tokens, (*graph.nodes, other), graph.edges, LAYERS)
    silent = tuple(Node(node.key) for node in graph.nodes)
    assert link_scores(foreign) is None
    assert link_scores(AttributionGraph("p", graph.tokens, silent, graph.edges, LAYERS)) is None
    logit = Node(NodeKey(NodeKind.LOGIT, 1, 1, 0), probability=1.0)
    circle = (
        Node(NodeKey(NodeKind.FEATURE, 0, 1, 0)),
        Node(NodeKey(NodeKind.FEATURE, 1, 1, 0)),
        logit,
    )
    with pytest.raises(GraphError, match="cycle"):
        link_scores(
            AttributionGraph(
                "p", ("a",), circle, Edges.of([0, 1, 1], [1, 0, 2], [1.0, 1.0, 1.0]), 2
            )
        )


@pytest.mark.parametrize("path", real_graphs(), ids=lambda path: path.stem)
def test_real_graphs(path: Path) -> None:
    graph = read_graph(path).graph
    if link_scores(graph) is None:
        pytest.skip("these scores are not defined for this graph")
    pinned = set(read_graph(path).annotations.pinned) or some_features(graph, 0.1, 0)
    check(graph, set())
    check(graph, pinned)
