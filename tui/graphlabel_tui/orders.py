"""The orders of the node table."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from graphlabel.annotation import Annotations, Review, needs_attention, node_trust
from graphlabel.graph import AttributionGraph, NodeKey, NodeKind
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.wording import label_maker, name_of

Key = Callable[[int], Any]
"""What a place is sorted by; anything that compares with itself."""

ORDERS = {
    "influence": "the most influential first",
    "urgent": "least trusted × most influential first",
    "trust": "the least trusted label first, unlabelled features before it",
    "layer": "from the first layer up",
    "position": "along the prompt",
    "activation": "the strongest first",
    "label": "by the alphabet, unnamed ones last",
    "tier": "obscure, cross, then the rest",
    "kind": "features, errors, tokens, logits",
    "feature": "by feature number",
    "who": "by who labelled it",
    "reviewed": "undecided, rejected, accepted",
    "supernode": "by supernode, ungrouped ones last",
    "note": "those with a note first",
    "pinned": "pinned ones first",
    "marked": "marked ones first",
}
"""Every order, in the order the key steps through them, and what comes first in it."""

LASTING = frozenset({"influence", "layer", "position", "activation", "kind", "feature"})
"""Orders that no edit changes."""

_KINDS = {kind: at for at, kind in enumerate(NodeKind)}
_REVIEWS = {None: 0, Review.REJECTED: 1, Review.ACCEPTED: 2}


def order_key(
    name: str,
    graph: AttributionGraph,
    annotations: Annotations,
    influence: tuple[float | None, ...],
    marked: Mapping[NodeKey, None],
) -> Key:
    """What the places of a graph are sorted by; ties go by influence."""
    chosen = _keys(graph, annotations, marked)

    def by_influence(place: int) -> float:
        value = influence[place]
        # logits have none stated; they are what everything else has influence on
        return -1.0 if value is None else value

    need = needs_attention(graph, annotations, influence) if name == "urgent" else None

    def by_need(place: int) -> float:
        return -float(need[place]) if need is not None and graph.nodes[place].is_feature else 1.0

    first = by_need if name == "urgent" else chosen.get(name, lambda _place: 0)
    return lambda place: (first(place), by_influence(place), place)


def _keys(
    graph: AttributionGraph, annotations: Annotations, marked: Mapping[NodeKey, None]
) -> dict[str, Key]:
    nodes = graph.nodes
    pinned = frozenset(annotations.pinned)
    groups = {key: group.name for group in annotations.supernodes for key in group.members}

    def by_trust(place: int) -> float:
        key = nodes[place].key
        if annotations.label_of(key) is None:
            return -1.0 if key.kind is NodeKind.FEATURE else 2.0
        trust = node_trust(key, annotations)
        return 0.5 if trust is None else trust

    def by_words(words: str) -> tuple[bool, str]:
        return not words, words.casefold()

    def by_maker(place: int) -> tuple[bool, str]:
        label = annotations.label_of(nodes[place].key)
        return by_words(label_maker(label, "") if label else "")

    def by_tier(place: int) -> tuple[int, str]:
        key = nodes[place].key
        routing = annotations.routing_of(key) if key.kind is NodeKind.FEATURE else None
        return (-int(routing.tier) if routing else 1), look_of(key, annotations).name

    return {
        "trust": by_trust,
        "layer": lambda place: nodes[place].key.layer,
        "position": lambda place: nodes[place].key.position,
        "activation": lambda place: -(nodes[place].activation or 0.0),
        "label": lambda place: by_words(name_of(nodes[place], annotations)),
        "tier": by_tier,
        "kind": lambda place: _KINDS[nodes[place].key.kind],
        "feature": lambda place: nodes[place].key.feature,
        "who": by_maker,
        "reviewed": lambda place: _REVIEWS[annotations.reviews.get(nodes[place].key)],
        "supernode": lambda place: by_words(groups.get(nodes[place].key, "")),
        "note": lambda place: nodes[place].key not in annotations.notes,
        "pinned": lambda place: nodes[place].key not in pinned,
        "marked": lambda place: nodes[place].key not in marked,
    }
