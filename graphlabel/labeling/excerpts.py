"""The examples a label method shows, cut around their peaks and made safe to show."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from graphlabel.errors import EvidenceError
from graphlabel.llm.quoting import quoted
from graphlabel.records import ActivationExample, FeatureRecord

STEPS = 10
"""Activations are shown as integers from 0 to 10."""


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Part of an example: its tokens as a prompt may hold them, special ones left out."""

    tokens: tuple[str, ...]
    activations: tuple[float, ...]
    """One a token, in the transcoder's own units."""
    peak: int
    """Which token the feature fires on most."""

    @property
    def text(self) -> str:
        """The tokens as running text."""
        return "".join(self.tokens).strip()

    @property
    def peak_token(self) -> str:
        """The token it fires on most."""
        return self.tokens[self.peak].strip() or "␣"

    @property
    def next_token(self) -> str | None:
        """The token after that; None at the end of a text."""
        if self.peak + 1 >= len(self.tokens):
            return None
        return self.tokens[self.peak + 1].strip() or "␣"


def top_excerpts(
    record: FeatureRecord, count: int, *, before: int, after: int
) -> tuple[Excerpt, ...]:
    """The strongest examples, each text once: so many tokens before and after their peaks.

    Raises EvidenceError when the feature fires on none.
    """
    distinct: dict[tuple[str, int], Excerpt] = {}
    for example in firing_examples(record):
        found = excerpt(example, before=before, after=after)
        distinct.setdefault((found.text, found.peak), found)
    return tuple(distinct.values())[:count]


def firing_examples(record: FeatureRecord) -> Sequence[ActivationExample]:
    """The examples on which a feature fires, strongest first; raises EvidenceError without any."""
    firing = [example for example in record.top_examples if example.peak_activation > 0]
    if not firing:
        raise EvidenceError("no example on which the feature fires, so there is nothing to read")
    return firing


def excerpt(example: ActivationExample, *, before: int, after: int) -> Excerpt:
    """An example cut to so many tokens before and after its peak."""
    peak = example.peak
    first, last = max(peak - before, 0), min(peak + after, len(example.tokens) - 1)
    places = [place for place in range(first, last + 1) if place not in example.special]
    return Excerpt(
        tuple(quoted(example.tokens[place]) for place in places),
        tuple(example.activations[place] for place in places),
        places.index(peak),
    )


def strongest(record: FeatureRecord) -> float:
    """The largest activation known of a feature, in the transcoder's own units."""
    peaks = (each.peak_activation for part in record.quantiles for each in part.examples)
    return max((*peaks, record.max_activation or 0.0), default=0.0)


def scaled(activation: float, maximum: float) -> int:
    """An activation as a whole number from 0 (silent or negative) to 10 (the feature's maximum)."""
    if maximum <= 0:
        return 0
    return min(STEPS, math.floor(STEPS * max(activation, 0.0) / maximum))


def raised_logits(record: FeatureRecord, count: int) -> tuple[str, ...]:
    """The tokens whose logits the feature raises most."""
    raised = [each.token for each in record.top_logits if each.value is None or each.value > 0]
    return tuple(quoted(token).strip() or "␣" for token in raised[:count])


def numbered(texts: Sequence[str]) -> list[str]:
    """Texts as the lines of a numbered list."""
    return [f"{number}. {text}" for number, text in enumerate(texts, start=1)]
