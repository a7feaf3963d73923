"""Two prompts' graphs side by side: the features they share, and what they are called."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from graphlabel.annotation import Annotations
from graphlabel.errors import UsageError
from graphlabel.files.document import GraphDocument
from graphlabel.graph import FeatureKey, Node, NodeKind
from graphlabel.records import TranscoderSet, may_share_features


@dataclass(frozen=True, slots=True)
class Occurrences:
    """A feature in one of the graphs."""

    positions: tuple[int, ...]
    labels: tuple[str, ...]
    """Its labels in this graph, each once, in the nodes' order."""
    influence: float | None
    """The lowest cumulative share of its nodes: low means important."""


@dataclass(frozen=True, slots=True)
class SharedFeature:
    """A feature of both graphs."""

    key: FeatureKey
    left: Occurrences
    right: Occurrences

    @property
    def agree(self) -> bool | None:
        """Whether both call it the same, case and spaces aside; None where one has no label."""
        if not (self.left.labels and self.right.labels):
            return None
        return _plain(self.left.labels) == _plain(self.right.labels)


@dataclass(frozen=True, slots=True)
class Comparison:
    """What two graphs have in common."""

    shared: Sequence[SharedFeature]
    """The most influential first."""
    only_left: int
    """Features of the first graph alone."""
    only_right: int


def compare(left: GraphDocument, right: GraphDocument, *, any_set: bool = False) -> Comparison:
    """The features two graphs share; occurrences of a feature are taken together.

    Raises UsageError when the graphs name different models or transcoders, whose feature 7 is not
    the same one, unless ``any_set``.
    """
    if not any_set:
        _check_sets(left, right)
    first, second = _features(left), _features(right)
    shared = [
        SharedFeature(key, _seen(nodes, left.annotations), _seen(second[key], right.annotations))
        for key, nodes in first.items()
        if key in second
    ]
    shared.sort(key=lambda each: (_rank(each.left) + _rank(each.right), each.key))
    return Comparison(shared, len(first) - len(shared), len(second) - len(shared))


def _check_sets(left: GraphDocument, right: GraphDocument) -> None:
    one, two = left.graph.source, right.graph.source
    if not may_share_features(one, two):
        names = [
            f"{TranscoderSet.of(source) or source.transcoders or source.model}"
            for source in (one, two)
        ]
        raise UsageError(
            f"the graphs are of {names[0]} and of {names[1]}, whose features differ; --any-set "
            "compares them by number all the same"
        )


def _features(document: GraphDocument) -> dict[FeatureKey, list[Node]]:
    found: dict[FeatureKey, list[Node]] = defaultdict(list)
    for place in document.graph.places(NodeKind.FEATURE):
        node = document.graph.nodes[place]
        found[node.key.feature_key].append(node)
    return found


def _seen(nodes: Sequence[Node], annotations: Annotations) -> Occurrences:
    labels = [label.text for node in nodes if (label := annotations.label_of(node.key))]
    shares = [node.influence for node in nodes if node.influence is not None]
    return Occurrences(
        positions=tuple(sorted(node.key.position for node in nodes)),
        labels=tuple(dict.fromkeys(labels)),
        influence=min(shares, default=None),
    )


def _rank(occurrences: Occurrences) -> float:
    return 1.0 if occurrences.influence is None else occurrences.influence


def _plain(labels: Sequence[str]) -> set[str]:
    return {" ".join(label.casefold().split()) for label in labels}
