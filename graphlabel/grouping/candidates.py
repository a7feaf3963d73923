"""Which nodes are worth grouping."""

from __future__ import annotations

from collections.abc import Collection

from graphlabel.annotation import Annotations
from graphlabel.annotation.trust import influence_shares
from graphlabel.graph import AttributionGraph, NodeKind

INFLUENTIAL = 0.8
"""The most influential nodes that together hold this share of influence; the share that graphs are
pruned to by default."""
MOST_CANDIDATES = 2000
ALONE = 0.02
"""A feature like no other with this share of the influence on the output is a group by itself."""


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


def alone(graph: AttributionGraph, chosen: Collection[int], grouped: Collection[int]) -> list[int]:
    """The features that matter too much to be left out, although they are like no other.

    In a small graph a step of the circuit may be one feature. ``chosen`` are the candidates,
    ``grouped`` those of them that are in a group. Nodes whose file states no influence never are.
    """
    shares = influence_shares([node.influence for node in graph.nodes])
    return [place for place in chosen if place not in grouped and shares[place] >= ALONE]
