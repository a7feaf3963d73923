"""Tokens as other tools write them, turned into readable text.

Tools decode tokens one at a time, and leave traces of how their tokenizer stores text: ``Ġthe`` and
``âĢĻ`` (bytes written as letters, as GPT-2's vocabulary has them), ``▁the`` and ``<0xE2>``
(SentencePiece), lone halves of a surrogate pair.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterable, Sequence
from functools import cache

_BYTE_LEVEL_SPACE = re.compile("[ĠĊĉč]")
_BYTE_TOKEN = re.compile(r"^<0x([0-9A-Fa-f]{2})>$")
_CONTINUATION = re.compile("[\u0122-\u0143]")
_CONTROL = re.compile("[\u0100-\u0121]")


@cache
def byte_letters() -> dict[str, int]:
    """The letter that stands for each byte in a byte-level vocabulary (Radford et al. 2019).

    Printable Latin-1 stands for itself; the 68 other bytes are the letters from U+0100 on.
    """
    plain = [*range(0x21, 0x7F), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    letters = {chr(byte): byte for byte in plain}
    others = [byte for byte in range(256) if chr(byte) not in letters]
    letters.update({chr(0x100 + at): byte for at, byte in enumerate(others)})
    return letters


def readable(tokens: Sequence[str]) -> tuple[str, ...]:
    """The tokens with their marks undone; their number and order stay.

    A character that several tokens share stands in the token that completes it, the others are
    empty; bytes that make no character are U+FFFD.
    """
    if any(_BYTE_LEVEL_SPACE.search(token) for token in tokens):
        pieces = [_bytes_of(token) for token in tokens]
    elif any("▁" in token or _BYTE_TOKEN.match(token) for token in tokens):
        pieces = [_sentence_piece(token) for token in tokens]
    else:
        return _mend(tuple(whole(token) for token in tokens))
    return _decoded(pieces)


def _bytes_of(token: str) -> bytes:
    letters = byte_letters()
    return b"".join(
        bytes([letters[char]]) if char in letters else char.encode("utf-8", "replace")
        for char in token
    )


def _sentence_piece(token: str) -> bytes:
    byte = _BYTE_TOKEN.match(token)
    if byte:
        return bytes([int(byte[1], 16)])
    return token.replace("▁", " ").encode("utf-8", "replace")


def _decoded(pieces: Iterable[bytes]) -> tuple[str, ...]:
    decoder = codecs.getincrementaldecoder("utf-8")("replace")
    texts = [decoder.decode(piece) for piece in pieces]
    if texts:
        texts[-1] += decoder.decode(b"", final=True)
    return tuple(texts)


def whole(text: str) -> str:
    """The text without lone surrogates: pairs become their character, halves U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _mend(tokens: tuple[str, ...]) -> tuple[str, ...]:
    """Decoded tokens among which a few stayed bytes: ``["don", "âĢ", "Ļ", "t"]`` is “don’t”.

    A run of such pieces is undone only when its bytes are whole characters, so that Latvian “ā” or
    Polish “ł” stay what they are.
    """
    if not any(_CONTINUATION.search(token) for token in tokens):
        return tokens
    mended = list(tokens)
    start = 0
    while start < len(tokens):
        if not _may_be_bytes(tokens[start]):
            start += 1
            continue
        stop = start + 1
        while stop < len(tokens) and stop - start < 8 and _may_be_bytes(tokens[stop]):
            stop += 1
        for end in range(stop, start, -1):
            found = _as_characters(tokens[start:end])
            if found is not None:
                mended[start:end] = found
                start = end
                break
        else:
            start += 1
    return tuple(mended)


def _may_be_bytes(token: str) -> bool:
    letters = byte_letters()
    bare = token.lstrip(" ")
    if not bare or bare.isascii() or _CONTROL.search(bare):
        return False
    return all(char in letters for char in bare)


def _as_characters(tokens: Sequence[str]) -> tuple[str, ...] | None:
    """The pieces decoded, or None when their bytes are not whole characters beyond ASCII."""
    if not any(_CONTINUATION.search(token) for token in tokens):
        return None
    pieces = [_bytes_of(token) for token in tokens]
    try:
        b"".join(pieces).decode("utf-8")
    except UnicodeDecodeError:
        return None
    return _decoded(pieces)
