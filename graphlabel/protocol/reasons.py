"""Why a feature was routed as it was, in words a person can read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphlabel.annotation import FeatureClass, WindowScore, clean_label
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.scoring import ScoredFeature
from graphlabel.protocol.settings import RawSettings
from graphlabel.protocol.windows import Window, most_common

Scores = Mapping[str, WindowScore | None]

_WHERE = {
    FeatureClass.INPUT: "the tokens at and just before the peak",
    FeatureClass.OUTPUT: "the tokens just after the peak",
    FeatureClass.CROSS: "the passages around the peak",
}
_PERSON = "a person must look"


def calibrated_reason(
    chosen: FeatureClass,
    scores: Scores,
    feature: ScoredFeature,
    calibration: Calibration,
    changes: Sequence[str] = (),
) -> str:
    """The reason for a class under the calibrated rule."""
    score = scores.get(chosen.value)
    if score is None:
        if not any(scores.values()):
            return _too_few(feature)
        short = [_shortfall(side, scores[side], calibration) for side in scores]
        why = f"nothing is alike enough: {', '.join(short)}; {_PERSON}"
    else:
        why = _alike(chosen, score, feature, calibration.settings)
        if changes and (score.effect or 0.0) < calibration.floor(chosen.value):
            why = why.replace(" are alike", " are little alike", 1)
        why += f", effect {score.effect or 0.0:.2f}, {_p_in_words(score.p)}"
        if chosen is FeatureClass.CROSS:
            sides = [_shortfall(each, scores[each], calibration) for each in ("input", "output")]
            why += f"; neither side alone is: {', '.join(sides)}"
    return "; ".join([why, *changes])


def raw_reason(
    chosen: FeatureClass,
    scores: Scores,
    feature: ScoredFeature,
    settings: RawSettings,
    changes: Sequence[str] = (),
) -> str:
    """The reason for a class under the raw rule."""
    tau = f"τ = {settings.tau:g}"
    score = scores.get(chosen.value)
    if score is None:
        if not any(scores.values()):
            return _too_few(feature)
        why = f"no window reaches {tau} ({_listed(scores, settings)}); {_PERSON}"
    else:
        why = f"{_alike(chosen, score, feature, settings)} ≥ {tau}"
        if chosen is FeatureClass.CROSS:
            sides = {side: scores[side] for side in ("input", "output")}
            why += f"; neither side alone reaches it ({_listed(sides, settings)})"
    return "; ".join([why, *changes])


def _too_few(feature: ScoredFeature) -> str:
    examples = feature.examples
    left_out = [
        f"{count} {what} left out"
        for count, what in (
            (examples.copies, "copies"),
            (examples.silent, "without activation"),
            (examples.broken, "broken"),
        )
        if count
    ]
    aside = f" ({', '.join(left_out)})" if left_out else ""
    if not examples.chosen:
        return f"no example on which it fires{aside}, so nothing can be compared; {_PERSON}"
    if len(examples.chosen) == 1:
        return f"only one example{aside}, so nothing can be compared; {_PERSON}"
    return f"fewer than two windows hold a token, so nothing can be compared; {_PERSON}"


def _alike(
    chosen: FeatureClass,
    score: WindowScore,
    feature: ScoredFeature,
    settings: object,
) -> str:
    hole = chosen is FeatureClass.CROSS and getattr(settings, "cross_without_peak", False)
    window = Window(*score.window, without_peak=hole)
    shown = _example(window, score, feature) if chosen is not FeatureClass.CROSS else ""
    return f"{_WHERE[chosen]} are alike{shown}: {_s(score, settings)} in {window}"


def _s(score: WindowScore, settings: object) -> str:
    weighted = getattr(settings, "weighted", False)
    return f"weighted S {score.weighted:.2f}" if weighted else f"S {score.s:.2f}"


def _shortfall(side: str, score: WindowScore | None, calibration: Calibration) -> str:
    """Why a side does not decide."""
    if score is None:
        return f"{side} has no score"
    effect = score.effect or 0.0
    if not calibration.passes(side, score):
        missed = _missed(side, score, calibration)
        return f"{side} does not pass its cut-off (effect {effect:.2f}, {missed})"
    floor = calibration.floor(side)
    if effect < floor:
        return f"{side} effect {effect:.2f} < {floor:g}"
    return f"{side} effect {effect:.2f} is enough, but other evidence rules it out"


def _missed(side: str, score: WindowScore, calibration: Calibration) -> str:
    """The p-value of a side that does not pass and its cut-off, in digits that tell them apart."""
    if score.p is None:
        return "not calibrated"
    cutoff = calibration.cutoffs[side]
    if cutoff <= 0:
        return f"p = {score.p:.2g}; no feature of the source passes"
    pairs = [(f"{score.p:.{digits}g}", f"{cutoff:.{digits}g}") for digits in (2, 4, 17)]
    p, most = next(pair for pair in pairs if pair[0] != pair[1])
    return f"p = {p} > {most}"


def _listed(scores: Scores, settings: RawSettings) -> str:
    return ", ".join(
        f"{side} {_s(score, settings)}" if score else f"{side} has no score"
        for side, score in scores.items()
    )


def _example(window: Window, score: WindowScore, feature: ScoredFeature) -> str:
    text, count = most_common(feature.examples.texts(window))
    shown = clean_label(text)
    return f" ({count} of {score.n} are “{shown}”)" if count > 1 and shown else ""


def _p_in_words(p: float | None) -> str:
    if p is None:
        return "not calibrated"
    return "p < 0.001 against chance" if p < 0.001 else f"p = {p:.3f} against chance"


def notes_of(feature: ScoredFeature) -> tuple[str, ...]:
    """What was left out or compared differently, counted."""
    notes = []
    if feature.examples.copies:
        notes.append(f"{_counted(feature.examples.copies, 'copy', 'copies')} of examples left out")
    if feature.examples.silent:
        notes.append(f"{_counted(feature.examples.silent, 'example')} without activation left out")
    if feature.examples.broken:
        notes.append(f"{_counted(feature.examples.broken, 'broken example')} left out")
    for window, count in feature.empty.items():
        if count:
            hold = "holds" if count == 1 else "hold"
            notes.append(f"{_counted(count, 'window')} {window} {hold} no token")
    for window, found in feature.scores.items():
        if found is not None and found.literal:
            notes.append(f"{_counted(found.literal, 'window')} {window} compared by equality")
    return tuple(notes)


def _counted(n: int, one: str, many: str = "") -> str:
    return f"{n} {one if n == 1 else many or one + 's'}"
