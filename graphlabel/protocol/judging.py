"""Which examples a feature is judged by."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import zip_longest

from graphlabel.protocol.settings import ExampleSettings, Strategy
from graphlabel.protocol.windows import Window, surroundings, window_text
from graphlabel.records import ActivationExample, FeatureRecord


@dataclass(frozen=True, slots=True)
class Examples:
    """The examples a feature is judged by."""

    chosen: tuple[ActivationExample, ...]
    """By falling peak activation."""
    copies: int = 0
    """How many were left out because they repeat another."""
    silent: int = 0
    """How many were left out because the feature does not fire on them."""
    broken: int = 0
    """How many the source holds that cannot be read."""
    whole_words: bool = False
    """Whether windows are widened to whole words."""

    def texts(self, window: Window) -> tuple[str | None, ...]:
        """Each example's window joined to text; None where it holds no token."""
        return tuple(
            window_text(example, window, whole_words=self.whole_words) for example in self.chosen
        )

    @property
    def weights(self) -> tuple[float, ...]:
        """Peak activations as shares of the strongest one."""
        peaks = [example.peak_activation for example in self.chosen]
        highest = max(peaks, default=0.0)
        return tuple(peak / highest if highest > 0 else 1.0 for peak in peaks)


def judged_examples(record: FeatureRecord, settings: ExampleSettings) -> Examples:
    """The examples of a feature that its scores are made from.

    At most ``settings.n``, without copies and without those it does not fire on; the strongest, or
    some of every stretch of the activation distribution. An example of a stretch is about the token
    it was drawn for, even where a stronger one stands near. Raises EvidenceError when an example
    holds no token but special ones.
    """
    chosen: list[ActivationExample] = []
    seen: set[tuple[str, ...]] = set()
    copies = silent = 0
    for example in _candidates(record, settings.examples, settings.n):
        if example.peak_activation <= 0:
            silent += 1
            continue
        around = surroundings(example)
        if around in seen:
            copies += 1
            continue
        seen.add(around)
        chosen.append(example)
        if len(chosen) == settings.n:
            break
    ranked = sorted(chosen, key=lambda example: -example.peak_activation)
    return Examples(tuple(ranked), copies, silent, record.dropped, settings.whole_words)


def _candidates(record: FeatureRecord, strategy: Strategy, n: int) -> Iterable[ActivationExample]:
    """Examples in the order in which they are taken."""
    if strategy is Strategy.TOP:
        return record.top_examples
    stretches = [[each.as_drawn() for each in part.examples] for part in record.quantiles[1:]]
    rounds = [each for row in zip_longest(*stretches) for each in row if each is not None]
    if strategy is Strategy.STRONG:
        return _strong(record.top_examples, rounds)
    return rounds or _spread(record.top_examples, n)


def _strong(
    top: Sequence[ActivationExample], rounds: Sequence[ActivationExample]
) -> list[ActivationExample]:
    """Those of at least half the largest activation, then the top ones where these are few."""
    highest = max((example.peak_activation for example in (*top, *rounds)), default=0.0)
    return [*(each for each in rounds if each.peak_activation >= highest / 2), *top]


def _spread(ranked: Sequence[ActivationExample], n: int) -> list[ActivationExample]:
    """All examples, n of them first that are evenly spaced by rank."""
    if not ranked:
        return []
    first = {round(step * (len(ranked) - 1) / max(n - 1, 1)) for step in range(n)}
    order = sorted(range(len(ranked)), key=lambda place: (place not in first, place))
    return [ranked[place] for place in order]
