"""The protocol's numbers against their definitions (float64, 1e-9), and its rules."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_features import HashEncoder, example, record, world
from scipy.stats import false_discovery_control

from graphlabel.annotation import FeatureClass, Tier
from graphlabel.errors import CalibrationError, EvidenceError
from graphlabel.graph import FeatureKey
from graphlabel.protocol import (
    CalibratedSettings,
    Calibration,
    RawSettings,
    Window,
    calibrate,
    read_calibration,
    route_calibrated,
    route_raw,
    write_calibration,
)
from graphlabel.protocol.calibrate import benjamini_hochberg
from graphlabel.protocol.correlation import correlation, embed_texts, prefix_correlations
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.settings import ExampleSettings
from graphlabel.records import ActivationExample


@given(st.integers(0, 10_000), st.integers(2, 7))
@settings(max_examples=60, deadline=None)
def test_prefix_scores_equal_the_sum_over_pairs(seed: int, n: int) -> None:
    random = np.random.default_rng(seed)
    vectors = random.normal(size=(n, 5))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    literals = random.choice([-1, -1, -1, 4, 5], size=n)
    vectors[literals >= 0] = 0
    weights = random.random(n) + 0.1
    found = prefix_correlations(vectors[None], literals[None], weights[None])[0]
    assert np.isnan(found[0])
    for m in range(2, n + 1):
        total = norm = 0.0
        for i in range(m):
            for j in range(i + 1, m):
                alike = vectors[i] @ vectors[j]
                if literals[i] >= 0 or literals[j] >= 0:
                    alike = float(literals[i] == literals[j])
                total += weights[i] * weights[j] * alike
                norm += weights[i] * weights[j]
        assert found[m - 1] == pytest.approx(total / norm, abs=1e-9)


def test_blank_and_unknown_texts_are_compared_by_equality() -> None:
    embedded = embed_texts(HashEncoder(), [" ", "\n", "☃", "漢", "☃", "a"])
    found = correlation(embedded, np.ones(6))
    assert found is not None
    assert (found.n, found.literal) == (6, 5)
    assert found.s == pytest.approx(1 / 15, abs=1e-9)  # only the two snowmen are alike


def test_fewer_than_two_windows_have_no_score() -> None:
    assert correlation(embed_texts(HashEncoder(), ["a"]), np.ones(1)) is None
    assert correlation(embed_texts(HashEncoder(), []), np.ones(0)) is None


def test_windows_stop_at_the_ends_and_leave_special_tokens_out() -> None:
    tokens = ("<bos>", "The", " cat", " sat")
    found = ActivationExample.of(tokens, (9.0, 0.0, 2.0, 2.0))
    assert found.peak == 2  # BOS is never a peak; of equal maxima the first counts
    assert found.window(-5, 0) == ("The", " cat")
    assert found.window(1, 3) == (" sat",)
    assert found.window(2, 3) == ()


def test_nan_activations_are_refused() -> None:
    with pytest.raises(EvidenceError, match="NaN"):
        ActivationExample.of(("a",), (float("nan"),))


def test_copies_are_one_example() -> None:
    same = [example("x Dallas is big", "Dallas"), example("x Dallas is big", "Dallas", 2.0)]
    found = judged_examples(
        record([*same, example("in Dallas now", "Dallas")]), ExampleSettings(n=10)
    )
    assert (len(found.chosen), found.copies) == (2, 1)


def near(word: str, after: Sequence[str]) -> list[ActivationExample]:
    return [example(f"p{i} q{i} {word or f'w{i}'} {next_} z{i}", word or f"w{i}", 1 + i)
            for i, next_ in enumerate(after)]  # fmt: skip


def test_the_raw_rule() -> None:
    many = [f"n{i}" for i in range(6)]
    settings_ = RawSettings(tau=0.5, input=Window(0, 0), output=Window(1, 1))
    records = [
        record(near("Dallas", many), 0),
        record(near("", ["Austin"] * 6), 1),
        record(near("", many), 2),
        record(near("is", ["is"] * 6), 3),
        record([example("the same words all over again", "words", 1 + i) for i in range(3)], 4),
        record([], 5),
    ]
    routed = route_raw(records, HashEncoder(), settings_)
    classes = [routed[FeatureKey(0, i)].feature_class.value for i in range(6)]
    # 3: a tie is input; 4: one example after copies are dropped; 5: no evidence
    assert classes == ["input", "output", "obscure", "input", "obscure", "obscure"]
    first = routed[FeatureKey(0, 0)]
    assert first.scores["cross"] is None  # not needed, so not computed
    assert "Dallas" in first.reason
    assert routed[FeatureKey(0, 2)].scores["cross"] is not None
    assert routed[FeatureKey(0, 5)].scores == {"input": None, "output": None, "cross": None}
    assert routed[FeatureKey(0, 5)].tier is Tier.PERSON
    assert "1 example" not in routed[FeatureKey(0, 4)].reason
    assert any("copies" in note for note in routed[FeatureKey(0, 4)].notes)


def test_the_cross_window_decides_when_neither_side_has_a_score() -> None:
    lone = [example(word, word, 1.0) for word in ("alpha", "beta", "gamma")]
    routed = route_raw([record(lone)], HashEncoder(), RawSettings(input=Window(-2, -1)))
    scores = routed[FeatureKey(0, 0)].scores
    assert scores["input"] is None
    assert scores["output"] is None
    assert scores["cross"] is not None


def test_p_values_count_the_null() -> None:
    null = np.random.default_rng(0).normal(size=10_000)
    table = NullTable.of(null)
    for score in (-1.0, 0.0, 1.5, 2.5, 9.0):
        exact = (1 + (null >= score).sum()) / 10_001
        assert table.p_value(score) == pytest.approx(exact, abs=1e-3)
    top = float(np.sort(null)[-50])
    assert table.p_value(top) == pytest.approx(51 / 10_001, abs=1e-9)
    grid = np.array([-1.0, 1.5, 9.0])
    np.testing.assert_allclose(table.p_values(grid), [table.p_value(s) for s in grid], atol=1e-9)


def test_benjamini_hochberg() -> None:
    p = np.array([0.001, 0.008, 0.039, 0.041, 0.042, 0.06, 0.074, 0.205, 0.212, 0.216])
    assert benjamini_hochberg(p, 0.05) == pytest.approx(0.05 * 2 / 10)
    assert benjamini_hochberg(np.array([0.9, 0.8]), 0.05) == 0.0
    assert benjamini_hochberg(np.array([]), 0.05) == 0.0


@given(st.lists(st.floats(0.0001, 1.0), min_size=1, max_size=30), st.floats(0.01, 0.5))
@settings(max_examples=80, deadline=None)
def test_discoveries_are_those_of_adjusted_p_values(p: list[float], rate: float) -> None:
    """A feature is a discovery where its adjusted p (scipy) is at most the rate."""
    adjusted = false_discovery_control(np.array(p))
    if (abs(adjusted - rate) < 1e-9).any():
        return
    found = np.array(p) <= benjamini_hochberg(np.array(p), rate)
    assert (found == (adjusted <= rate)).all()


SMALL = CalibratedSettings(draws=4_000, n=4)


@cache
def calibrated() -> Calibration:
    return calibrate(world(210, 4), HashEncoder(), SMALL, source="here")


def test_calibrated_routing_finds_what_is_there(tmp_path: Path) -> None:
    encoder, records, calibration = HashEncoder(), world(210, 4), calibrated()
    routed = route_calibrated(records, encoder, calibration)
    expected = [FeatureClass.INPUT, FeatureClass.OUTPUT, FeatureClass.OBSCURE]
    right = sum(routed[FeatureKey(0, i)].feature_class is expected[i % 3] for i in range(210))
    assert right >= 199  # 5 % false discoveries are allowed for
    score = routed[FeatureKey(0, 0)].scores["input"]
    assert score is not None
    assert score.p is not None
    assert score.p < 0.01
    assert score.effect == pytest.approx(1.0, abs=0.05)

    write_calibration(calibration, tmp_path / "c.npz")
    again = route_calibrated(records, encoder, read_calibration(tmp_path / "c.npz"))
    assert again == routed
    repeated = calibrate(records, encoder, SMALL, source="here")
    assert route_calibrated(records, encoder, repeated) == routed


def test_a_class_does_not_depend_on_the_company() -> None:
    encoder, records, calibration = HashEncoder(), world(210, 4), calibrated()
    alone = route_calibrated(records[4:5], encoder, calibration)
    assert (
        alone[FeatureKey(0, 4)] == route_calibrated(records, encoder, calibration)[FeatureKey(0, 4)]
    )


def test_a_calibration_of_another_encoder_or_too_few_features_is_refused(tmp_path: Path) -> None:
    encoder = HashEncoder()
    with pytest.raises(CalibrationError, match="at least 200"):
        calibrate(world(60, 4), encoder, SMALL)
    with pytest.raises(CalibrationError, match="--rule raw"):
        calibrate(world(60, 4), encoder, SMALL)
    calibration = dataclasses.replace(calibrated(), encoder_revision="2")
    with pytest.raises(CalibrationError, match="calibrate again"):
        route_calibrated(world(3, 4), encoder, calibration)
    (tmp_path / "bad.npz").write_bytes(b"no archive")
    with pytest.raises(CalibrationError, match="no calibration"):
        read_calibration(tmp_path / "bad.npz")
    with pytest.raises(CalibrationError, match="there is no calibration"):
        read_calibration(tmp_path / "missing.npz")
