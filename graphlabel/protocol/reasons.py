"""Why a feature was routed as it was, in words a person can read."""

from __future__ import annotations

from graphlabel.annotation import FeatureClass, WindowScore
from graphlabel.protocol.scoring import ScoredFeature
from graphlabel.protocol.windows import Window, most_common

_WHERE = {
    FeatureClass.INPUT: "the tokens at and just before the peak",
    FeatureClass.OUTPUT: "the tokens just after the peak",
    FeatureClass.CROSS: "the passages around the peak",
}


def calibrated_reason(
    chosen: FeatureClass, scores: dict[str, WindowScore | None], feature: ScoredFeature
) -> str:
    """The reason for a class under the calibrated rule."""
    if chosen is FeatureClass.OBSCURE:
        if not any(scores.values()):
            return "too few examples to compare; a person must look"
        best = max((s.effect or 0.0 for s in scores.values() if s), default=0.0)
        return f"nothing is alike beyond chance (largest effect {best:.2f}); a person must look"
    score = scores[chosen.value]
    assert score is not None, "the rule chose this side by its score"
    return (
        f"{_WHERE[chosen]} are alike{_example(chosen, score, feature)}: "
        f"S {score.s:.2f} in {Window(*score.window)}, effect {score.effect or 0.0:.2f}, "
        f"{_p_in_words(score.p)}"
    )


def raw_reason(
    chosen: FeatureClass,
    scores: dict[str, WindowScore | None],
    feature: ScoredFeature,
    tau: float,
) -> str:
    """The reason for a class under the raw rule."""
    if chosen is FeatureClass.OBSCURE:
        if not any(scores.values()):
            return "too few examples to compare; a person must look"
        best = max((s.s for s in scores.values() if s), default=0.0)
        return f"no window reaches τ = {tau:g} (largest S {best:.2f}); a person must look"
    score = scores[chosen.value]
    assert score is not None, "the rule chose this side by its score"
    return (
        f"{_WHERE[chosen]} are alike{_example(chosen, score, feature)}: "
        f"S {score.s:.2f} in {Window(*score.window)} ≥ τ = {tau:g}"
    )


def _example(chosen: FeatureClass, score: WindowScore, feature: ScoredFeature) -> str:
    if chosen is FeatureClass.CROSS:
        return ""
    texts = feature.examples.texts(Window(*score.window))
    text, count = most_common(texts)
    return f" ({count} of {score.n} are “{text}”)" if count > 1 and text else ""


def _p_in_words(p: float | None) -> str:
    if p is None:
        return "not calibrated"
    return "p < 0.001 against chance" if p < 0.001 else f"p = {p:.3f} against chance"


def notes_of(feature: ScoredFeature) -> tuple[str, ...]:
    """What was left out or compared differently, counted."""
    notes = []
    if feature.examples.copies:
        notes.append(f"{feature.examples.copies} copies of examples left out")
    for window, count in feature.empty.items():
        if count:
            notes.append(f"{count} windows {window} hold no token")
    for window, found in feature.scores.items():
        if found is not None and found.literal:
            notes.append(f"{found.literal} windows {window} compared by equality")
    return tuple(notes)
