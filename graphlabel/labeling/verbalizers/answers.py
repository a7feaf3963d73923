"""What verbalizers answer: explanations in tags, servers' JSON, and when it was."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Any, TypeVar

import msgspec

from graphlabel.annotation import clean_verbalization
from graphlabel.errors import VerbalizerError

_OPEN, _CLOSE = "<explanation>", "</explanation>"
_THINKING = re.compile(r"^\s*<think>.*?</think>", re.DOTALL)

T = TypeVar("T")


def explanation_of(answer: str) -> tuple[str, bool]:
    """What stands between an answer's explanation tags, and whether it was truncated.

    Without the closing tag everything after the opening one is kept; without either, all of it.
    """
    said = _THINKING.sub("", answer)
    after = said.partition(_OPEN)[2] if _OPEN in said else said
    text, closed, _ = after.partition(_CLOSE)
    return clean_verbalization(text), not closed


def description_of(text: str) -> tuple[str, bool]:
    """What a server says, whose tags it takes off itself unless the text was truncated.

    Also whether it was.
    """
    return explanation_of(text) if _OPEN in text else (clean_verbalization(text), False)


def converted(answer: Any, kind: type[T], who: str) -> T:
    """A server's JSON answer as a value; raises VerbalizerError when it has another form."""
    try:
        return msgspec.convert(answer, kind)
    except msgspec.ValidationError as error:
        raise VerbalizerError(f"{who} does not answer as known: {error}") from error


def utc_now() -> str:
    """The time now, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
