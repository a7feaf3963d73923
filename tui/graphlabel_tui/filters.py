"""The filter language of the node table: words and ``field:value`` terms that must all hold."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable

from graphlabel.annotation import Annotations, Review
from graphlabel.graph import Node, NodeKey
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.wording import name_of

Test = Callable[[int], bool]

COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_COMPARISON = re.compile(r"^(trust|influence|activation)(<=|>=|<|>)([\d.]+)$")
_RANGE = re.compile(r"^(\d+)(?:-(\d+))?$")
TIERS = {"1": ("input", "output"), "2": ("cross",), "3": ("obscure",)}

HINT = "words · tier:2 class:output kind:error layer:2-5 @token unlabelled pinned trust<0.6"
"""The language in one line."""


class NodeFilter:
    """Decides which nodes a query lets through."""

    def __init__(
        self,
        query: str,
        nodes: tuple[Node, ...],
        annotations: Annotations,
        texts: Callable[[int], str],
        influence: Callable[[int], float | None],
    ) -> None:
        """``texts`` gives a node's searchable text (case-folded) by its place."""
        self._nodes = nodes
        self._annotations = annotations
        self._texts = texts
        self._influence = influence
        self._pinned = frozenset(annotations.pinned)
        self._tests = [self._test(term) for term in query.casefold().split()]

    def __call__(self, place: int) -> bool:
        """Whether the node at a place passes every term."""
        return all(test(place) for test in self._tests)

    def _test(self, term: str) -> Test:
        compared = _COMPARISON.match(term)
        if compared:
            return self._compare(*compared.groups())
        field, colon, value = term.partition(":")
        if colon and field in ("tier", "class", "kind", "layer", "by") and value:
            return self._field(field, value)
        if term in ("unlabelled", "unlabeled"):
            return lambda place: not self._labelled(place)
        if term in ("labelled", "labeled"):
            return self._labelled
        if term == "pinned":
            return lambda place: self._nodes[place].key in self._pinned
        if term in ("accepted", "rejected"):
            review = Review(term)
            return lambda place: self._annotations.reviews.get(self._key(place)) is review
        if term.startswith("@") and len(term) > 1:
            return lambda place: self._nodes[place].text.strip().casefold() == term[1:]
        return lambda place: term in self._texts(place)

    def _field(self, field: str, value: str) -> Test:
        if field == "layer":
            found = _RANGE.match(value)
            if not found:
                return lambda _place: False
            low, high = int(found[1]), int(found[2] or found[1])
            return lambda place: low <= self._key(place).layer <= high
        if field == "kind":
            return lambda place: self._key(place).kind.value.startswith(value)
        if field == "by":
            return lambda place: self._made_by(place, value)
        names = TIERS.get(value) or (value,)
        return lambda place: look_of(self._key(place), self._annotations).name in names

    def _compare(self, field: str, sign: str, bound: str) -> Test:
        try:
            limit = float(bound)
        except ValueError:
            return lambda _place: False
        holds = COMPARISONS[sign]

        def test(place: int) -> bool:
            value = self._value(field, place)
            return value is not None and bool(holds(value, limit))

        return test

    def _value(self, field: str, place: int) -> float | None:
        if field == "influence":
            return self._influence(place)
        if field == "activation":
            return self._nodes[place].activation
        label = self._annotations.label_of(self._key(place))
        return label.provenance.score if label else None

    def _made_by(self, place: int, value: str) -> bool:
        label = self._annotations.label_of(self._key(place))
        return label is not None and label.provenance.origin.value.startswith(value)

    def _labelled(self, place: int) -> bool:
        return not self._nodes[place].is_feature or (
            self._annotations.label_of(self._key(place)) is not None
        )

    def _key(self, place: int) -> NodeKey:
        return self._nodes[place].key


def searchable(node: Node, annotations: Annotations, node_id: str, shown: str) -> str:
    """Everything a word may match in a node: label, note, token, what and where it is, its id."""
    parts = (
        name_of(node, annotations), annotations.notes.get(node.key, ""),
        node.text, shown, node_id,
    )  # fmt: skip
    return "\n".join(parts).casefold()
