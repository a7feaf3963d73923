"""The protocol's settings and their defaults."""

from __future__ import annotations

from dataclasses import dataclass, fields
from enum import StrEnum

from graphlabel.errors import UsageError
from graphlabel.protocol.windows import Window

AT_AND_BEFORE = Window(-1, 0)
JUST_AFTER = Window(1, 2)
AROUND = Window(-8, 8)


class Rule(StrEnum):
    """How scores become classes."""

    CALIBRATED = "calibrated"
    """Scores are compared with those of unrelated windows; the default."""
    RAW = "raw"
    """Scores are compared with one threshold."""


class Strategy(StrEnum):
    """Which examples of a feature are taken."""

    TOP = "top"
    """Those with the largest activations."""
    STRONG = "strong"
    """Some from every stretch of the distribution, of at least half the largest activation."""
    QUANTILES = "quantiles"
    """Some from every stretch of the activation distribution."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ExampleSettings:
    """Which examples and what of them is compared."""

    n: int = 10
    """Examples per feature, at least 2."""
    examples: Strategy = Strategy.TOP
    whole_words: bool = False
    """Whether word pieces at the ends of a window are completed to words."""

    def __post_init__(self) -> None:
        """Refuse settings that make no score; raises UsageError."""
        if self.n < 2:
            raise UsageError(f"n = {self.n} examples make no pair; choose 2 or more")


@dataclass(frozen=True, slots=True, kw_only=True)
class DecisionSettings(ExampleSettings):
    """What both rules share."""

    weighted: bool = False
    """Whether the activation-weighted score decides."""
    cross_without_peak: bool = False
    """Whether cross windows leave the peak token out."""
    matched_null: bool = False
    """Whether output features must beat what follows other occurrences of their peak tokens."""
    logit_agreement: bool = False
    """Whether logits that agree with the next tokens decide between input and output."""
    selectivity: bool = False
    """Whether firing on the same tokens elsewhere decides between input and output."""

    def _cross(self, windows: tuple[Window, ...]) -> tuple[Window, ...]:
        if not self.cross_without_peak:
            return windows
        return tuple(window._replace(without_peak=True) for window in windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class RawSettings(DecisionSettings):
    """The raw rule."""

    tau: float = 0.5
    input: Window = AT_AND_BEFORE
    output: Window = JUST_AFTER
    cross: Window = AROUND

    def __post_init__(self) -> None:
        """Refuse settings that make no score; raises UsageError."""
        ExampleSettings.__post_init__(self)
        _check_windows(self.input, self.output, self.cross)

    @property
    def sides(self) -> dict[str, tuple[Window, ...]]:
        """The window of each side."""
        cross = self._cross((self.cross,))
        return {"input": (self.input,), "output": (self.output,), "cross": cross}

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows."""
        return tuple(window for windows in self.sides.values() for window in windows)


@dataclass(frozen=True, slots=True, kw_only=True)
class CalibratedSettings(DecisionSettings):
    """The calibrated rule. Its defaults are those of docs/studies/routing.md."""

    examples: Strategy = Strategy.STRONG
    selectivity: bool = True
    support: bool = True
    """With selectivity: what fires wherever it could is a candidate in spite of a small effect."""
    theta: float = 0.3
    """The effect that input and output features must reach."""
    cross_floor: float = 0.4
    """The effect that cross features must reach."""
    false_discovery_rate: float = 0.05
    input: tuple[Window, ...] = (Window(0, 0), Window(-1, 0), Window(-2, 0))
    output: tuple[Window, ...] = (Window(1, 1), Window(1, 2), Window(1, 3))
    cross: tuple[Window, ...] = (AROUND,)
    draws: int = 100_000
    min_features: int = 200
    """A source with fewer features makes no calibration."""
    max_features: int = 1_000
    """At most so many features, drawn by seed, make a calibration."""
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse settings that make no score or no null; raises UsageError."""
        ExampleSettings.__post_init__(self)
        if not (self.input and self.output and self.cross):
            raise UsageError("every side needs a window; name at least one for each")
        _check_windows(*self.input, *self.output, *self.cross)
        if not 0 < self.false_discovery_rate < 1:
            raise UsageError("the false discovery rate lies between 0 and 1; choose 0.05 or so")
        if self.draws < 100:
            raise UsageError(f"{self.draws} draws show no chance; choose 100,000 or so")
        if self.min_features < 2 or self.max_features < self.min_features:
            raise UsageError(
                f"a calibration of at least {self.min_features} and at most {self.max_features} "
                "features cannot be made; set --min-features (2 or more) below --max-features"
            )

    @property
    def sides(self) -> dict[str, tuple[Window, ...]]:
        """The nested windows of each side."""
        return {"input": self.input, "output": self.output, "cross": self._cross(self.cross)}

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows."""
        return tuple(window for windows in self.sides.values() for window in windows)


DECIDES_LATER = (
    "theta",
    "cross_floor",
    "matched_null",
    "logit_agreement",
    "selectivity",
    "support",
)
"""Settings that leave a calibration as it is."""


def same_calibration(one: CalibratedSettings, other: CalibratedSettings) -> bool:
    """Whether a calibration made with one serves the other."""
    names = [each.name for each in fields(one) if each.name not in DECIDES_LATER]
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _check_windows(*windows: Window) -> None:
    for window in windows:
        if window.start > window.stop:
            raise UsageError(f"the window {window} ends before it begins; swap its ends")
