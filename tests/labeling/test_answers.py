"""What is read out of models' answers, and what is refused."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.annotation import MAX_LABEL_LENGTH, clean_label
from graphlabel.errors import AnswerError
from graphlabel.labeling.answers import check_copy, check_script, marked_label
from graphlabel.llm import StopReason
from tests.labeling.examples import completion

MARKER = "Explanation:"


def read(text: str, stop: StopReason = StopReason.END, words: int = 6) -> str:
    return marked_label(replace(completion(text), stop=stop), MARKER, words)


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("They are cities.\nExplanation: US cities", "US cities"),
        ("Explanation: cats\nNo, wait.\nExplanation: dogs\nHope that helps!", "dogs"),
        ("**Explanation:** “capital cities.”", "capital cities"),
        ("explanation : *say a river*", "say a river"),
        ("Explanation:\n\nwedding ceremonies\n", "wedding ceremonies"),
        ("<think>Explanation: maybe x</think>Explanation: `__init__`", "__init__"),
        ("Explanation: the “of” in “city of”", "the “of” in “city of”"),
        ("Explanation: U.S. states", "U.S. states"),
        ("Explanation: \x1b[31mred\u202e", "[31mred"),
        ("Explanation: sorry", "sorry"),
        ('Explanation: "', '"'),
        ("Explanation: ...", "..."),
        ("Explanation: **", "**"),
    ],
)
def test_the_line_after_the_last_marker_is_the_label(text: str, label: str) -> None:
    assert read(text) == label


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "empty"),
        (" \n ", "empty"),
        ("I think these are cities.", "no “Explanation:”"),
        ("Explanation: cats\nExplanation:", "label is empty"),
        ("Explanation: I cannot determine a common theme.", "declined"),
        ("Explanation: I'm sorry, but I can't help with that.", "declined"),
        ("Explanation: No answer.", "declined"),
        ("Explanation: no clear pattern", "declined"),
        ("Explanation: N/A", "declined"),
        ("Explanation: " + "very " * 2000 + "long", "longer than the 6 words"),
        ("Explanation: " + "x" * 10_000, "longer than"),
        ("Explanation: one two three four five six seven eight nine ten 11 12 13", "longer than"),
        ("y" * 10_000, "no “Explanation:”"),
    ],
)
def test_other_answers_are_refused(text: str, why: str) -> None:
    with pytest.raises(AnswerError, match=why):
        read(text)


def test_a_refusal_is_no_label_whatever_it_says() -> None:
    with pytest.raises(AnswerError, match="refused"):
        read("Explanation: cats", StopReason.REFUSAL)


def test_a_label_that_may_be_cut_is_refused() -> None:
    with pytest.raises(AnswerError, match="cut before its label ended"):
        read("They are all capi\nExplanation: capital cit", StopReason.LENGTH)
    assert read("Explanation: capitals\nBecause all of th", StopReason.LENGTH) == "capitals"


def test_a_label_in_another_script_than_the_evidence_is_refused() -> None:
    with pytest.raises(AnswerError, match="language"):
        check_script("美国的首都", "Austin Boston Denver")
    check_script("美国的首都", "飞机 到 北京")
    check_script("the token 北京", "飞机 到 北京")
    check_script("naïve Übermut, α-decay", "x")
    check_script("→ 42", "x")


def test_an_answer_that_repeats_an_example_of_the_prompt_is_refused() -> None:
    examples = (
        "They tell of keeping bees.\nExplanation: beekeeping",
        "Explanation: say a moon of Saturn",
        "This feature looks for the word right before the name of a moon of Saturn.",
    )
    for label in ("beekeeping", "Beekeeping", "say a moon of Saturn"):
        with pytest.raises(AnswerError, match="repeats an example"):
            check_copy(label, examples, "1. the capital of Texas is Austin")
    whole = "the word right before the name of a moon of Saturn"
    with pytest.raises(AnswerError, match="repeats an example"):
        check_copy(whole, examples, "1. the name of the man before the court")
    check_copy(whole, examples, "1. nearer to Saturn than Titan")
    check_copy("the word before", examples, "1. Austin")
    check_copy("beekeeping", examples, "1. a book on beekeeping for all")
    check_copy("say a moon of Saturn", examples, "1. Titan, the largest moon")
    check_copy("of", examples, "1. Austin")
    check_copy("capitals", examples, "1. Austin")
    check_copy("x", (), "1. Austin")


@given(st.text())
def test_whatever_is_said_becomes_a_clean_label_or_an_error(text: str) -> None:
    for answer in (text, f"Explanation: {text}"):
        try:
            label = read(answer)
        except AnswerError:
            continue
        assert label == clean_label(label)
        assert 0 < len(label) <= MAX_LABEL_LENGTH
