"""Which nodes are worth grouping."""

from __future__ import annotations

from graphlabel.annotation import Annotations
from graphlabel.graph import AttributionGraph, NodeKind

INFLUENTIAL = 0.8
"""The most influential nodes that together hold this share of influence; the share that graphs are
pruned to by default."""
MOST_CANDIDATES = 2000


def candidates(
    graph: AttributionGraph, annotations: Annotations, influential: float = INFLUENTIAL
) -> tuple[list[int], list[int]]:
    """The places of the features to be grouped, and of the logits, in the graph's order.

    The two are never grouped with each other. Features whose file states no influence all take
    part, pinned ones in any case; of more than 2,000 the most influential.
    """
    pinned = set(annotations.pinned)

    def share(place: int) -> float:
        node = graph.nodes[place]
        return 0.0 if node.key in pinned else node.influence or 0.0

    features = [p for p in graph.places(NodeKind.FEATURE) if share(p) <= influential]
    features = sorted(features, key=lambda place: (share(place), place))[:MOST_CANDIDATES]
    return sorted(features), list(graph.places(NodeKind.LOGIT))
