"""Texts whose firing tokens stand in marks, as delphi shows them to a language model.

``a symbol to the<< death>> of`` with ``Activations: (" death" : 9)``. Tokens that fire side by side
share one pair of marks. Activations are whole numbers from 0 to 10, the feature's largest being
10; a token that fires below 1 stands in marks but is not listed.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from graphlabel.records import SPECIAL_TOKENS

OPEN, CLOSE = "<<", ">>"
UNLISTED = 0.5
"""The activation of a token in marks that is not listed: between 0 and 1."""
_LONGEST_MARK = 400
_LONGEST_TEXT = 100_000

_SPECIAL = "|".join(re.escape(token) for token in sorted(SPECIAL_TOKENS, key=len, reverse=True))
_WORDS = re.compile(
    rf"{_SPECIAL}|'(?:s|t|re|ve|m|ll|d)\b| ?[^\W\d_]+| ?\d+"
    r"| ?(?:_|[^\w\s])+?(?=<\||[\w\s]|$)|\s+(?!\S)|\s+|.",
    re.DOTALL,
)
_RUN = re.compile("<+")
_MARK = re.compile("<<|>>")
_EXAMPLE = re.compile(
    r"^Example (\d+):[ ]?(.*?)\nActivations:(.*?)(?=\n+Example \d+:|\s*\Z)",
    re.DOTALL | re.MULTILINE,
)
_LISTED = re.compile(r'\("(.*?)" : (-?\d+(?:\.\d+)?)\)(?=\s*,\s*\("|\s*\Z)', re.DOTALL)


class Token(NamedTuple):
    """A token and how strongly the feature fires on it."""

    text: str
    activation: float


class MarkedText(NamedTuple):
    """A text with marks, and the activations listed beneath it."""

    text: str
    listed: tuple[Token, ...]


def split_prompt(prompt: str) -> list[MarkedText]:
    """The numbered examples of a prompt, in order; numbers that do not count up are text."""
    found: list[MarkedText] = []
    for match in _EXAMPLE.finditer(prompt):
        listed = tuple(Token(text, float(value)) for text, value in _LISTED.findall(match[3]))
        found.append(MarkedText(match[2][:_LONGEST_TEXT], listed))
    return found


def parse_marks(marked: MarkedText) -> tuple[Token, ...]:
    """The tokens of a marked text; joined they are the text without its marks.

    Text in marks is split where the listed activations say, other text into words as byte-pair
    vocabularies do (a word with the space before it, digits, symbols). Marks that never close are
    text, marks within marks belong to the outer ones, and marks around nothing hold no token.
    """
    tokens: list[Token] = []
    listed, place, plain = list(marked.listed), 0, 0
    text = marked.text
    while (start := text.find(OPEN, place)) >= 0:
        run = _RUN.match(text, start)
        stop = run.end() if run else start
        span = _span(text, start, stop, listed)
        if span is None:
            place = stop
            continue
        start, inside, place = span
        tokens += _quiet(text[plain:start])
        tokens += _firing(inside, listed)
        plain = place
    tokens += _quiet(text[plain:])
    return tuple(tokens)


def render_marks(tokens: Sequence[Token]) -> MarkedText:
    """The tokens as marked text: the inverse of ``parse_marks`` for texts without ``<<``."""
    parts: list[str] = []
    fires = False
    for token in tokens:
        if (token.activation > 0) != fires:
            parts.append(CLOSE if fires else OPEN)
            fires = not fires
        parts.append(token.text)
    parts.append(CLOSE if fires else "")
    return MarkedText("".join(parts), tuple(each for each in tokens if each.activation >= 1))


def _span(text: str, start: int, stop: int, listed: Sequence[Token]) -> tuple[int, str, int] | None:
    """Where marks open, what they hold, and where the text goes on; None if ``<<`` is only text.

    In ``<<<body>>>`` any two of the ``<`` from start to stop may be the marks: the listed tokens
    decide.
    """
    for at in range(start, stop - 1):
        inside = _listed_inside(text, at + len(OPEN), listed)
        if inside is not None:
            return at, inside, at + len(OPEN) + len(inside) + len(CLOSE)
    at = stop - len(OPEN)
    end = _closing(text, at)
    if end is None:
        return None
    inside = text[at + len(OPEN) : end].replace(OPEN, "").replace(CLOSE, "")
    return at, inside, end + len(CLOSE)


def _listed_inside(text: str, start: int, listed: Sequence[Token]) -> str | None:
    """The next listed tokens if they fill the marks exactly, else None."""
    stop = start
    for token in listed:
        if not text.startswith(token.text, stop):
            return None
        stop += len(token.text)
        if stop > start and text.startswith(CLOSE, stop):
            return text[start:stop]
    return None


def _closing(text: str, opening: int) -> int | None:
    """Where the marks that open at a place close, marks within them counted."""
    depth = 0
    for mark in _MARK.finditer(text, opening, opening + _LONGEST_MARK):
        depth += 1 if mark[0] == OPEN else -1
        if depth == 0:
            return mark.start()
    return None


def _firing(inside: str, listed: list[Token]) -> Iterator[Token]:
    """The tokens within marks; those listed are taken off the list as they are met."""
    place = 0
    while place < len(inside):
        if listed and listed[0].text and inside.startswith(listed[0].text, place):
            token = listed.pop(0)
            yield token._replace(activation=token.activation if token.activation > 0 else UNLISTED)
            place += len(token.text)
            continue
        following = inside.find(listed[0].text, place) if listed and listed[0].text else -1
        stop = following if following > place else len(inside)
        for piece in _WORDS.finditer(inside[place:stop]):
            yield Token(piece[0], UNLISTED)
        place = stop


def _quiet(text: str) -> Iterator[Token]:
    return (Token(piece[0], 0.0) for piece in _WORDS.finditer(text))
