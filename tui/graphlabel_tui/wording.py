"""Nodes, labels and provenance in words."""

from __future__ import annotations

from graphlabel.annotation import Annotations, Label, Origin, Provenance, Review, Scope
from graphlabel.graph import AttributionGraph, FeatureKey, Node, NodeKey, NodeKind
from graphlabel_tui.glyphs import maker_of
from graphlabel_tui.inert import bare_token, inert

NO_LABEL = "—"

SCOPES = {
    Scope.OCCURRENCE: "this occurrence",
    Scope.FEATURE: "feature everywhere",
}
"""Where a label holds, in words."""


def token_at(graph: AttributionGraph, position: int) -> str:
    """The token at a position, fit for a narrow place."""
    known = 0 <= position < len(graph.tokens)
    return bare_token(graph.tokens[position]) if known else f"{position}"


def where(graph: AttributionGraph, key: NodeKey) -> str:
    """What and where a node is: ``L2 #214 @ is``."""
    token = token_at(graph, key.position)
    if key.kind is NodeKind.TOKEN:
        return f"token {key.position}"
    if key.kind is NodeKind.LOGIT:
        return f"logit @ {token}"
    if key.kind is NodeKind.ERROR:
        return f"L{key.layer} error @ {token}"
    return f"L{key.layer} #{key.feature} @ {token}"


def name_of(node: Node, annotations: Annotations) -> str:
    """What a node is called, or "" when nobody has named it."""
    key = node.key
    if key.kind in (NodeKind.TOKEN, NodeKind.LOGIT):
        return bare_token(node.text)
    label = annotations.label_of(key)
    if label:
        return inert(label.text)
    return f"error L{key.layer}" if key.kind is NodeKind.ERROR else ""


def title_of(node: Node, annotations: Annotations) -> str:
    """What a node is called, its feature number when nobody has named it."""
    named = name_of(node, annotations)
    return named or str(FeatureKey(node.key.layer, node.key.feature))


def label_maker(label: Label, me: str) -> str:
    """Who made a label, in a word or two."""
    made = label.provenance
    return inert(maker_of(made.origin, made.author, made.method, me))


def provenance_words(label: Label, me: str) -> str:
    """Where the label holds, who said so and how, and when."""
    made = label.provenance
    who = "came with the file" if made.origin is Origin.FILE else label_maker(label, me)
    parts = [SCOPES[label.scope], who]
    if made.origin is Origin.MACHINE and made.model:
        parts.append(inert(made.model))
    if made.time:
        parts.append(inert(made.time[:10]))
    return " · ".join(parts)


def score_words(label: Label) -> str:
    """What scorers measured of a label: ``detection 0.72 (chance 0.50)``; empty without any."""
    return ", ".join(
        f"{inert(each.scorer)} {each.value:.2f} (chance {each.chance:.2f})"
        for each in label.provenance.scores
    )


def making_words(made: Provenance) -> str:
    """How a machine made a label: what it was asked, what it cost; "" when that is not known."""
    parts = [
        f"temperature {made.temperature:g}" if made.temperature is not None else "",
        f"{made.tokens:,} tokens" if made.tokens is not None else "",
        f"${made.dollars:.2g}" if made.dollars is not None else "",
        f"prompt {inert(made.prompt_hash[:8])}" if made.prompt_hash else "",
    ]
    return " · ".join(filter(None, parts))


def review_words(review: Review | None) -> str:
    """A person's decision on a label, in words."""
    return {None: "", Review.ACCEPTED: "✓ accepted", Review.REJECTED: "✗ rejected"}[review]


def number(value: float) -> str:
    """A number in about four characters."""
    size = abs(value)
    if size >= 1000:
        return f"{value:.2g}" if size >= 1e5 else f"{value:.0f}"
    if size >= 100:
        return f"{value:.0f}"
    if size >= 10:
        return f"{value:.1f}"
    if size >= 0.01 or size == 0:
        return f"{value:.2f}"
    return f"{value:.0e}"


def signed(value: float) -> str:
    """A number with its sign."""
    return f"+{number(value)}" if value >= 0 else f"−{number(-value)}"


def percent(share: float) -> str:
    """A share as a percentage."""
    value = 100 * share
    return f"{value:.1f} %" if value >= 0.1 or value == 0 else f"{value:.1g} %"
