from __future__ import annotations

import pytest

from graphlabel.annotation import FeatureClass, WindowScore
from graphlabel.graph import FeatureKey
from graphlabel.protocol.decision import NO_CANDIDATE, Case, Extension, classify, consider
from graphlabel.protocol.judging import Examples
from graphlabel.protocol.scoring import ScoredFeature
from graphlabel.protocol.selectivity import Selectivity, selectivity
from graphlabel.protocol.support import ABOVE_CHANCE, Places
from graphlabel.records import ActivationExample, FeatureRecord, Quantile

FLOOR, THETA = 0.4, 0.3
CALIBRATED = Selectivity(cross_floor=FLOOR)


def passage(words: list[str], fired: set[int]) -> ActivationExample:
    tokens = tuple(f" {word}" for word in words)
    return ActivationExample(tokens, tuple(2.0 * (at in fired) for at in range(len(tokens))))


def record(*examples: ActivationExample) -> FeatureRecord:
    return FeatureRecord(FeatureKey(0, 0), None, (Quantile("top", examples),))


def routed(
    feature: FeatureRecord,
    effects: dict[str, float],
    extension: Extension = CALIBRATED,
) -> FeatureClass:
    """The class with sides that reach their floors passing."""
    scores = {
        side: WindowScore(0.2, 0.2, 10, (0, 0), 0.01, effects[side])
        for side in ("input", "output", "cross")
    }
    floors = {"input": THETA, "output": THETA, "cross": FLOOR}
    values = {side: e if e >= floors[side] else NO_CANDIDATE for side, e in effects.items()}
    scored = ScoredFeature(Examples(feature.top_examples), {}, {})
    case = consider(Case(feature, scored, scores, values, THETA), (extension,)).case
    return classify(case, case.values["cross"], FLOOR)


VERBS = record(*(passage([f"a{at}", f"went{at}", f"b{at}"], {1}) for at in range(10)))
"""Ten verbs, each fired on wherever it stands; what follows is another word each time."""
ODD = record(*(passage([f"a{at}", ("map", "eat")[at % 2], f"b{at}"], {1}) for at in range(12)))
"""Two words that have nothing to do with each other."""
CITIES = record(
    *(passage([f"c{at % 3}", f"x{at}", f"c{(at + 1) % 3}", f"y{at}"], {0, 2}) for at in range(24))
)
"""Three words, each fired on at many more places than there are strong examples of it."""
BEFORE = record(
    *(passage([f"a{at}", f"b{at}", "euro", f"a{at + 50}", f"d{at}"], {1}) for at in range(24))
)
"""Fires before one word, wherever that stands, at words that differ."""


def test_a_kind_of_token_is_input_though_its_words_are_little_alike() -> None:
    assert selectivity(VERBS)["input"] == Places(10, 10, kinds=1.0)
    little = {"input": 0.1, "output": 0.0, "cross": 0.1}
    assert routed(VERBS, little) is FeatureClass.INPUT
    assert routed(VERBS, little, Selectivity()) is FeatureClass.OBSCURE
    assert routed(VERBS, little | {"input": ABOVE_CHANCE - 0.01}) is FeatureClass.OBSCURE
    assert routed(VERBS, little | {"cross": 0.5}) is FeatureClass.CROSS


def test_odd_tokens_that_it_always_fires_on_are_no_kind() -> None:
    assert routed(ODD, {"input": 0.1, "output": 0.0, "cross": 0.1}) is FeatureClass.OBSCURE


def test_tokens_that_need_no_passage_are_input_rather_than_cross() -> None:
    places = selectivity(CITIES)["input"]
    assert places.at_least(0.9, 40)
    alike_around = {"input": 0.1, "output": 0.0, "cross": 0.5}
    assert routed(CITIES, alike_around) is FeatureClass.INPUT
    assert routed(CITIES, alike_around, Selectivity()) is FeatureClass.CROSS
    assert routed(CITIES, alike_around | {"input": 0.0}) is FeatureClass.CROSS


@pytest.mark.parametrize("at", [0.1, 0.9])
def test_what_it_always_fires_before_is_output(at: float) -> None:
    assert selectivity(BEFORE)["output"].at_least(0.8, 20)
    effects = {"input": at, "output": 0.1, "cross": 0.1}
    silent = record(*BEFORE.top_examples, *(passage(["q", f"b{at}", "r"], {}) for at in range(24)))
    assert routed(silent, effects) is FeatureClass.OUTPUT
    assert routed(silent, effects | {"output": 0.0}) is (
        FeatureClass.INPUT if at > THETA else FeatureClass.OBSCURE
    )


def test_a_case_without_scores_stays_as_it_is() -> None:
    scored = ScoredFeature(Examples(()), {}, {})
    nothing = {"input": None, "output": None, "cross": None}
    values = dict.fromkeys(nothing, NO_CANDIDATE)
    case = Case(record(), scored, nothing, values, THETA)
    found = consider(case, (CALIBRATED,))
    assert found.case.side is None
    assert (found.changes, found.notes) == ((), ())
