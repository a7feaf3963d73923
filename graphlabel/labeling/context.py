"""Where a feature stands in a graph, for methods that read it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphlabel.annotation import Annotations
from graphlabel.graph import AttributionGraph, NodeKey, NodeKind
from graphlabel.labeling.evidence import GraphContext, Neighbour

NEIGHBOURS = 10
"""At most so many parents and children are kept."""


def graph_context(
    graph: AttributionGraph, annotations: Annotations, nodes: Sequence[NodeKey]
) -> GraphContext:
    """The context of a feature's nodes, most influential first; neighbours are the first one's."""
    first = graph.index_of[nodes[0]]
    edges = graph.edges
    into = ((int(edges.source[i]), float(edges.weight[i])) for i in edges.into(first))
    out_of = ((int(edges.target[i]), float(edges.weight[i])) for i in edges.out_of(first))
    return GraphContext(
        graph.tokens,
        frozenset(key.position for key in nodes),
        _neighbours(graph, annotations, into),
        _neighbours(graph, annotations, out_of),
    )


def _neighbours(
    graph: AttributionGraph, annotations: Annotations, linked: Iterable[tuple[int, float]]
) -> tuple[Neighbour, ...]:
    """The first named ones: unlabelled features and errors say nothing."""
    found: list[Neighbour] = []
    for place, weight in linked:
        node = graph.nodes[place]
        label = annotations.label_of(node.key)
        name = label.text if label else ""
        if node.key.kind is NodeKind.TOKEN:
            name = f"token “{node.text.strip()}”"
        elif node.key.kind is NodeKind.LOGIT:
            name = f"output “{node.text.strip()}”"
        if name:
            found.append(Neighbour(name, weight))
        if len(found) == NEIGHBOURS:
            break
    return tuple(found)
