"""How nodes look: a glyph, a role (its colour) and a name for every kind and class."""

from __future__ import annotations

from typing import NamedTuple

from graphlabel.annotation import Annotations, FeatureClass, Origin
from graphlabel.graph import NodeKey, NodeKind


class Look(NamedTuple):
    """A node's glyph, the role that colours it, and what it means."""

    glyph: str
    role: str
    name: str
    meaning: str


LOOKS = {
    "input": Look(
        "▼", "input", "input", "the tokens at and just before the peak are alike (token counter)"
    ),
    "output": Look(
        "▲", "output", "output", "the tokens just after the peak are alike (token counter)"
    ),
    "cross": Look(
        "◆", "cross", "cross", "neither side alone, but the whole window is alike (a model labels)"
    ),
    "obscure": Look("○", "obscure", "obscure", "nothing is alike; a person must look"),
    "unrouted": Look("●", "unrouted", "feature", "a feature that has not been routed yet"),
    "error": Look("·", "error", "error", "what the transcoders do not explain"),
    "token": Look("■", "token", "token", "a token of the prompt"),
    "logit": Look("★", "logit", "logit", "a next token the model considers"),
    "other": Look("▪", "unrouted", "other", "a kind of node only another tool knows"),
}
"""Every look by name, in the order of the legend."""

TRUST_DOTS = 5


def look_of(key: NodeKey, annotations: Annotations) -> Look:
    """How a node looks."""
    if key.kind is not NodeKind.FEATURE:
        return LOOKS[key.kind.value]
    routing = annotations.routing_of(key)
    return LOOKS[routing.feature_class.value if routing else "unrouted"]


def look_of_class(feature_class: FeatureClass) -> Look:
    """How features of a class look."""
    return LOOKS[feature_class.value]


def dots(score: float) -> str:
    """A score from 0 to 1 as filled and empty dots."""
    filled = max(0, min(TRUST_DOTS, round(score * TRUST_DOTS)))
    return "●" * filled + "○" * (TRUST_DOTS - filled)


def bar(share: float, width: int) -> str:
    """A share from 0 to 1 as a filled bar."""
    filled = max(0, min(width, round(share * width)))
    return "▕" + "█" * filled + "░" * (width - filled) + "▏"


METHODS = {"token_count": "token counter", "counter": "token counter"}
"""What label methods are called in words."""


def maker_of(origin: Origin, author: str, method: str, me: str) -> str:
    """Who made a label, in a word or two."""
    if origin is Origin.PERSON:
        return "you" if author == me or not author else author
    if origin is Origin.FILE:
        return "from the file"
    return METHODS.get(method, method.replace("_", " ")) or author or "a machine"
