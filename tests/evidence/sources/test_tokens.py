"""Tokens as other tools write them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.evidence.sources.tokens import byte_letters, readable


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        (["Ġthe", "Ġcat", "Ċ"], [" the", " cat", "\n"]),
        (["Ġcaf", "Ã©"], [" caf", "é"]),
        (["Ġ", "âĢ", "Ļ"], [" ", "", "’"]),
        (["▁the", "▁cat"], [" the", " cat"]),
        (["▁a", "<0xE2>", "<0x82>", "<0xAC>"], [" a", "", "", "€"]),
        ([" don", "âĢ", "Ļ", "t"], [" don", "", "’", "t"]),
        ([" âĤ¬", "18"], [" €", "18"]),
        (["broken", "\ufffd"], ["broken", "\ufffd"]),
        (["\ud83d", "x"], ["\ufffd", "x"]),
        (["\ud83d\ude00"], ["😀"]),
        (["mār", "ā", " ł", "ódź", " naïve", "é", "Â"], ["mār", "ā", " ł", "ódź", " naïve", "é", "Â"]),
        (["", "a"], ["", "a"]),
        ([], []),
    ],
)  # fmt: skip
def test_marks_are_undone(tokens: list[str], expected: list[str]) -> None:
    assert list(readable(tokens)) == expected


def test_the_letters_are_one_for_each_byte() -> None:
    assert sorted(byte_letters().values()) == list(range(256))
    assert (byte_letters()["Ġ"], byte_letters()["Ċ"], byte_letters()["â"]) == (32, 10, 0xE2)


@given(st.text(max_size=30), st.lists(st.integers(1, 4), min_size=30, max_size=30))
def test_byte_level_tokens_come_back_as_their_text(text: str, sizes: list[int]) -> None:
    """However the bytes of a text are cut into tokens, joined they are the text again."""
    letters = {byte: letter for letter, byte in byte_letters().items()}
    data = ("Ġ" + text).encode("utf-8", "replace")
    data = b" " + data[len("Ġ".encode()) :]
    tokens, place = [], 0
    for size in [*sizes, len(data)]:
        tokens.append("".join(letters[byte] for byte in data[place : place + size]))
        place += size
    found = readable(tokens)
    assert len(found) == len(tokens)
    assert "".join(found) == data.decode()


@given(st.lists(st.text(max_size=5), max_size=20))
def test_any_tokens_keep_their_number_and_fit_utf_8(tokens: list[str]) -> None:
    found = readable(tokens)
    assert len(found) == len(tokens)
    "".join(found).encode()


@given(
    st.lists(
        st.text(st.characters(max_codepoint=0x17F, exclude_characters="ĠĊĉč"), max_size=4),
        max_size=9,
    )
)
def test_ordinary_latin_text_is_left_alone(tokens: list[str]) -> None:
    """Unless its letters happen to be the bytes of whole characters, which no language spells."""
    continuation = set("ĢģĤĥĦħĨĩĪīĬĭĮįİıĲĳĴĵĶķĸĹĺĻļĽľĿŀŁłŃ")
    if not any(continuation & set(token) for token in tokens):
        assert list(readable(tokens)) == tokens
