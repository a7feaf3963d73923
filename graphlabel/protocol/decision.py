"""From what each side is worth to a class: the part that both rules share."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

from graphlabel.annotation import FeatureClass, WindowScore
from graphlabel.protocol.scoring import ScoredFeature
from graphlabel.records import FeatureRecord

NO_CANDIDATE = float("-inf")
SAME = 1e-6
"""Values this close are a tie: scores come from float32 vectors."""


@dataclass(frozen=True, eq=False)
class Case:
    """A feature before the decision between input, output and neither."""

    record: FeatureRecord
    feature: ScoredFeature
    scores: Mapping[str, WindowScore | None]
    """By side."""
    values: Mapping[str, float]
    """What decides: by side S or effect; −∞ for a side that is no candidate."""
    threshold: float
    """τ or θ."""

    @property
    def side(self) -> FeatureClass | None:
        """Input or output if the larger value reaches the threshold; a tie is input."""
        side = "input" if self.values["input"] >= self.values["output"] - SAME else "output"
        return FeatureClass(side) if reaches(self.values[side], self.threshold) else None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What an extension makes of a case."""

    values: Mapping[str, float]
    why: str = ""
    """In words; empty when there is nothing to say."""


@runtime_checkable
class Extension(Protocol):
    """Further evidence on whether a feature is input or output."""

    def __call__(self, case: Case) -> Opinion:
        """The values with this evidence taken into account."""
        ...


@dataclass(frozen=True, eq=False)
class Considered:
    """A case after all extensions."""

    case: Case
    changes: tuple[str, ...] = ()
    """Why the class is another than by the scores alone, in words."""
    notes: tuple[str, ...] = ()
    """What else the extensions have to say."""


def consider(case: Case, extensions: Iterable[Extension]) -> Considered:
    """Let extensions change what the sides are worth, one after the other."""
    changes: list[str] = []
    notes: list[str] = []
    for extension in extensions:
        opinion = extension(case)
        after = replace(case, values=opinion.values)
        if opinion.why:
            (changes if after.side is not case.side else notes).append(opinion.why)
        case = after
    return Considered(case, tuple(changes), tuple(notes))


def classify(case: Case, cross: float, floor: float) -> FeatureClass:
    """Tier 1 if a side reaches its threshold, else cross if that reaches its own, else obscure."""
    if case.side is not None:
        return case.side
    return FeatureClass.CROSS if reaches(cross, floor) else FeatureClass.OBSCURE


def reaches(value: float, threshold: float) -> bool:
    """Whether a candidate's value reaches a threshold."""
    return value > NO_CANDIDATE and value >= threshold - SAME
