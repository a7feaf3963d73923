"""How far a node's label can be trusted, and how urgently it wants a look."""

from __future__ import annotations

from graphlabel.annotation import Annotations, Origin, Review
from graphlabel.graph import NodeKey

UNKNOWN = 0.5
"""What a label counts for when nothing says how good it is."""


def trust_of(key: NodeKey, annotations: Annotations) -> float | None:
    """Trust in a node's label, 0 to 1; None without a label, or where nobody scored it.

    A decision of a person settles it; a person's own label needs none.
    """
    label = annotations.label_of(key)
    if label is None:
        return None
    review = annotations.reviews.get(key)
    if review is not None:
        return 1.0 if review is Review.ACCEPTED else 0.0
    return 1.0 if label.provenance.origin is Origin.PERSON else label.provenance.score


def urgency(key: NodeKey, influence: float | None, annotations: Annotations) -> float:
    """(1 − trust) × (1 − influence), 0 to 1: least trusted × most influential.

    ``influence`` is the cumulative share, which is low for the most influential nodes. No label is
    no trust, an unscored label half; a node of unknown influence is the least urgent.
    """
    trust = 0.0
    if annotations.label_of(key) is not None:
        known = trust_of(key, annotations)
        trust = UNKNOWN if known is None else known
    return (1.0 - trust) * (1.0 - min(1.0, 1.0 if influence is None else influence))
