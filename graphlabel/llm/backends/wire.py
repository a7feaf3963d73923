"""Reading what services answer: only what is needed, and only in the form documented."""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

_T = TypeVar("_T")
_THOUGHT = re.compile(r"\s*<think(?:ing)?>.*?(?:</think(?:ing)?>|\Z)\s*", re.DOTALL)


def read(answer: object, kind: type[_T]) -> _T | None:
    """An SDK's answer as a struct of ours; None when it is something else.

    The SDKs build their models without checking, and hand on what is no JSON as text.
    """
    plain: Any = answer
    if hasattr(answer, "to_dict"):
        plain = answer.to_dict(mode="json", warnings=False)
    try:
        return msgspec.convert(plain, kind)
    except msgspec.ValidationError:
        return None


def spoken(text: str) -> str:
    """The text without the thoughts that some open models write before it."""
    match = _THOUGHT.match(text)
    return text[match.end() :] if match else text
