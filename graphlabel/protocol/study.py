"""Trying many settings on the same features without embedding a window twice.

    bank = ScoreBank(records, encoder)
    for tau in (0.3, 0.4, 0.5):
        classes = bank.classes(RawSettings(tau=tau, n=5))

Scores are kept for every window, choice of examples and weighting the first time they are needed;
thresholds are then tried at no cost. Classes are those of ``route_raw`` and ``route_calibrated``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float32

from graphlabel.annotation import FeatureClass
from graphlabel.embedding import Encoder
from graphlabel.graph import FeatureKey
from graphlabel.protocol.calibrate import calibrate
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.decision import Extension, classify, consider
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.routing import (
    calibrated_case,
    calibrated_class,
    raw_case,
    raw_value,
    window_score,
)
from graphlabel.protocol.scoring import ScoredFeature, score_examples
from graphlabel.protocol.settings import CalibratedSettings, ExampleSettings, RawSettings
from graphlabel.protocol.windows import Window
from graphlabel.records import FeatureRecord

Settings = RawSettings | CalibratedSettings


class Remembering:
    """An encoder that keeps every vector it has made."""

    def __init__(self, encoder: Encoder) -> None:
        """Remember for this encoder."""
        self._encoder = encoder
        self._vectors: dict[str, np.ndarray] = {}
        self._unknown: dict[str, bool] = {}

    @property
    def name(self) -> str:
        """The encoder's name."""
        return self._encoder.name

    @property
    def revision(self) -> str:
        """Which weights."""
        return self._encoder.revision

    def encode(self, texts: Sequence[str]) -> Float32[np.ndarray, "texts d"]:
        """A unit vector for every text; each is encoded once."""
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        if new or not texts:
            made = self._encoder.encode(new)
            if not texts:
                return made
            self._vectors.update(zip(new, made, strict=True))
        return np.stack([self._vectors[text] for text in texts])

    def has_unknown(self, text: str) -> bool:
        """Whether the encoder has no token for something in the text, or none for all of it."""
        if text not in self._unknown:
            self._unknown[text] = self._encoder.has_unknown(text)
        return self._unknown[text]


class ScoreBank:
    """Features whose scores are made once and judged by many settings."""

    def __init__(
        self,
        records: Sequence[FeatureRecord],
        encoder: Encoder,
        *,
        calibrate_on: Sequence[FeatureRecord] | None = None,
        extensions: Callable[[Settings, Encoder], Sequence[Extension]] = lambda *_: (),
    ) -> None:
        """Judge ``records``; calibrations are made on ``calibrate_on``, or on the same.

        ``extensions`` makes the extensions that some settings switch on.
        """
        self.encoder = Remembering(encoder)
        self._records = {record.key: record for record in records}
        self._calibrate_on = records if calibrate_on is None else calibrate_on
        self._extensions = extensions
        self._scored: dict[ExampleSettings, dict[Window, dict[FeatureKey, ScoredFeature]]] = {}
        self._calibrations: dict[CalibratedSettings, Calibration] = {}

    def scored(
        self, settings: Settings, windows: Sequence[Window]
    ) -> dict[FeatureKey, ScoredFeature]:
        """Every feature's scores in some windows, both weightings."""
        shelf = self._scored.setdefault(_example_settings(settings), {})
        missing = [window for window in windows if window not in shelf]
        if missing:
            examples = {key: judged_examples(each, settings) for key, each in self._records.items()}
            for window in missing:
                shelf[window] = score_examples(examples, [window], self.encoder)
        return {key: _joined([shelf[window][key] for window in windows]) for key in self._records}

    def calibration(self, settings: CalibratedSettings) -> Calibration:
        """The calibration that ``calibrate`` would make; nulls are drawn once for all thresholds.

        Raises CalibrationError when there are too few features.
        """
        plain = CalibratedSettings()
        lasting = replace(
            settings, theta=plain.theta, cross_floor=plain.cross_floor, matched_null=False,
            logit_agreement=False, selectivity=plain.selectivity, support=plain.support,
        )  # fmt: skip
        if lasting not in self._calibrations:
            made = calibrate(self._calibrate_on, self.encoder, lasting)
            self._calibrations[lasting] = made
        return self._calibrations[lasting].deciding(settings)

    def classes(self, settings: Settings) -> dict[FeatureKey, FeatureClass]:
        """The class of every feature under some settings."""
        extensions = self._extensions(settings, self.encoder)
        if isinstance(settings, RawSettings):
            return self._raw(settings, extensions)
        calibration = self.calibration(settings)
        scored = self.scored(settings, settings.windows)
        return {
            key: calibrated_class(
                consider(
                    calibrated_case(self._records[key], feature, calibration), extensions
                ).case,
                calibration,
            )
            for key, feature in scored.items()
        }

    def _raw(
        self, settings: RawSettings, extensions: Sequence[Extension]
    ) -> dict[FeatureKey, FeatureClass]:
        (cross,) = settings.sides["cross"]
        classes = {}
        for key, feature in self.scored(settings, settings.windows).items():
            case = consider(raw_case(self._records[key], feature, settings), extensions).case
            value = raw_value(window_score(feature.scores[cross], cross), settings)
            classes[key] = classify(case, value, settings.tau)
        return classes


def _example_settings(settings: Settings) -> ExampleSettings:
    return ExampleSettings(
        n=settings.n, examples=settings.examples, whole_words=settings.whole_words
    )


def _joined(parts: Sequence[ScoredFeature]) -> ScoredFeature:
    scores = {window: score for part in parts for window, score in part.scores.items()}
    empty = {window: count for part in parts for window, count in part.empty.items()}
    return ScoredFeature(parts[0].examples, scores, empty)
