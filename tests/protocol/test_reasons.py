"""Every branch of both rules says why, in words."""

from __future__ import annotations

import re
from dataclasses import replace
from functools import cache

import pytest
from made_features import HashEncoder, example, record, world

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.graph import FeatureKey
from graphlabel.protocol import (  # fmt: skip
    CalibratedSettings,
    Calibration,
    RawSettings,
    Window,
    calibrate,
    route_calibrated,
    route_raw,
)
from graphlabel.protocol.decision import NO_CANDIDATE, Case, Opinion
from graphlabel.protocol.reasons import calibrated_reason
from graphlabel.protocol.scoring import score_features
from graphlabel.records import ActivationExample


def raw(found: list[ActivationExample], rule: RawSettings | None = None) -> Routing:
    (routing,) = route_raw([record(found)], HashEncoder(), rule).values()
    return routing


def test_too_few_examples() -> None:
    none = raw([])
    assert none.feature_class is FeatureClass.OBSCURE
    assert none.reason.startswith("no example on which it fires")
    silent = raw([example("a b", "b", 0.0)])
    assert "no example on which it fires (1 without activation left out)" in silent.reason
    one = raw([example("a b c", "b"), example("a b c", "b", 2.0)])
    assert one.reason.startswith("only one example (1 copies left out)")
    assert one.scores == {"input": None, "output": None, "cross": None}
    lone = raw(
        [example(word, word) for word in ("a", "b")],
        RawSettings(input=Window(-1, -1), cross=Window(1, 8)),
    )
    assert lone.reason.startswith("fewer than two windows hold a token")
    assert all("a person must look" in each.reason for each in (none, silent, one, lone))


def test_the_raw_rule_in_words() -> None:
    alike = [example(f"a{i} x b{i} c{i}", "x", 1 + i) for i in range(4)]
    found = raw(alike, RawSettings(input=Window(0, 0)))
    assert found.reason == (
        "the tokens at and just before the peak are alike (4 of 4 are “x”): S 1.00 in [0, 0] "
        "≥ τ = 0.5"
    )
    weighted = raw(alike, RawSettings(input=Window(0, 0), weighted=True))
    assert "weighted S 1.00" in weighted.reason
    different = [example(f"a{i} x{i} b{i}", f"x{i}", 1 + i) for i in range(4)]
    assert "no window reaches τ = 0.5 (input S " in raw(different).reason
    around = raw(different, RawSettings(tau=-1.0, input=Window(-9, -8), output=Window(8, 9)))
    assert around.feature_class is FeatureClass.CROSS
    assert (
        "neither side alone reaches it (input has no score, output has no score)" in around.reason
    )


def test_hostile_texts_are_inert_in_reasons() -> None:
    found = raw(
        [
            example(f"a{i} \x1b[31m\u202eevil\ud800 b{i}", "\x1b[31m\u202eevil\ud800")
            for i in range(3)
        ],
        RawSettings(input=Window(0, 0)),
    )
    assert "\x1b" not in found.reason
    assert "\u202e" not in found.reason
    found.reason.encode("utf-8")


@cache
def calibrated(**settings: float | int) -> tuple[Calibration, dict[FeatureKey, Routing]]:
    rule = CalibratedSettings(draws=1_000, n=4, min_features=60, **settings)
    made = calibrate(world(90, 4), HashEncoder(), rule)
    return made, route_calibrated(world(90, 4), HashEncoder(), made)


def test_the_calibrated_rule_in_words() -> None:
    _, routed = calibrated(theta=0.9)
    first = routed[FeatureKey(0, 0)].reason
    assert first.startswith("the tokens at and just before the peak are alike (4 of 4 are “peak0”)")
    assert "effect 1.0" in first
    assert "against chance" in first
    second = routed[FeatureKey(0, 1)].reason
    assert second.startswith("the tokens just after the peak are alike (4 of 4 are “next1”)")
    obscure = [
        each.reason for each in routed.values() if each.feature_class is FeatureClass.OBSCURE
    ]
    said = [
        re.search(r"input does not pass its cut-off \(effect [-\d.]+, p = (\S+) > (\S+)\)", reason)
        for reason in obscure
    ]
    assert any(said)
    assert all(float(each[1]) > float(each[2]) for each in said if each)
    settings = routed[FeatureKey(0, 0)].settings
    assert settings["input"] == "[0, 0] [-1, 0] [-2, 0]"
    assert settings["calibration_features"] == 90
    assert settings["encoder_revision"] == "1"


def test_a_side_that_passes_but_is_weak_says_so() -> None:
    made, _ = calibrated(theta=0.9)
    strict = made.deciding(replace(made.settings, theta=5.0, cross_floor=5.0))
    routed = route_calibrated(world(90, 4)[:1], HashEncoder(), strict)
    assert "input effect 1.0" in routed[FeatureKey(0, 0)].reason
    assert " < 5" in routed[FeatureKey(0, 0)].reason


def test_cross_says_why_neither_side_is_enough() -> None:
    rule = CalibratedSettings(
        draws=1_000, n=4, min_features=60, input=(Window(-1, -1),), output=(Window(2, 2),),
        cross=(Window(0, 0),),
    )  # fmt: skip
    routed = route_calibrated(
        world(90, 4)[:1], HashEncoder(), calibrate(world(90, 4), HashEncoder(), rule)
    )
    (found,) = routed.values()
    assert found.feature_class is FeatureClass.CROSS
    assert "neither side alone is: input does not pass its cut-off" in found.reason


@pytest.mark.parametrize(
    ("p", "cutoff", "words"),
    [
        (0.01, 0.005, "p = 0.01 > 0.005)"),
        (0.01002, 0.01, "p = 0.01002 > 0.01)"),
        (0.01, 0.0, "p = 0.01; no feature of the source passes)"),
        (None, 0.01, "effect 0.60, not calibrated)"),
    ],
)
def test_a_missed_cut_off_is_told_apart(p: float | None, cutoff: float, words: str) -> None:
    made, _ = calibrated(theta=0.9)
    made = replace(made, cutoffs={"input": cutoff, "output": cutoff, "cross": cutoff})
    score = WindowScore(s=0.5, weighted=0.5, n=4, effect=0.6, p=p)
    (feature,) = score_features(
        world(90, 4)[:1], made.settings.windows, HashEncoder(), made.settings
    ).values()
    reason = calibrated_reason(
        FeatureClass.OBSCURE, dict.fromkeys(("input", "output"), score), feature, made
    )
    assert words in reason


def test_a_side_that_other_evidence_rules_out_says_so() -> None:
    made, _ = calibrated(theta=0.9)

    def none(case: Case) -> Opinion:
        return Opinion(dict.fromkeys(case.values, NO_CANDIDATE), "it fires elsewhere")

    found = route_calibrated(world(90, 4)[:1], HashEncoder(), made, extensions=(none,))
    reason = found[FeatureKey(0, 0)].reason
    assert "is enough, but other evidence rules it out" in reason
    assert reason.endswith("it fires elsewhere")
