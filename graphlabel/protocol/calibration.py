"""A calibration: what each window's score means for one encoder and source of features."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np

from graphlabel.annotation import WindowScore
from graphlabel.errors import CalibrationError
from graphlabel.protocol.correlation import Correlation
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.settings import CalibratedSettings, same_calibration
from graphlabel.protocol.windows import Window

QUANTILES = (0.10, 0.25, 0.50, 0.75, 0.90)
"""The quantiles of the features' own scores that a calibration keeps."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """Null distributions by window and count, and the cut-offs fixed from them."""

    encoder: str
    encoder_revision: str
    settings: CalibratedSettings
    source: str
    """Which transcoder set's features it was made from."""
    n_features: int
    nulls: Mapping[tuple[Window, int], NullTable]
    """By window and number of usable windows."""
    min_p: Mapping[tuple[str, int], NullTable]
    """By side: the distribution of −log10 of the smallest p of its nested windows."""
    q95: Mapping[Window, float]
    """The 95th percentile of the score over the calibration's own features."""
    cutoffs: Mapping[str, float] = field(default_factory=dict)
    """By side: the p up to which Benjamini-Hochberg passes, over the calibration's features."""
    quantiles: Mapping[Window, tuple[float, ...]] = field(default_factory=dict)
    """The score's 10, 25, 50, 75 and 90 % quantiles over the calibration's own features."""
    version: str = ""
    """The graphlabel that made it."""
    time: str = ""
    """When: UTC, ISO 8601, to the second."""

    def check_encoder(self, name: str, revision: str) -> None:
        """Raise CalibrationError when the calibration was made with another encoder."""
        if (self.encoder, self.encoder_revision) != (name, revision):
            raise CalibrationError(
                f"the calibration was made with {self.encoder} {self.encoder_revision}, the "
                f"encoder is {name} {revision}; calibrate again or use the same encoder"
            )

    def deciding(self, settings: CalibratedSettings) -> Calibration:
        """The calibration with other thresholds and extensions.

        Raises CalibrationError when the settings need other nulls or cut-offs.
        """
        if not same_calibration(self.settings, settings):
            raise CalibrationError(
                "the calibration was made with other windows, examples or draws; calibrate again "
                "with the settings you route with, or leave them out"
            )
        return replace(self, settings=settings)

    def side_score(
        self, side: str, scores: Mapping[Window, Correlation | None]
    ) -> WindowScore | None:
        """The score of a side: its nested window with the smallest p, corrected for the choice.

        None when no window of the side holds enough tokens.
        """
        weighted = self.settings.weighted
        candidates: list[tuple[float, float, Window, Correlation]] = []
        for window in self.settings.sides[side]:
            found = scores.get(window)
            if found is None:
                continue
            value = found.weighted if weighted else found.s
            null = self.nulls[window, found.n]
            spread = self.q95[window] - null.mean
            effect = (value - null.mean) / spread if spread > 1e-9 else 0.0
            candidates.append((null.p_value(value), -effect, window, found))
        if not candidates:
            return None
        p, negative_effect, window, found = min(candidates, key=lambda each: each[:2])
        usable = max(candidate[3].n for candidate in candidates)
        joint = self.min_p[side, usable].p_value(-np.log10(p)) if len(candidates) > 1 else p
        null = self.nulls[window, found.n]
        value = found.weighted if weighted else found.s
        return WindowScore(
            s=found.s,
            weighted=found.weighted,
            n=found.n,
            window=(window.start, window.stop),
            p=joint,
            effect=-negative_effect,
            z=(value - null.mean) / null.deviation if null.deviation > 1e-9 else 0.0,
        )

    def passes(self, side: str, score: WindowScore | None) -> bool:
        """Whether a side's score is above chance by the calibration's own cut-off."""
        return score is not None and score.p is not None and score.p <= self.cutoffs[side]

    def floor(self, side: str) -> float:
        """The effect that a side must reach: θ, or the floor of cross."""
        return self.settings.cross_floor if side == "cross" else self.settings.theta

    def value(self, side: str, score: WindowScore | None) -> float:
        """What the calibrated rule compares: the effect; −∞ where a side does not pass."""
        if score is None or score.effect is None or not self.passes(side, score):
            return float("-inf")
        return score.effect
