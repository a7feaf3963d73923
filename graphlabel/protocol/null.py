"""What chance looks like: scores of windows that have nothing to do with each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

TAIL = 2_000
"""So many of the largest null scores are kept exactly …"""
GRID = 2_000
"""… and so many quantiles of all of them."""
TOLERANCE = 1e-6
"""Null scores this little below a score count as equal to it (float32 rounding)."""


@dataclass(frozen=True, eq=False)
class NullTable:
    """The null distribution of one score, kept compactly."""

    draws: int
    mean: float
    deviation: float
    tail: Float[np.ndarray, " tail"]
    """The largest scores, rising."""
    grid: Float[np.ndarray, " grid"]
    """Quantiles at equal steps from 0 to 1."""

    @classmethod
    def of(cls, scores: Float[np.ndarray, " draws"]) -> NullTable:
        """The table of these draws."""
        ranked = np.sort(scores)
        return cls(
            draws=len(ranked),
            mean=float(ranked.mean()),
            deviation=float(ranked.std()),
            tail=ranked[-TAIL:].astype(np.float32),
            grid=np.quantile(ranked, np.linspace(0, 1, GRID)).astype(np.float32),
        )

    def quantile(self, share: float) -> float:
        """The score that this share of the draws does not exceed."""
        return float(np.interp(share, np.linspace(0, 1, len(self.grid)), self.grid))

    def p_value(self, score: float) -> float:
        """(1 + #{null ≥ score}) / (draws + 1); exact among the largest 2,000, else to 0.05 %."""
        edge = score - TOLERANCE
        if edge >= self.tail[0] or len(self.tail) == self.draws:
            count = float(len(self.tail) - np.searchsorted(self.tail, edge))
        else:
            below = np.interp(edge, self.grid, np.linspace(0, 1, len(self.grid)))
            count = self.draws * float(1 - below)
        return (1 + count) / (self.draws + 1)

    def p_values(self, scores: Float[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
        """P-values of many scores, by the whole distribution's grid."""
        steps = np.linspace(0, 1, len(self.grid))
        above = 1 - np.interp(scores - TOLERANCE, self.grid, steps)
        exact = scores - TOLERANCE >= self.tail[0]
        counts = above * self.draws
        counts[exact] = len(self.tail) - np.searchsorted(self.tail, scores[exact] - TOLERANCE)
        return np.asarray((1 + counts) / (self.draws + 1))
