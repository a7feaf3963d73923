"""Excerpts: the pieces of text that labels are tested on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphlabel.records import ActivationExample

RADIUS = 16
"""Tokens on each side of the token an example was drawn for."""
RUN = 12
"""Texts that share so many consecutive tokens are not independent."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A piece of an example, without special tokens."""

    tokens: tuple[str, ...]
    activations: tuple[float, ...]
    """Of the feature the example belongs to, at each token."""
    source: ActivationExample
    """The whole example it was cut from."""

    @property
    def text(self) -> str:
        """The tokens as text."""
        return "".join(self.tokens)

    @property
    def peak_activation(self) -> float:
        """The largest activation."""
        return max(self.activations, default=0.0)


def cut_excerpt(example: ActivationExample, radius: int = RADIUS) -> Excerpt:
    """The tokens around the one an example was drawn for, without special ones.

    Raises EvidenceError for an example of special tokens alone.
    """
    focus = example.peak if example.sampled is None else example.sampled
    places = [
        place
        for place in range(max(focus - radius, 0), min(focus + radius + 1, len(example.tokens)))
        if place not in example.special
    ]
    return Excerpt(
        tuple(example.tokens[place] for place in places),
        tuple(example.activations[place] for place in places),
        example,
    )


def runs(excerpt: Excerpt, length: int = RUN) -> frozenset[tuple[str, ...]]:
    """Every run of so many tokens, spaces and case folded; a shorter text is one run."""
    folded = [token.strip().casefold() for token in excerpt.tokens]
    last = max(len(folded) - length, 0)
    return frozenset(tuple(folded[i : i + length]) for i in range(last + 1))


def without_overlap(
    excerpts: Iterable[Excerpt], seen: Sequence[Excerpt] = (), run: int = RUN
) -> list[Excerpt]:
    """The excerpts that share no run of tokens with those seen or with an earlier one."""
    taken = {each for excerpt in seen for each in runs(excerpt, run)}
    kept = []
    for excerpt in excerpts:
        mine = runs(excerpt, run)
        if mine.isdisjoint(taken):
            kept.append(excerpt)
            taken |= mine
    return kept
