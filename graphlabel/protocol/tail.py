"""The long tail: does what holds for the strongest examples hold for the weaker ones?"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb

import numpy as np

from graphlabel.annotation import FeatureClass, Routing
from graphlabel.embedding import Encoder
from graphlabel.graph import FeatureKey
from graphlabel.protocol.correlation import Correlation
from graphlabel.protocol.judging import Examples
from graphlabel.protocol.scoring import score_examples
from graphlabel.protocol.windows import Window
from graphlabel.records import FeatureRecord, Quantile

SHRINKS = 0.5
"""A label holds only at the top when the lower half keeps less than this share of the top's."""
LEVEL = 0.05
"""… and that difference must be no accident, at this p (Fisher's exact test, one-sided)."""
ONLY_AT_TOP = "holds only at the top"


@dataclass(frozen=True, slots=True)
class Stretch:
    """One stretch of the activation distribution."""

    name: str
    n: int
    """Examples on which the feature fires."""
    score: Correlation | None = None
    """How alike their windows are; None for fewer than two, or where nothing was embedded."""
    holding: int | None = None
    """How many have the label's token in their window; None where there is no label."""

    @property
    def share(self) -> float | None:
        """The share of examples with the label's token in their window."""
        return self.holding / self.n if self.holding is not None and self.n else None


def side_window(routing: Routing) -> Window | None:
    """The window that decided a feature's class; None for obscure features."""
    score = routing.scores.get(routing.feature_class.value)
    if score is None:
        return None
    hole = bool(routing.settings.get("cross_without_peak"))
    hole = hole and routing.feature_class is FeatureClass.CROSS
    return Window(*score.window, without_peak=hole)


def stretch_scores(
    record: FeatureRecord, window: Window, encoder: Encoder, *, whole_words: bool = False
) -> tuple[Stretch, ...]:
    """S of a window within every stretch, top first; copies within a stretch are left in."""
    # every stretch is scored as if it were a feature, so that all are embedded at once
    examples = {
        FeatureKey(place, 0): _examples(quantile, whole_words)
        for place, quantile in enumerate(record.quantiles)
    }
    scored = score_examples(examples, [window], encoder)
    return tuple(
        Stretch(quantile.name, len(found.examples.chosen), found.scores[window])
        for quantile, found in zip(record.quantiles, scored.values(), strict=True)
    )


def label_stretches(record: FeatureRecord, window: Window, label: str) -> tuple[Stretch, ...]:
    """In every stretch, how many examples have one of a label's tokens in their window."""
    parts = label_parts(label)
    stretches = []
    for quantile in record.quantiles:
        examples = _examples(quantile, whole_words=False).chosen
        held = sum(holds(parts, example.window(window.start, window.stop)) for example in examples)
        stretches.append(Stretch(quantile.name, len(examples), holding=held))
    return tuple(stretches)


def label_parts(label: str) -> tuple[str, ...]:
    """What a tier-1 label names: ``say Austin`` names Austin, ``in / at`` names two tokens."""
    named = label.removeprefix("say ").split(" / ")
    return tuple(folded for part in named if (folded := _folded(part)))


def holds(parts: Sequence[str], tokens: Sequence[str]) -> bool:
    """Whether some run of tokens reads as one of a label's parts, case and space folded."""
    count = len(tokens)
    runs = (tokens[i:j] for i in range(count) for j in range(i + 1, count + 1))
    return any(_folded("".join(run)) in parts for run in runs)


def lower_half(stretches: Sequence[Stretch]) -> Sequence[Stretch]:
    """The weaker half of the stretches below the top."""
    below = stretches[1:]
    return below[len(below) // 2 :]


def only_at_top(stretches: Sequence[Stretch]) -> str | None:
    """In words, that a label holds only at the top; None where it holds further or none can tell.

    The top's share of examples with the label's token is compared with that of the lower half of
    the stretches together.
    """
    top, lower = stretches[:1], lower_half(stretches)
    n_top, n_low = sum(each.n for each in top), sum(each.n for each in lower)
    in_top, in_low = (sum(each.holding or 0 for each in part) for part in (top, lower))
    if not n_top or not n_low or in_low / n_low >= SHRINKS * in_top / n_top:
        return None
    if fisher_p(in_top, n_top, in_low, n_low) > LEVEL:
        return None
    return (
        f"{ONLY_AT_TOP}: in {in_top / n_top:.0%} of the top examples, "
        f"{in_low / n_low:.0%} of the lower half"
    )


def fisher_p(in_top: int, n_top: int, in_low: int, n_low: int) -> float:
    """How likely so many of those that hold are in the top by chance (Fisher's exact test)."""
    held, whole = in_top + in_low, n_top + n_low
    ways = range(in_top, min(held, n_top) + 1)
    favourable = sum(comb(n_top, k) * comb(n_low, held - k) for k in ways)
    return favourable / comb(whole, held)


def alike_only_at_top(stretches: Sequence[Stretch], chance: float) -> str | None:
    """In words, that windows are alike only at the top; None where they are alike further down.

    The lower half's mean S, counted from chance, is compared with the top's.
    """
    top, lower = stretches[0].score if stretches else None, []
    for each in lower_half(stretches):
        lower += [each.score.s] if each.score else []
    if top is None or not lower:
        return None
    mean = float(np.mean(lower))
    if mean - chance >= SHRINKS * (top.s - chance):
        return None
    return f"alike only at the top: S {top.s:.2f}, in the lower half {mean:.2f}"


def scores_in_words(stretches: Sequence[Stretch]) -> str:
    """S of every stretch in a line."""
    shown = [f"{each.name} {each.score.s:.2f}" for each in stretches if each.score]
    return "S by stretch: " + (", ".join(shown) or "too few examples")


def _examples(quantile: Quantile, whole_words: bool) -> Examples:
    firing = [each for each in quantile.examples if each.peak_activation > 0]
    return Examples(tuple(firing), whole_words=whole_words)


def _folded(text: str) -> str:
    return " ".join(text.split()).casefold()
