"""The long tail: what holds at the top may not hold below."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from made_features import HashEncoder, example, record
from scipy.stats import fisher_exact

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.protocol import RawSettings, Window
from graphlabel.protocol.router import Router
from graphlabel.protocol.tail import (
    Stretch,
    alike_only_at_top,
    fisher_p,
    holds,
    label_parts,
    label_stretches,
    lower_half,
    only_at_top,
    side_window,
    stretch_scores,
)
from graphlabel.records import ActivationExample, FeatureRecord


def stretch(word: str, strength: float, n: int = 3) -> list[ActivationExample]:
    return [example(f"a{strength}{i} {word or f'w{strength}{i}'} b{i}",
                    word or f"w{strength}{i}", strength) for i in range(n)]  # fmt: skip


def fades() -> FeatureRecord:
    weaker = [stretch("Dallas", 4), stretch("Dallas", 3), stretch("", 2), stretch("", 1)]
    return record(stretch("Dallas", 5, 6), weaker=weaker)


def lasts() -> FeatureRecord:
    return record(stretch("Dallas", 5), weaker=[stretch("Dallas", 5 - i) for i in range(1, 5)])


def test_scores_by_stretch() -> None:
    found = stretch_scores(fades(), Window(0, 0), HashEncoder())
    assert [each.name for each in found] == ["top", "q3", "q2", "q1", "q0"]
    assert [each.n for each in found] == [6, 3, 3, 3, 3]
    scores = [each.score for each in found]
    assert all(score is not None and score.s == pytest.approx(1) for score in scores[:3])
    assert all(score is not None and score.s < 0.9 for score in scores[3:])
    assert [each.name for each in lower_half(found)] == ["q1", "q0"]
    assert alike_only_at_top(found, 0.0) is not None
    assert alike_only_at_top(stretch_scores(lasts(), Window(0, 0), HashEncoder()), 0.0) is None
    assert alike_only_at_top((), 0.0) is None


def test_a_label_that_holds_only_at_the_top() -> None:
    found = label_stretches(fades(), Window(-1, 0), "dallas")
    assert [each.share for each in found] == [1, 1, 1, 0, 0]
    assert (
        only_at_top(found)
        == "holds only at the top: in 100% of the top examples, 0% of the lower half"
    )
    assert only_at_top(label_stretches(lasts(), Window(0, 0), "Dallas")) is None
    assert only_at_top(found[:1]) is None  # nothing below to compare with
    assert only_at_top(()) is None


@given(st.integers(0, 12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 12))
@settings(max_examples=60, deadline=None)
def test_the_difference_is_tested_as_scipy_does(a: int, b: int, c: int, d: int) -> None:
    """To 1e-9 (float64)."""
    expected = (
        fisher_exact([[a, b], [c, d]], alternative="greater").pvalue if a + b + c + d else 1.0
    )
    assert fisher_p(a, a + b, c, c + d) == pytest.approx(expected, abs=1e-9)


def test_a_small_difference_is_no_mark() -> None:
    top = Stretch("top", 16, holding=7)
    assert only_at_top((top, Stretch("q0", 15, holding=3))) is None
    assert only_at_top((top, Stretch("q0", 150, holding=3))) is not None


@pytest.mark.parametrize(
    ("label", "tokens", "expected"),
    [
        ("Dallas", ["in", " Dallas"], True), ("say Austin", [" AUSTIN"], True), ("a", [" capital"], False),
        ("in / at", [" at"], True), ("the capital of", ["x", " the", " capital", " of"], True),
        ("the capital of", [" the", " capital"], False), ("Dallas", [" Dal", "las"], True), ("x", [], False),
    ],
)  # fmt: skip
def test_where_a_label_holds(label: str, tokens: list[str], expected: bool) -> None:
    assert holds(label_parts(label), tokens) is expected


def test_the_window_that_decided() -> None:
    score = WindowScore(1.0, 1.0, 5, (-2, 0))
    found = Routing(FeatureClass.INPUT, {"input": score, "output": None, "cross": None}, "")
    assert side_window(found) == Window(-2, 0)
    assert side_window(Routing(FeatureClass.OBSCURE, {"input": score}, "")) is None
    crossed = Routing(FeatureClass.CROSS, {"cross": score}, "", {"cross_without_peak": True})
    assert side_window(crossed) == Window(-2, 0, True)


def test_the_router_notes_the_tail() -> None:
    rule = RawSettings(input=Window(0, 0))
    (found,) = Router(HashEncoder(), rule, tail=True).route([fades()]).values()
    assert found.notes[0].startswith("alike only at the top: S 1.00")
    assert found.notes[1].startswith("S by stretch: top 1.00, q3 1.00")
    (plain,) = Router(HashEncoder(), rule).route([fades()]).values()
    assert not any("stretch" in note for note in plain.notes)
