"""What a scorer is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, runtime_checkable

from graphlabel.scoring.outcome import LabelTest, Score

Report = Callable[[int, int], None]
"""Told how many of how many pieces of work are done."""


def no_report(_done: int, _total: int) -> None:
    """Report nothing."""


@runtime_checkable
class Scorer(Protocol):
    """Measures what labels are worth."""

    @property
    def name(self) -> str:
        """The scorer's name, kept with every score it makes."""
        ...

    @property
    def measure(self) -> str:
        """What its value is, such as balanced accuracy."""
        ...

    @property
    def label_free(self) -> bool:
        """Whether it judges the feature itself, whatever its label."""
        ...

    def score(self, tests: Sequence[LabelTest], report: Report = no_report) -> list[Score]:
        """A score for every test, in order; those it cannot measure have no value and say why."""
        ...
