"""Nodes, edges and a graph's identity."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from graphlabel.errors import GraphError
from graphlabel.graph import AttributionGraph, Edges, Node, NodeKey, NodeKind, graph_key


def small_graph() -> AttributionGraph:
    nodes = (
        Node(NodeKey(NodeKind.TOKEN, -1, 7, 0), "<bos>"),
        Node(NodeKey(NodeKind.FEATURE, 0, 3, 0), activation=2.0, influence=0.4),
        Node(NodeKey(NodeKind.ERROR, 0, -1, 0)),
        Node(NodeKey(NodeKind.LOGIT, 1, 9, 0), "x", probability=0.5),
    )
    edges = Edges.of([0, 1, 2, 0], [1, 3, 3, 3], [0.5, -2.0, 1.0, 3.0])
    return AttributionGraph("x", ("<bos>",), nodes, edges, n_layers=1)


def test_edges_of_a_node_come_strongest_first() -> None:
    edges = small_graph().edges
    assert edges.source[edges.into(3)].tolist() == [0, 1, 2]
    assert edges.target[edges.out_of(0)].tolist() == [3, 1]
    assert edges.into(0).tolist() == []


def test_weights_that_are_no_numbers_are_refused() -> None:
    with pytest.raises(GraphError, match="NaN"):
        Edges.of([0], [1], [float("nan")])


def test_edges_to_nowhere_are_refused() -> None:
    graph = small_graph()
    with pytest.raises(GraphError, match="does not have"):
        dataclasses.replace(graph, edges=Edges.of([0], [9], [1.0]))


def test_the_key_ignores_order_and_layout_but_not_weights() -> None:
    graph = small_graph()
    turned = dataclasses.replace(
        graph,
        nodes=graph.nodes[::-1],
        edges=Edges.of(3 - graph.edges.source[::-1], 3 - graph.edges.target[::-1], graph.edges.weight[::-1]),
    )  # fmt: skip
    assert graph_key(turned) == graph_key(graph)
    other = Edges.of(graph.edges.source, graph.edges.target, graph.edges.weight * np.float64(2))
    assert graph_key(dataclasses.replace(graph, edges=other)) != graph_key(graph)
