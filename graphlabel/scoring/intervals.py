"""Means over features with bootstrap intervals."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from graphlabel.graph import FeatureKey
from graphlabel.scoring.outcome import Score

RESAMPLES = 2000
LEVEL = 0.95


@dataclass(frozen=True, slots=True)
class Interval:
    """A mean over features with its 95 % interval."""

    mean: float
    low: float
    """NaN, like ``high``, for a single feature."""
    high: float
    n: int
    """Features."""


def mean_interval(values: Sequence[float], seed: int = 0) -> Interval | None:
    """The mean with a percentile bootstrap interval over features; None without values."""
    if not values:
        return None
    mean = float(np.mean(values))
    if len(values) == 1:
        return Interval(mean, math.nan, math.nan, 1)
    from scipy.stats import bootstrap

    found = bootstrap(
        (np.asarray(values, dtype=np.float64),),
        np.mean,
        n_resamples=RESAMPLES,
        confidence_level=LEVEL,
        method="percentile",
        rng=np.random.default_rng(seed),
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), len(values))


@dataclass(frozen=True, slots=True)
class Summary:
    """What a scorer found over many labels."""

    scorer: str
    value: Interval | None
    """None where nothing could be measured."""
    chance: float
    by_quantile: Mapping[int, Interval] = field(default_factory=dict)
    """The strongest quantile (9) first."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """Sums of counts, means of everything else."""
    unmeasured: int = 0
    """Labels without a value."""
    judged: int = 0
    unparsed: int = 0
    failures: Mapping[str, int] = field(default_factory=dict)
    """Labels with questions that had no answer, by kind."""


COUNTS = ("true_positives", "false_positives", "true_negatives", "false_negatives", "trials")


def summarize(scores: Sequence[Score], seed: int = 0) -> Summary:
    """The mean over the labels of one scorer; raises ValueError for none."""
    if not scores:
        raise ValueError("there are no scores to summarize")
    measured = [each for each in scores if each.value is not None]
    numbers = sorted({n for each in measured for n in each.by_quantile}, reverse=True)
    by_quantile = {}
    for number in numbers:
        values = [each.by_quantile[number] for each in measured if number in each.by_quantile]
        found = mean_interval(values, seed)
        if found is not None:
            by_quantile[number] = found
    kinds = sorted({kind for each in scores for kind in each.failures})
    return Summary(
        scores[0].scorer,
        mean_interval([each.value for each in measured if each.value is not None], seed),
        float(np.mean([each.chance for each in measured or scores])),
        by_quantile,
        _measures(measured),
        len(scores) - len(measured),
        sum(each.judged for each in scores),
        sum(each.unparsed for each in scores),
        {kind: sum(kind in each.failures for each in scores) for kind in kinds},
    )


def _measures(scores: Sequence[Score]) -> dict[str, float]:
    names = dict.fromkeys(name for each in scores for name in each.measures)
    found = {}
    for name in names:
        values = [each.measures[name] for each in scores if name in each.measures]
        found[name] = float(np.sum(values) if name in COUNTS else np.mean(values))
    return found


def paired_difference(
    one: Sequence[Score], other: Sequence[Score], seed: int = 0
) -> Interval | None:
    """The mean difference on the features both have a value for; None where there are none."""
    theirs: dict[FeatureKey, float] = {
        each.key: each.value for each in other if each.value is not None
    }
    differences = [
        each.value - theirs[each.key]
        for each in one
        if each.value is not None and each.key in theirs
    ]
    return mean_interval(differences, seed)
