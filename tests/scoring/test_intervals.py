"""Means, bootstrap intervals and paired differences."""

from __future__ import annotations

import math

import numpy as np
import pytest

from graphlabel.graph import FeatureKey
from graphlabel.scoring.intervals import mean_interval, paired_difference, summarize
from graphlabel.scoring.outcome import Score


def score(feature: int, value: float | None, **more: object) -> Score:
    return Score(FeatureKey(0, feature), "detection", "a", value, 0.5, **more)  # type: ignore[arg-type]


def test_the_interval_covers_the_mean_about_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    hits = 0
    for trial in range(200):
        found = mean_interval(generator.normal(0.6, 0.2, 40).tolist(), seed=trial)
        assert found is not None
        hits += found.low <= 0.6 <= found.high
    assert 178 <= hits <= 198  # 95 % of 200, percentile intervals a little narrow


def test_equal_values_few_values_and_none() -> None:
    assert mean_interval([]) is None
    one = mean_interval([0.7])
    assert one is not None
    assert (one.mean, one.n, math.isnan(one.low)) == (0.7, 1, True)
    same = mean_interval([0.5] * 8)
    assert same is not None
    assert (same.low, same.mean, same.high) == (0.5, 0.5, 0.5)


def test_a_seed_fixes_the_interval() -> None:
    values = np.random.default_rng(1).random(20).tolist()
    assert mean_interval(values, 3) == mean_interval(values, 3)


def test_summaries_leave_out_what_was_not_measured_and_count_it() -> None:
    scores = [
        score(
            0,
            0.5,
            measures={"true_positives": 3.0, "f1": 0.4},
            by_quantile={9: 1.0, 0: 0.5},
            judged=10,
        ),
        score(
            1,
            1.0,
            measures={"true_positives": 5.0, "f1": 0.8},
            by_quantile={9: 0.5},
            judged=8,
            unparsed=1,
        ),
        score(2, None, failures=("budget",)),
    ]
    found = summarize(scores)
    assert found.value is not None
    assert (found.value.mean, found.value.n, found.unmeasured) == (0.75, 2, 1)
    assert found.measures == {"true_positives": 8, "f1": pytest.approx(0.6)}
    assert list(found.by_quantile) == [9, 0]
    assert (found.by_quantile[9].mean, found.by_quantile[9].n) == (0.75, 2)
    assert (found.judged, found.unparsed, found.failures) == (18, 1, {"budget": 1})


def test_differences_are_paired_by_feature() -> None:
    one = [score(i, 0.5 + 0.1 * i) for i in range(4)]
    other = [score(i, 0.4 + 0.1 * i) for i in range(1, 6)] + [score(0, None)]
    found = paired_difference(one, other)
    assert found is not None
    assert found.n == 3
    assert (found.low, found.mean, found.high) == pytest.approx((0.1, 0.1, 0.1), abs=1e-12)
    assert paired_difference(one, [score(9, 1.0)]) is None


def test_chance_is_no_trust() -> None:
    kept = score(0, 0.75, by_quantile={9: 1.0}).kept("m")
    assert kept is not None
    assert (kept.above_chance, kept.by_quantile, kept.model) == (0.5, ((9, 1.0),), "m")
    worse = score(0, 0.2).kept()
    assert worse is not None
    assert worse.above_chance == 0.0
