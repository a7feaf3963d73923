"""Which features need a look, and in which order."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import NamedTuple

from graphlabel.annotation import Annotations, FeatureClass, Origin, Review, needs_attention
from graphlabel.graph import AttributionGraph, NodeKey, NodeKind


class Stage(IntEnum):
    """Why a feature needs a look, the most urgent reason first."""

    OBSCURE = 0
    """Obscure, and nobody has named it."""
    UNNAMED = 1
    """Without a label, or with one that was rejected."""
    UNACCEPTED = 2
    """Labelled, and nobody has accepted it; a person's own label needs no acceptance."""


class Waiting(NamedTuple):
    """A feature in the queue; sorts the most urgent first."""

    stage: Stage
    calm: float
    """Minus the influence that rests on a label that is not to be trusted."""
    place: int


START = Waiting(Stage.OBSCURE, -1.0, -1)
"""Before everything that waits."""


def review_queue(
    graph: AttributionGraph, influence: tuple[float | None, ...], annotations: Annotations
) -> list[Waiting]:
    """Features that need a look: obscure ones, then least trusted × most influential."""
    need = needs_attention(graph, annotations, influence)
    queue = []
    for place in graph.places(NodeKind.FEATURE):
        key = graph.nodes[place].key
        stage = stage_of(key, annotations)
        if stage is not None:
            queue.append(Waiting(stage, -float(need[place]), place))
    return sorted(queue)


def stage_of(key: NodeKey, annotations: Annotations) -> Stage | None:
    """Why a feature needs a look; None when it needs none."""
    label = annotations.label_of(key)
    review = annotations.reviews.get(key)
    if label is None:
        routing = annotations.routing_of(key)
        obscure = routing is not None and routing.feature_class is FeatureClass.OBSCURE
        return Stage.OBSCURE if obscure else Stage.UNNAMED
    if review is Review.REJECTED:
        return Stage.UNNAMED
    accepted = review is Review.ACCEPTED or label.provenance.origin is Origin.PERSON
    return None if accepted else Stage.UNACCEPTED


class Outcome(StrEnum):
    """What became of a feature under review."""

    ACCEPTED = "accepted"
    NAMED = "named"
    REJECTED = "rejected"
    SKIPPED = "skipped"
    SETTLED = "settled meanwhile"
    """Another edit took it out of the queue before its turn came."""


@dataclass
class ReviewRun:
    """Going through a queue once, from its front to its end."""

    queue: tuple[Waiting, ...]
    outcomes: list[Outcome] = field(default_factory=list)
    """Of the features already passed, in the queue's order."""

    @property
    def current(self) -> Waiting | None:
        """What is under review; None at the end."""
        return self.queue[len(self.outcomes)] if len(self.outcomes) < len(self.queue) else None

    def settle(self, outcome: Outcome) -> None:
        """Go on to the next."""
        if self.current is not None:
            self.outcomes.append(outcome)

    def counts(self) -> Counter[Outcome]:
        """How often each outcome came."""
        return Counter(self.outcomes)

    def summary(self) -> str:
        """What came of it, in words."""
        counts = self.counts()
        parts = [f"{counts[each]} {each}" for each in Outcome if counts[each]]
        return ", ".join(parts) or "nothing decided"
