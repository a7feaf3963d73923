"""Where tokens occur in a source's examples, whatever feature fires there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from graphlabel.protocol.windows import SAME_RADIUS, surroundings
from graphlabel.records import ActivationExample, FeatureRecord

MOST = 50
"""So many occurrences of a token are kept."""


@dataclass(eq=False)
class Occurrences:
    """For every token up to 50 places where it stands, no two with the same ±8 tokens."""

    places: dict[str, list[ActivationExample]] = field(default_factory=dict)
    """By token: excerpts that "peak" at it."""
    _seen: set[tuple[str, ...]] = field(default_factory=set, repr=False)

    @classmethod
    def of(cls, records: Iterable[FeatureRecord]) -> Occurrences:
        """The occurrences in all examples of some features."""
        found = cls()
        for record in records:
            for quantile in record.quantiles:
                for example in quantile.examples:
                    found.add(example)
        return found

    def add(self, example: ActivationExample) -> None:
        """Take in the tokens of an example."""
        for place, token in enumerate(example.tokens):
            kept = self.places.setdefault(token, [])
            if place in example.special or len(kept) >= MOST:
                continue
            excerpt = excerpt_at(example, place)
            around = surroundings(excerpt)
            if around not in self._seen:
                self._seen.add(around)
                kept.append(excerpt)

    def elsewhere(self, token: str, own: frozenset[tuple[str, ...]]) -> list[ActivationExample]:
        """Occurrences of a token whose surroundings are none of a feature's own."""
        return [each for each in self.places.get(token, ()) if surroundings(each) not in own]


def excerpt_at(example: ActivationExample, place: int) -> ActivationExample:
    """The tokens around a place (±12), with that place as the peak."""
    first = max(place - SAME_RADIUS - 4, 0)
    stop = place + SAME_RADIUS + 5
    tokens = example.tokens[first:stop]
    activations = tuple(float(first + i == place) for i in range(len(tokens)))
    special = frozenset(i - first for i in example.special if first <= i < stop)
    return ActivationExample(tokens, activations, special=special)
