"""The protocol's settings and their defaults."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class RawSettings:
    """The raw rule."""

    tau: float = 0.5
    input: Window = AT_AND_BEFORE
    output: Window = JUST_AFTER
    cross: Window = AROUND
    n: int = 10
    """Top examples per feature."""
    weighted: bool = False
    """Whether the activation-weighted score decides."""


@dataclass(frozen=True, slots=True)
class CalibratedSettings:
    """The calibrated rule."""

    theta: float = 0.4
    """The effect that input and output features must reach."""
    cross_floor: float = 0.4
    """The effect that cross features must reach."""
    false_discovery_rate: float = 0.05
    input: tuple[Window, ...] = (Window(0, 0), Window(-1, 0), Window(-2, 0))
    output: tuple[Window, ...] = (Window(1, 1), Window(1, 2), Window(1, 3))
    cross: tuple[Window, ...] = (AROUND,)
    n: int = 10
    weighted: bool = False
    draws: int = 100_000
    max_features: int = 1_000
    """At most so many features, drawn by seed, make a calibration."""
    seed: int = 0

    @property
    def sides(self) -> dict[str, tuple[Window, ...]]:
        """The nested windows of each side."""
        return {"input": self.input, "output": self.output, "cross": self.cross}

    @property
    def windows(self) -> tuple[Window, ...]:
        """All windows."""
        return self.input + self.output + self.cross
