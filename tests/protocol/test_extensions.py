"""The switchable extensions, and what they do to a class."""

from __future__ import annotations

import pytest
from made_features import HashEncoder, example, record, world

from graphlabel.annotation import FeatureClass, Routing
from graphlabel.graph import FeatureKey
from graphlabel.protocol import (
    CalibratedSettings,
    Extension,
    LogitAgreement,
    MatchedNull,
    Occurrences,
    RawSettings,
    Window,
    calibrate,
    route_calibrated,
    route_raw,
)
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.logit_agreement import logit_agreement
from graphlabel.protocol.settings import ExampleSettings
from graphlabel.records import FeatureRecord

RULE = RawSettings(input=Window(-1, -1), output=Window(1, 1), tau=0.5)


def drags(feature: int = 0, after: str = "the") -> FeatureRecord:
    """A feature that fires on "of", which something follows in all its examples."""
    found = [example(f"x{feature}{i} y{i} of {after} z{i}", "of", 5 - 0.1 * i) for i in range(6)]
    return record(found, feature)


def routed(made: FeatureRecord, extension: Extension) -> tuple[Routing, Routing]:
    encoder = HashEncoder()
    (without,) = route_raw([made], encoder, RULE).values()
    (found,) = route_raw([made], encoder, RULE, extensions=[extension]).values()
    return without, found


def corpus(after: str) -> Occurrences:
    """Forty other places where "of" stands."""
    follow = [after or f"word{i}" for i in range(40)]
    return Occurrences.of(
        [record([example(f"c{i} d{i} of {word} e{i}", f"d{i}")], 100 + i)
         for i, word in enumerate(follow)]
    )  # fmt: skip


def test_what_always_follows_the_peak_token_is_no_output() -> None:
    without, found = routed(drags(), MatchedNull(corpus("the"), HashEncoder()))
    assert without.feature_class is FeatureClass.OUTPUT
    assert found.feature_class is FeatureClass.OBSCURE
    assert "output is ruled out" in found.reason
    assert "matched null" in found.reason
    assert found.scores["output"] is not None  # the scores stay what they are
    assert found.scores["cross"] is not None  # needed now


def test_what_seldom_follows_it_is_output() -> None:
    without, found = routed(drags(), MatchedNull(corpus(""), HashEncoder()))
    assert found.feature_class is without.feature_class is FeatureClass.OUTPUT
    assert found.reason == without.reason
    assert any("beats the matched null" in note for note in found.notes)


def test_without_enough_occurrences_the_matched_null_says_so() -> None:
    few = Occurrences.of([record([example("a of the b", "a")])])
    without, found = routed(drags(), MatchedNull(few, HashEncoder()))
    assert found.feature_class is without.feature_class
    assert any("too few other occurrences" in note for note in found.notes)


def test_a_features_own_examples_are_no_other_occurrences() -> None:
    own = Occurrences.of([drags()])
    assert len(own.places[" of"]) == 6
    _, found = routed(drags(), MatchedNull(own, HashEncoder()))
    assert any("too few other occurrences" in note for note in found.notes)


def test_occurrences_are_found_wherever_the_token_stands_and_once() -> None:
    same = record([example("a of b of c", "b"), example("a of b of c", "b", 2.0)])
    places = Occurrences.of([same]).places
    assert len(places[" of"]) == 2
    assert [each.window(1, 1) for each in places[" of"]] == [(" b",), (" c",)]


def both_sides(logits: tuple[str, ...]) -> FeatureRecord:
    found = [example(f"x{i} y{i} of the z{i}", "of", 5 - 0.1 * i) for i in range(6)]
    return record(found, logits=logits)


@pytest.mark.parametrize(
    ("logits", "expected", "words"),
    [
        ((" the", "x"), FeatureClass.OUTPUT, "speaks for output"),
        ((" cat",), FeatureClass.INPUT, "0% of the next tokens"),
        ((), FeatureClass.INPUT, ""),
    ],
)
def test_agreeing_logits_decide_between_close_sides(
    logits: tuple[str, ...], expected: FeatureClass, words: str
) -> None:
    rule = RawSettings(input=Window(0, 0), output=Window(1, 1))
    made = both_sides(logits)
    (plain,) = route_raw([made], HashEncoder(), rule).values()
    (found,) = route_raw([made], HashEncoder(), rule, extensions=[LogitAgreement()]).values()
    assert plain.feature_class is FeatureClass.INPUT  # a tie
    assert found.feature_class is expected
    assert words in f"{found.reason} {found.notes}"


def test_agreement_counts_next_tokens_among_the_top_logits() -> None:
    made = record(
        [example("a of the", "of", 3), example("b of The", "of", 2), example("c of x", "of")],
        logits=("y", " the"),
    )
    found = logit_agreement(made, judged_examples(made, ExampleSettings(n=5)))
    assert found is not None
    assert (found.share, found.mean_rank, found.n) == (pytest.approx(2 / 3), 2.0, 3)


def test_extensions_work_under_the_calibrated_rule() -> None:
    encoder, rule = HashEncoder(), CalibratedSettings(draws=1_000, n=4, min_features=60)
    records = [*world(90, 4), drags(500)]
    calibration = calibrate(records, encoder, rule)
    key = FeatureKey(0, 500)
    plain = route_calibrated([records[-1]], encoder, calibration)[key]
    assert plain.feature_class is FeatureClass.INPUT  # "of" is alike as well: a tie
    agreeing = record(records[-1].top_examples, 500, logits=(" the",))
    found = route_calibrated([agreeing], encoder, calibration, extensions=[LogitAgreement()])[key]
    assert found.feature_class is FeatureClass.OUTPUT
    again = route_calibrated(
        [agreeing], encoder, calibration,
        extensions=[LogitAgreement(), MatchedNull(corpus("the"), encoder)],
    )[key]  # fmt: skip
    assert again.feature_class is not FeatureClass.OUTPUT
    assert "ruled out" in again.reason


def test_a_cross_window_without_the_peak_forgets_what_all_share() -> None:
    found = [example(f"p{i} q{i} Dallas r{i} s{i}", "Dallas", 3 - 0.1 * i) for i in range(5)]
    rule = RawSettings(input=Window(-1, -1), output=Window(1, 1), cross=Window(0, 0), tau=0.5)
    (with_peak,) = route_raw([record(found)], HashEncoder(), rule).values()
    rule = RawSettings(
        input=Window(-1, -1), output=Window(1, 1), cross=Window(-1, 1), tau=0.5,
        cross_without_peak=True,
    )  # fmt: skip
    (without,) = route_raw([record(found)], HashEncoder(), rule).values()
    assert with_peak.feature_class is FeatureClass.CROSS
    assert without.feature_class is FeatureClass.OBSCURE
    assert without.settings["cross_without_peak"] is True
