"""The token counter."""

from __future__ import annotations

from graphlabel.annotation import FeatureClass
from graphlabel.labeling import TokenCounter
from graphlabel.records import LogitEffect
from tests.labeling.examples import example, record, routing

INPUT, OUTPUT = routing(FeatureClass.INPUT), routing(FeatureClass.OUTPUT)


def test_an_input_feature_is_named_by_its_peak_token() -> None:
    found = TokenCounter().label(
        record(
            example("in Dallas is", 1), example("near dallas now", 1), example("Dallas .", 0, 3)
        ),
        INPUT,
    )
    assert found is not None
    assert (found.text, found.trust) == ("Dallas", 1.0)


def test_tokens_before_the_peak_are_taken_in_when_the_window_says_so() -> None:
    examples = (example("a the capital of x", 3), example("b the capital of y", 3, 2.0))
    found = TokenCounter().label(record(*examples), routing(FeatureClass.INPUT, -2))
    assert found is not None
    assert found.text == "the capital of"


def test_activation_decides_between_tokens() -> None:
    found = TokenCounter().label(
        record(example("a Waco", 1, 1.0), example("b Austin", 1, 9.0), example("c Waco", 1, 1.0)), INPUT
    )  # fmt: skip
    assert found is not None
    assert found.text == "Austin"


def test_few_tokens_are_listed_when_none_holds_half() -> None:
    words = ("one", "two", "three", "four")
    found = TokenCounter().label(
        record(*(example(f"x {word}", 1, 5 - i) for i, word in enumerate(words))), INPUT
    )
    assert found is not None
    assert found.text == "one / two / three"
    assert found.trust < 1


def test_an_output_feature_says_what_comes_next() -> None:
    logits = (LogitEffect(" Austin", 3.0), LogitEffect(" Texas", 0.5))
    found = TokenCounter().label(
        record(example("is Austin", 0), example("to Austin", 0), logits=logits), OUTPUT
    )
    assert found is not None
    assert found.text == "say Austin"


def test_logits_speak_where_no_token_follows() -> None:
    found = TokenCounter().label(
        record(example("is", 0), example("was", 0), logits=(LogitEffect(" Austin", 2.0),)), OUTPUT
    )
    assert found is not None
    assert found.text == "say Austin"


def test_other_classes_and_empty_evidence_get_no_label() -> None:
    counter = TokenCounter()
    assert counter.label(record(example("a b", 1)), routing(FeatureClass.CROSS)) is None
    assert counter.label(record(), INPUT) is None


def test_a_feature_that_was_not_routed_is_named_by_the_clearer_side() -> None:
    counter = TokenCounter()
    said = counter.label(record(example("a Waco b", 1), example("c Waco d", 1)), None)
    assert said is not None
    assert said.text == "Waco"
    said = counter.label(record(example("p Oslo", 0), example("q Oslo", 0), example("r Oslo", 0)), None)  # fmt: skip
    assert said is not None
    assert said.text == "say Oslo"
    assert counter.label(record(), None) is None
