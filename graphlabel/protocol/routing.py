"""Routing: which of the four classes a feature is, and so who labels it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import fields, replace

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.embedding import Encoder
from graphlabel.graph import FeatureKey
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.correlation import Correlation
from graphlabel.protocol.decision import (
    NO_CANDIDATE,
    Case,
    Considered,
    Extension,
    classify,
    consider,
)
from graphlabel.protocol.reasons import calibrated_reason, notes_of, raw_reason
from graphlabel.protocol.scoring import ScoredFeature, score_examples, score_features
from graphlabel.protocol.settings import CalibratedSettings, RawSettings
from graphlabel.protocol.windows import Window
from graphlabel.records import FeatureRecord

Stated = dict[str, str | float | int | bool | None]
Scores = dict[str, WindowScore | None]
ALIKE_AS_ANY = 0.99
"""From this effect on, a side's windows are as alike as any feature's."""


def route_raw(
    records: Iterable[FeatureRecord],
    encoder: Encoder,
    settings: RawSettings | None = None,
    *,
    extensions: Sequence[Extension] = (),
) -> dict[FeatureKey, Routing]:
    """Route features by one threshold: input or output if either reaches τ, else cross, else
    obscure. The cross score is not computed where it is not needed.
    """
    settings = settings or RawSettings()
    by_key = {record.key: record for record in records}
    sides = (settings.input, settings.output)
    scored = score_features(by_key.values(), sides, encoder, settings)
    considered = {
        key: consider(raw_case(by_key[key], feature, settings), extensions)
        for key, feature in scored.items()
    }
    open_ = {key: scored[key].examples for key, found in considered.items() if not found.case.side}
    crossed = score_examples(open_, settings.sides["cross"], encoder)
    stated = _stated("raw", encoder, settings)
    return {
        key: _raw(found, crossed.get(key), settings, stated) for key, found in considered.items()
    }


def raw_case(record: FeatureRecord, feature: ScoredFeature, settings: RawSettings) -> Case:
    """The case of a feature whose input and output windows are scored."""
    scores = {
        "input": window_score(feature.scores[settings.input], settings.input),
        "output": window_score(feature.scores[settings.output], settings.output),
    }
    values = {side: raw_value(score, settings) for side, score in scores.items()}
    return Case(record, feature, scores, values, settings.tau)


def raw_value(score: WindowScore | None, settings: RawSettings) -> float:
    """What the raw rule compares; −∞ where there is no score."""
    if score is None:
        return NO_CANDIDATE
    return score.weighted if settings.weighted else score.s


def _raw(
    considered: Considered, crossed: ScoredFeature | None, settings: RawSettings, stated: Stated
) -> Routing:
    feature, scores = considered.case.feature, {**considered.case.scores, "cross": None}
    if crossed is not None:
        (window,) = settings.sides["cross"]
        scores["cross"] = window_score(crossed.scores[window], window)
        feature = replace(
            feature,
            scores={**feature.scores, **crossed.scores},
            empty={**feature.empty, **crossed.empty},
        )
    chosen = classify(considered.case, raw_value(scores["cross"], settings), settings.tau)
    reason = raw_reason(chosen, scores, feature, settings, considered.changes)
    return Routing(chosen, scores, reason, stated, (*considered.notes, *notes_of(feature)))


def window_score(found: Correlation | None, window: Window) -> WindowScore | None:
    """A correlation as an uncalibrated score."""
    if found is None:
        return None
    return WindowScore(found.s, found.weighted, found.n, (window.start, window.stop))


def route_calibrated(
    records: Iterable[FeatureRecord],
    encoder: Encoder,
    calibration: Calibration,
    *,
    extensions: Sequence[Extension] = (),
) -> dict[FeatureKey, Routing]:
    """Route features by how far their windows' scores are above chance.

    Tier 1 if the larger of the input and output effects that pass their cut-offs reaches θ; else
    cross if its window passes and reaches its floor; else obscure. Raises CalibrationError when
    the calibration was made with another encoder.
    """
    calibration.check_encoder(encoder.name, encoder.revision)
    settings = calibration.settings
    by_key = {record.key: record for record in records}
    scored = score_features(by_key.values(), settings.windows, encoder, settings)
    stated = _stated("calibrated", encoder, settings) | {
        "calibrated_on": calibration.source,
        "calibration_features": calibration.n_features,
    }
    return {
        key: _calibrated(by_key[key], feature, calibration, extensions, stated)
        for key, feature in scored.items()
    }


def _calibrated(
    record: FeatureRecord,
    feature: ScoredFeature,
    calibration: Calibration,
    extensions: Sequence[Extension],
    stated: Stated,
) -> Routing:
    case = calibrated_case(record, feature, calibration)
    considered = consider(case, extensions)
    chosen = calibrated_class(considered.case, calibration)
    reason = calibrated_reason(chosen, case.scores, feature, calibration, considered.changes)
    return Routing(chosen, case.scores, reason, stated, (*considered.notes, *notes_of(feature)))


def calibrated_case(
    record: FeatureRecord, feature: ScoredFeature, calibration: Calibration
) -> Case:
    """The case of a feature whose windows are all scored.

    A side that does not pass its own cut-off is no candidate, however large its effect: in a window
    where no feature of the source is alike, chance alone makes large effects. Effects of both sides
    from 0.99 on count the same: in a window where few features are alike, very large ones occur.
    """
    sides = calibration.settings.sides
    scores = {side: calibration.side_score(side, feature.scores) for side in sides}
    values = {side: calibration.value(side, score) for side, score in scores.items()}
    capped = {side: min(values[side], ALIKE_AS_ANY) for side in ("input", "output")}
    return Case(record, feature, scores, values | capped, calibration.settings.theta)


def calibrated_class(case: Case, calibration: Calibration) -> FeatureClass:
    """The class under the calibrated rule."""
    return classify(case, case.values["cross"], calibration.settings.cross_floor)


def _stated(rule: str, encoder: Encoder, settings: RawSettings | CalibratedSettings) -> Stated:
    stated: Stated = {
        "rule": rule,
        "encoder": encoder.name,
        "encoder_revision": encoder.revision,
    }
    for each in fields(settings):
        value = getattr(settings, each.name)
        if isinstance(value, Window):
            stated[each.name] = str(value)
        elif isinstance(value, tuple):
            stated[each.name] = " ".join(map(str, value))
        else:
            stated[each.name] = str(value) if isinstance(value, str) else value
    return stated
