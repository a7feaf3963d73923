from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.annotation import FeatureClass
from graphlabel.graph import FeatureKey
from graphlabel.protocol.decision import NO_CANDIDATE, Case, consider
from graphlabel.protocol.judging import Examples, judged_examples
from graphlabel.protocol.scoring import ScoredFeature
from graphlabel.protocol.selectivity import LEAST, Selectivity, selectivity
from graphlabel.protocol.settings import ExampleSettings, Strategy
from graphlabel.protocol.support import Places
from graphlabel.records import ActivationExample, FeatureRecord, Quantile


def example(text: str, fired: dict[int, float], sampled: int | None = None) -> ActivationExample:
    tokens = tuple(f" {word}" for word in text.split())
    acts = tuple(fired.get(place, 0.0) for place in range(len(tokens)))
    return ActivationExample(tokens, acts, sampled=sampled)


def record(*examples: ActivationExample) -> FeatureRecord:
    return FeatureRecord(FeatureKey(0, 0), None, (Quantile("top", examples),))


def decided(
    feature: FeatureRecord, values: dict[str, float]
) -> tuple[FeatureClass | None, dict[str, float]]:
    scored = ScoredFeature(Examples(feature.top_examples), {}, {})
    case = Case(feature, scored, {"input": None, "output": None}, values, threshold=0.3)
    found = consider(case, (Selectivity(),)).case
    return found.side, dict(found.values)


DAYS = record(
    example("we met on Monday and sat on chairs", {2: 4.0}),
    example("they left on Friday but stood on top", {2: 3.0}),
    example("open every Monday or on foot", {1: 2.0}),
)  # " on" elsewhere is silent; every day is fired before
WORD = record(
    example("so the map , and a hat , too", {2: 4.0}),
    example("fold the map , please , now", {2: 3.0}),
    example("that map , his shoe , it", {1: 4.0}),
)  # every " map" is fired on; other places before " ," are silent


def test_places_are_counted_for_both_sides() -> None:
    found = selectivity(DAYS)
    # on, on(chairs), on, on(top), every, on(foot) stand at peaks' tokens; 3 of 6 fire
    assert found["input"] == Places(3, 6, kinds=2 / 3)
    assert found["output"] == Places(3, 3, kinds=2 / 3)
    assert selectivity(WORD) == {"input": Places(3, 3, 1 / 3), "output": Places(3, 6, 1 / 3)}


def test_the_more_selective_side_stays() -> None:
    equal = {"input": 1.0, "output": 1.0}
    assert decided(DAYS, equal)[0] is FeatureClass.OUTPUT
    assert decided(WORD, equal)[0] is FeatureClass.INPUT
    # however much larger the other side's value is
    assert decided(WORD, {"input": 0.4, "output": 3.0})[0] is FeatureClass.INPUT


def test_a_lone_candidate_is_only_refused_below_the_least_share() -> None:
    assert decided(DAYS, {"input": 0.9, "output": 0.1})[0] is FeatureClass.INPUT
    often_silent = record(
        example("on a on b on c on d on e", {0: 2.0}), example("on f on g on h", {0: 2.0})
    )
    side, values = decided(often_silent, {"input": 0.9, "output": 0.1})
    assert selectivity(often_silent)["input"].share < LEAST
    assert (side, values["input"]) == (None, NO_CANDIDATE)


def test_without_other_places_the_scores_decide() -> None:
    lonely = record(example("map ,", {0: 2.0}), example("map .", {0: 2.0}))
    assert selectivity(lonely)["input"].share == 1.0
    for values in ({"input": 1.0, "output": 0.5}, {"input": 0.5, "output": 1.0}):
        best = max(values, key=values.__getitem__)
        assert str(decided(lonely, values)[0]) == best


def test_a_silent_or_empty_record_says_nothing() -> None:
    for feature in (record(), record(example("a b", {}))):
        assert selectivity(feature) == {"input": Places(0, 0), "output": Places(0, 0)}


@given(st.integers(0, 50), st.integers(0, 50))
def test_the_share_lies_between_0_and_1_and_few_places_say_little(fired: int, more: int) -> None:
    places = Places(fired, fired + more)
    assert 0 < places.share <= 1
    assert places.share >= fired / max(fired + more, 1)


def test_strong_examples_are_about_the_token_they_were_drawn_for() -> None:
    top = example("the big red fox", {3: 8.0})
    drawn = example("a fox and the red hen", {1: 9.0, 4: 5.0}, sampled=4)
    weak = example("one weak word here", {1: 1.0}, sampled=1)
    feature = FeatureRecord(
        FeatureKey(0, 0),
        None,
        (Quantile("top", (top,)), Quantile("q9", (drawn,)), Quantile("q0", (weak,))),
    )
    chosen = judged_examples(feature, ExampleSettings(n=4, examples=Strategy.STRONG)).chosen
    assert [each.tokens[each.peak] for each in chosen] == [" fox", " red"]
    assert judged_examples(feature, ExampleSettings(n=4)).chosen == (top,)


@pytest.mark.parametrize("strategy", list(Strategy))
def test_a_list_of_top_examples_serves_every_strategy(strategy: Strategy) -> None:
    found = judged_examples(WORD, ExampleSettings(n=3, examples=strategy))
    assert len(found.chosen) == 3
