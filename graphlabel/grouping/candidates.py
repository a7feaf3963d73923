"""Which nodes are worth grouping."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from jaxtyping import Float64

from graphlabel.annotation import Annotations
from graphlabel.annotation.trust import influence_shares
from graphlabel.graph import AttributionGraph, NodeKind

INFLUENTIAL = 0.8
"""The most influential nodes that together hold this share of influence; the share that graphs are
pruned to by default."""
MOST_CANDIDATES = 2000
STEP = 0.1
"""A feature with this share of the influence on the output may be a step by itself."""
DWARFED = 0.25
"""It is, unless others of its group hold this much of its share."""
ALONE = 0.02
"""A feature in no group with this share of the influence on the output is a group by itself."""


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


def without_step(graph: AttributionGraph, group: Sequence[int]) -> list[int]:
    """A group (places) without the feature that dwarfs the rest of it; it stays if none does.

    What is alike to a step of the circuit, but matters next to nothing beside it, is none of it.
    Empty when fewer than two remain.
    """
    shares = _shares(graph)
    ranked = sorted(group, key=lambda place: -shares[place])
    most = shares[ranked[0]]
    if most < STEP or shares[ranked[1]] >= DWARFED * most:
        return list(group)
    rest = [place for place in group if place != ranked[0]]
    return rest if len(rest) > 1 else []


def alone(
    graph: AttributionGraph, chosen: Collection[int], grouped: Collection[int]
) -> dict[int, float]:
    """The features that matter too much to be left out, although in no group, and their shares.

    In a small graph a step of the circuit may be one feature. ``chosen`` are the candidates,
    ``grouped`` those of them that are in a group. Nodes whose file states no influence never stand
    alone.
    """
    shares = _shares(graph)
    return {
        place: float(shares[place])
        for place in chosen
        if place not in grouped and shares[place] >= ALONE
    }


def _shares(graph: AttributionGraph) -> Float64[np.ndarray, " nodes"]:
    """Each node's own share of the influence, no more than that of any node before it.

    Nodes that were pruned away leave gaps, which are nobody's share.
    """
    stated = [node.influence for node in graph.nodes]
    shares = influence_shares(stated)
    known = [place for place, each in enumerate(stated) if each is not None]
    order = sorted(known, key=lambda place: (stated[place], place))
    shares[order] = np.minimum.accumulate(shares[order])
    return shares
