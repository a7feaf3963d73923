"""Tokens in a tokenizer's own spelling."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.errors import EvidenceError
from graphlabel.records import ActivationExample, continues_word, decoded


def byte_level(text: bytes) -> str:
    """Byte-level BPE's spelling, written from its definition."""
    printable = [*range(33, 127), *range(161, 173), *range(174, 256)]
    rest = [byte for byte in range(256) if byte not in printable]
    return "".join(chr(b) if b in printable else chr(256 + rest.index(b)) for b in text)


def test_byte_level_pieces_are_decoded() -> None:
    pieces = [byte_level(part) for part in (b"The", b" caf", b"\xc3", b"\xa9", b"\n", b" now")]
    assert pieces[1] == "Ġcaf"
    assert decoded(pieces) == ("The", " caf", "", "é", "\n", " now")


@given(st.lists(st.binary(min_size=1, max_size=4), max_size=8))
def test_decoding_pieces_is_decoding_the_bytes(parts: list[bytes]) -> None:
    pieces = [byte_level(b" x"), *map(byte_level, parts), byte_level(b"!")]
    expected = (b" x" + b"".join(parts) + b"!").decode("utf-8", "replace")
    assert "".join(decoded(pieces)) == expected


def test_sentencepiece_and_decoded_tokens() -> None:
    assert decoded(("▁The", "▁cap", "ital")) == (" The", " cap", "ital")
    plain = ("The", " Ġ is a letter", "▁")
    assert decoded(plain) == plain
    assert decoded(()) == ()


@pytest.mark.parametrize(
    ("tokens", "expected"),
    [
        ((" Dal", "las"), True), ((" Dal", " las"), False), (("(", "las"), False),
        ((" Dal", "."), False), (("las",), False), ((" 19", "84"), True),
    ],
)  # fmt: skip
def test_what_continues_a_word(tokens: tuple[str, ...], expected: bool) -> None:
    assert continues_word(tokens, len(tokens) - 1) is expected


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_activations_that_are_no_numbers_are_refused(value: float) -> None:
    with pytest.raises(EvidenceError, match="NaN or infinite"):
        ActivationExample.of(("a",), (value,))
