"""How a feature was routed: its class, its tier, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum


class FeatureClass(StrEnum):
    """The four classes of feature of the protocol."""

    INPUT = "input"
    """The tokens at and just before the peak are alike."""
    OUTPUT = "output"
    """The tokens just after the peak are alike."""
    CROSS = "cross"
    """Neither side alone, but the whole window is alike."""
    OBSCURE = "obscure"
    """Nothing is alike; a person must look."""

    @property
    def tier(self) -> Tier:
        """Who labels features of this class."""
        return _TIERS[self]


class Tier(IntEnum):
    """Who labels a feature."""

    COUNTER = 1
    """A token counter (or a small LLM)."""
    MODEL = 2
    """A frontier LLM with a standard auto-interpretability method."""
    PERSON = 3
    """A person."""


_TIERS = {
    FeatureClass.INPUT: Tier.COUNTER,
    FeatureClass.OUTPUT: Tier.COUNTER,
    FeatureClass.CROSS: Tier.MODEL,
    FeatureClass.OBSCURE: Tier.PERSON,
}


@dataclass(frozen=True, slots=True)
class WindowScore:
    """The correlation score of one window, both ways, beside chance."""

    s: float
    """Unweighted mean pairwise cosine, in [-1/(n-1), 1]."""
    weighted: float
    """The same with pairs weighted by the product of their peak activations."""
    n: int
    """How many windows took part."""
    window: tuple[int, int] = (0, 0)
    """First and last offset from the peak, both inclusive."""
    p: float | None = None
    """Share of unrelated windows at least as alike; None under the raw rule."""
    effect: float | None = None
    """0 = as alike as chance, 1 = as the most alike features get; None under the raw rule."""
    z: float | None = None
    """Standard deviations above chance; shown, never used (the null is skewed)."""


@dataclass(frozen=True, slots=True)
class Routing:
    """A feature's class with everything that led to it."""

    feature_class: FeatureClass
    scores: Mapping[str, WindowScore | None]
    """By window name: input, output, cross. None: fewer than two windows held a token."""
    reason: str
    """Why, in words a person can read."""
    settings: Mapping[str, str | float | int | bool | None] = field(default_factory=dict)
    """The rule, thresholds, windows and encoder that produced the scores."""
    notes: tuple[str, ...] = ()
    """What was left out and counted: copies, empty, blank and unknown-token windows."""

    @property
    def tier(self) -> Tier:
        """Who labels the feature."""
        return self.feature_class.tier
