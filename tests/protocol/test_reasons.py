"""Every branch of both rules says why, in words."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

from made_features import HashEncoder, example, record, world

from graphlabel.annotation import FeatureClass, Routing
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
    assert any("input is within chance (effect" in reason for reason in obscure)
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
    assert "neither side alone is: input is within chance" in found.reason
