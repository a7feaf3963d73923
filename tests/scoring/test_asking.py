"""Reading answers: what cannot be read is counted apart, never as wrong."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.errors import AnswerError
from graphlabel.graph import FeatureKey
from graphlabel.llm import Completion, Failure, FailureKind, Query, Request, Role, StopReason, Turn
from graphlabel.scoring.asking import ask_all, parse_numbers
from graphlabel.scoring.wording import listed, marked, quoted
from tests.scoring.made_scoring import RuleGateway, listed_texts


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[1, 0, 1]", (1, 0, 1)),
        ("Text 1 [weekday] fits.\n\n[1,0,1]\n", (1, 0, 1)),
        ("```json\n[true, false, true]\n```", (1, 0, 1)),
        ("1, 0, 1", (1, 0, 1)),
        ("1 0 1.", (1, 0, 1)),
        ("[1, 0, 1] and so [1, 0, 1]", (1, 0, 1)),
    ],
)
def test_answers_that_can_be_read(text: str, expected: tuple[int, ...]) -> None:
    assert parse_numbers(text, 3, 1) == expected


@pytest.mark.parametrize(
    "text",
    [
        "",
        "I cannot help with that.",
        "[1, 0]",
        "[1, 0, 1, 1]",
        "[1, 0, 2]",
        "[1, 0, -1]",
        "[1, 0, 0.5]",
        '[1, 0, "1"]',
        "[1, 0, null]",
        "[1, 0, 1] no, [0, 0, 1]",
        "yes no yes",
        "[1, 0, 1" * 2000,
        "1" * 10_000,
        "[" * 10_000,
        "是 否 是",
    ],
)
def test_answers_that_cannot(text: str) -> None:
    with pytest.raises(AnswerError):
        parse_numbers(text, 3, 1)


@given(st.text(max_size=200), st.integers(1, 5))
def test_any_answer_is_read_or_refused(text: str, count: int) -> None:
    try:
        found = parse_numbers(text, count, 10)
    except AnswerError:
        return
    assert len(found) == count
    assert all(0 <= each <= 10 for each in found)


@given(st.lists(st.text(max_size=60), max_size=6))
def test_texts_cannot_leave_their_quotation_marks(texts: list[str]) -> None:
    safe = [text.encode("utf-8", "replace").decode() for text in texts]
    question = listed(texts)
    assert len(question.splitlines()) == len(texts)
    assert listed_texts(question) == safe
    assert question.replace("\n", "").isprintable()


@given(st.lists(st.text(max_size=8), max_size=8), st.sets(st.integers(0, 7)))
def test_only_our_marks_are_marks(tokens: list[str], places: set[int]) -> None:
    text = marked(tokens, places)
    wanted = sum(1 for i in places if i < len(tokens) and tokens[i].strip())
    assert text.count("<<") == text.count(">>") == wanted
    assert text.count("<") == 2 * wanted


def test_bidirectional_and_escape_characters_are_written_out() -> None:
    assert json.loads(quoted("a\u202eb\x1b[0m")) == "a\u202eb\x1b[0m"
    assert quoted("\u202e\x1b") == '"\\u202e\\u001b"'


def query(text: str) -> Query:
    return Query(Request("", (Turn(Role.USER, text),)), "score:test")


def test_refusals_and_failures_are_told_apart() -> None:
    answers = {
        "read": Completion("[1]", "m"),
        "refused": Completion("[1]", "m", StopReason.REFUSAL),
        "prose": Completion("well", "m"),
        "gone": Failure(FailureKind.RATE_LIMIT, "429"),
    }
    gateway = RuleGateway(answers.__getitem__)
    seen: list[tuple[int, int]] = []
    found = ask_all(
        gateway,
        [query(name) for name in answers],
        lambda place: FeatureKey(0, place),
        lambda _, text: parse_numbers(text, 1, 1),
        lambda d, t: seen.append((d, t)),
    )
    assert [each.value for each in found] == [(1,), None, None, None]
    assert [each.unparsed for each in found] == [False, True, True, False]
    assert found[3].failure == "rate limit"
    assert gateway.kept == [
        ("L0 #1", "the model refused", "[1]"),
        ("L0 #2", "the answer holds no list of 1 numbers from 0 to 1", "well"),
    ]
    assert seen == [(1, 4), (2, 4), (3, 4), (4, 4)]
