"""Word pieces as text: tokens as a tokenizer keeps them, decoded as it would decode them.

Evidence should hold decoded tokens (" state"), but some sources keep the tokenizer's own spelling:
byte-level BPE writes a space as ``Ġ`` and every byte as a printable character (Radford et al.
2019), SentencePiece writes a space as ``▁`` (Kudo & Richardson 2018). Such tokens never hold a
plain space, which is how they are recognised.
"""

from __future__ import annotations

import codecs
from collections.abc import Sequence
from functools import cache

_SPACE_MARKS = ("Ġ", "▁")


def decoded(tokens: Sequence[str]) -> tuple[str, ...]:
    """The tokens' texts; those that are decoded already are returned as they are.

    A character whose bytes are spread over tokens belongs to the last of them.
    """
    mark = _space_mark(tokens)
    if mark == "Ġ":
        return _from_bytes(tokens)
    if mark == "▁":
        return tuple(token.replace("▁", " ") for token in tokens)
    return tuple(tokens)


def continues_word(tokens: Sequence[str], place: int) -> bool:
    """Whether the token at a place goes on with the word before it.

    It does when neither a space nor a sign stands between their letters or digits.
    """
    if not 0 < place < len(tokens):
        return False
    before, here = tokens[place - 1], tokens[place]
    return before[-1:].isalnum() and here[:1].isalnum()


def _space_mark(tokens: Sequence[str]) -> str | None:
    if any(" " in token for token in tokens):
        return None
    return next((mark for mark in _SPACE_MARKS if any(t[:1] == mark for t in tokens)), None)


def _from_bytes(tokens: Sequence[str]) -> tuple[str, ...]:
    table = _byte_of_character()
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    return tuple(
        decoder.decode(bytes(table[char] for char in token))
        if all(char in table for char in token)
        else token
        for token in tokens
    )


@cache
def _byte_of_character() -> dict[str, int]:
    """The printable character that stands for each byte, inverted."""
    printable = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    rest = [byte for byte in range(256) if byte not in printable]
    table = {chr(byte): byte for byte in printable}
    return table | {chr(256 + number): byte for number, byte in enumerate(rest)}
