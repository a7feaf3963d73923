"""What speaks for a class where windows are little alike: that the feature fires wherever it could.

Sentence encoders do not see grammar, nor that a list of names belongs together. A feature of such
tokens has windows hardly more alike than chance, but fires wherever its tokens stand; one of what
comes next fires wherever that comes next. None of this is asked of windows below chance.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from graphlabel.annotation import WindowScore
from graphlabel.protocol.decision import Case, reaches

ABOVE_CHANCE = 0.05
"""Windows with a smaller effect are not more alike than chance."""


@dataclass(frozen=True, slots=True)
class Places:
    """Places in a feature's excerpts that share a side's tokens with its strong examples."""

    fired: int
    n: int
    kinds: float = 0.0
    """Different tokens that its strong examples have on that side, by example."""

    @property
    def share(self) -> float:
        """The share that the feature fires on, one more place counted as fired on: 1 without any.

        The one more stands for the examples themselves, so that few places say little.
        """
        return (self.fired + 1) / (self.n + 1)

    def at_least(self, share: float, n: int) -> bool:
        """Whether it fires on such a share of enough places."""
        return self.n >= n and self.share >= share


def says_what_follows(case: Case, found: Mapping[str, Places]) -> bool:
    """Whether it fires before its next tokens wherever they stand: an output candidate."""
    return above_chance(case.scores["output"]) and found["output"].at_least(0.8, 20)


def tokens_decide(case: Case, found: Mapping[str, Places], cross_floor: float) -> bool:
    """Whether it fires wherever its tokens stand: input rather than cross, or than obscure.

    What would be cross must do so at many more places than its examples: there is no passage that
    it needs. What would be obscure must do so at many different tokens: an odd token or two that it
    always fires at are no kind of token.
    """
    at = found["input"]
    if not above_chance(case.scores["input"]):
        return False
    if reaches(case.values["cross"], cross_floor):
        return at.at_least(0.9, 40)
    return at.at_least(0.7, 10) and at.kinds >= 0.5


def above_chance(score: WindowScore | None) -> bool:
    """Whether a calibrated window is more alike than chance at all."""
    return score is not None and (score.effect or 0.0) >= ABOVE_CHANCE
