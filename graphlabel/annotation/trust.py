"""How far labels can be trusted, and where looking again pays most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float64

from graphlabel.annotation.annotations import Annotations
from graphlabel.annotation.labels import Label, Origin, Review
from graphlabel.graph import AttributionGraph, NodeKey, NodeKind


def trust_of(label: Label | None) -> float:
    """Trust in a label, 0 to 1: what was measured or stated of it.

    A person's label is trusted where no score says otherwise; no label, and one that nothing is
    known of, is not.
    """
    if label is None:
        return 0.0
    made = label.provenance
    if made.score is not None:
        return min(1.0, max(0.0, made.score))
    return 1.0 if made.origin is Origin.PERSON else 0.0


def node_trust(key: NodeKey, annotations: Annotations) -> float | None:
    """Trust in a node's label, 0 to 1; None without a label, or where nothing says how good it is.

    A person's decision settles it: 1 where accepted, 0 where rejected.
    """
    label = annotations.label_of(key)
    if label is None:
        return None
    review = annotations.reviews.get(key)
    if review is not None:
        return 1.0 if review is Review.ACCEPTED else 0.0
    made = label.provenance
    known = made.score is not None or made.origin is Origin.PERSON
    return trust_of(label) if known else None


def influence_shares(influence: Sequence[float | None]) -> Float64[np.ndarray, " nodes"]:
    """Each node's own share of the influence on the output, 0 where it is not known.

    Nodes state the share held by them and all more influential ones together (low = important);
    what one adds to those before it is its own.
    """
    stated = np.array([np.nan if each is None else each for each in influence], dtype=np.float64)
    shares = np.zeros(len(stated))
    known = np.flatnonzero(~np.isnan(stated))
    order = known[np.argsort(stated[known], kind="stable")]
    shares[order] = np.maximum(np.diff(stated[order], prepend=0.0), 0.0)
    return shares


def needs_attention(
    graph: AttributionGraph,
    annotations: Annotations,
    influence: Sequence[float | None] | None = None,
) -> Float64[np.ndarray, " nodes"]:
    """How much influence rests on a label that is not to be trusted: share · (1 − trust).

    0 for nodes that are no features. ``influence`` (cumulative, one a node) stands in for what the
    nodes state.
    """
    shares = influence_shares(influence or [node.influence for node in graph.nodes])
    found = np.zeros(len(graph.nodes))
    for place in graph.places(NodeKind.FEATURE):
        trust = node_trust(graph.nodes[place].key, annotations)
        found[place] = shares[place] * (1.0 - (trust or 0.0))
    return found


def trust_order(graph: AttributionGraph, annotations: Annotations) -> list[int]:
    """Places of the features, least trusted × most influential first.

    Among equals the more influential comes first.
    """
    need = needs_attention(graph, annotations)

    def order(place: int) -> tuple[float, float, int]:
        influence = graph.nodes[place].influence
        return -need[place], np.inf if influence is None else influence, place

    return sorted((int(place) for place in graph.places(NodeKind.FEATURE)), key=order)
