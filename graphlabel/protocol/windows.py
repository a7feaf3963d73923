"""Windows of tokens around an example's peak."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from graphlabel.records import ActivationExample, FeatureRecord

SAME_RADIUS = 8
"""Two examples are copies when the ±8 tokens around their peaks are the same."""


class Window(NamedTuple):
    """Offsets from the peak, both inclusive."""

    start: int
    stop: int

    def __str__(self) -> str:
        return f"[{self.start}, {self.stop}]"


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples a feature is judged by."""

    chosen: tuple[ActivationExample, ...]
    """By falling peak activation."""
    copies: int
    """How many were left out because they repeat another."""

    def texts(self, window: Window) -> tuple[str | None, ...]:
        """Each example's window joined to text; None where it holds no token."""
        joined = ("".join(example.window(*window)) for example in self.chosen)
        return tuple(text or None for text in joined)

    @property
    def weights(self) -> tuple[float, ...]:
        """Peak activations as shares of the strongest one."""
        peaks = [example.peak_activation for example in self.chosen]
        highest = max(peaks, default=0.0)
        return tuple(peak / highest if highest > 0 else 1.0 for peak in peaks)


def judged_examples(record: FeatureRecord, n: int) -> Examples:
    """The n top-activating examples without copies and without those that do not fire."""
    chosen: list[ActivationExample] = []
    seen: set[tuple[str, ...]] = set()
    copies = 0
    for example in record.top_examples:
        if example.peak_activation <= 0:
            continue
        around = (*example.window(-SAME_RADIUS, -1), "\0", *example.window(0, SAME_RADIUS))
        if around in seen:
            copies += 1
            continue
        seen.add(around)
        chosen.append(example)
        if len(chosen) == n:
            break
    return Examples(tuple(chosen), copies)


def most_common(texts: Sequence[str | None]) -> tuple[str, int]:
    """The most frequent text, case- and space-folded for counting, and how often it stands."""
    counts: dict[str, list[str]] = {}
    for text in texts:
        if text is not None:
            counts.setdefault(text.strip().casefold(), []).append(text.strip())
    if not counts:
        return "", 0
    best = max(counts.values(), key=len)
    return best[0], len(best)
