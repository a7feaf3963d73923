"""A problem of a graph file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Problem:
    """One kind of problem, with all the places it was found at."""

    code: str
    """A short name, such as dangling-link."""
    meaning: str
    """What it does to whoever reads the file."""
    places: list[str] = field(default_factory=list)
    """Where, and what stands there."""
    remedy: str = ""
    """What ``--fix`` does about it; empty when only a person can decide."""
    fix: Callable[[], None] | None = None
    """Puts it right in the contents that were looked at."""


def shown(value: Any, most: int = 60) -> str:
    """A value of the file as a short text in quotation marks."""
    text = value if isinstance(value, str) else f"{value!r:.{most + 1}}"
    return f"“{text[: most - 1]}…”" if len(text) > most else f"“{text}”"
