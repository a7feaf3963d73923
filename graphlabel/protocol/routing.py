"""Routing: which of the four classes a feature is, and so who labels it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.embedding import Encoder
from graphlabel.graph import FeatureKey
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.correlation import Correlation
from graphlabel.protocol.reasons import calibrated_reason, notes_of, raw_reason
from graphlabel.protocol.scoring import ScoredFeature, score_features
from graphlabel.protocol.settings import CalibratedSettings, RawSettings
from graphlabel.protocol.windows import Window
from graphlabel.records import FeatureRecord

Settings = dict[str, str | float | int | bool | None]


def route_raw(
    records: Iterable[FeatureRecord], encoder: Encoder, settings: RawSettings | None = None
) -> dict[FeatureKey, Routing]:
    """Route features by one threshold: input or output if either reaches τ, else cross, else
    obscure. The cross score is left out where it is not needed.
    """
    settings = settings or RawSettings()
    windows = (settings.input, settings.output, settings.cross)
    scored = score_features(records, windows, encoder, n=settings.n)
    stated = _stated("raw", encoder, settings)
    return {key: _raw(feature, settings, stated) for key, feature in scored.items()}


def _raw(feature: ScoredFeature, settings: RawSettings, stated: Settings) -> Routing:
    def score(window: Window) -> WindowScore | None:
        found = feature.scores[window]
        return None if found is None else _plain(found, window)

    def value(each: WindowScore | None) -> float:
        if each is None:
            return float("-inf")
        return each.weighted if settings.weighted else each.s

    scores: dict[str, WindowScore | None] = {
        "input": score(settings.input),
        "output": score(settings.output),
        "cross": None,
    }
    chosen = FeatureClass.OBSCURE
    if max(value(scores["input"]), value(scores["output"])) >= settings.tau:
        is_input = value(scores["input"]) >= value(scores["output"])
        chosen = FeatureClass.INPUT if is_input else FeatureClass.OUTPUT
    else:
        scores["cross"] = score(settings.cross)
        if value(scores["cross"]) >= settings.tau:
            chosen = FeatureClass.CROSS
    reason = raw_reason(chosen, scores, feature, settings.tau)
    return Routing(chosen, scores, reason, stated, notes_of(feature))


def _plain(found: Correlation, window: Window) -> WindowScore:
    return WindowScore(found.s, found.weighted, found.n, (window.start, window.stop))


def route_calibrated(
    records: Iterable[FeatureRecord], encoder: Encoder, calibration: Calibration
) -> dict[FeatureKey, Routing]:
    """Route features by how far their windows' scores are above chance.

    Tier 1 if the larger of the input and output effects that pass their cut-offs reaches θ; else
    cross if its window passes and reaches its floor; else obscure. Raises CalibrationError when
    the calibration was made with another encoder.
    """
    calibration.check_encoder(encoder.name, encoder.revision)
    settings = calibration.settings
    scored = score_features(records, settings.windows, encoder, n=settings.n)
    stated = _stated("calibrated", encoder, settings) | {"calibrated_on": calibration.source}
    return {key: _calibrated(feature, calibration, stated) for key, feature in scored.items()}


def _calibrated(feature: ScoredFeature, calibration: Calibration, stated: Settings) -> Routing:
    settings = calibration.settings
    scores = {side: calibration.side_score(side, feature.scores) for side in settings.sides}
    chosen = classify(scores, calibration)
    reason = calibrated_reason(chosen, scores, feature)
    return Routing(chosen, scores, reason, stated, notes_of(feature))


def classify(scores: Mapping[str, WindowScore | None], calibration: Calibration) -> FeatureClass:
    """The class of a feature from its calibrated scores.

    A side that does not pass its own cut-off is no candidate, however large its effect: in a window
    where no feature of the source is alike, chance alone makes large effects.
    """

    def effect(side: str) -> float:
        score = scores[side]
        if score is None or score.effect is None or not calibration.passes(side, score):
            return float("-inf")
        return score.effect

    side = "input" if effect("input") >= effect("output") else "output"
    if effect(side) >= calibration.settings.theta:
        return FeatureClass(side)
    if effect("cross") >= calibration.settings.cross_floor:
        return FeatureClass.CROSS
    return FeatureClass.OBSCURE


def _stated(rule: str, encoder: Encoder, settings: RawSettings | CalibratedSettings) -> Settings:
    plain = {
        name: value if isinstance(value, (str, int, float, bool)) else str(value)
        for name, value in msgspec.to_builtins(settings).items()
    }
    stated = {"rule": rule, "encoder": encoder.name, "encoder_revision": encoder.revision}
    return {**stated, **plain}
