"""How wide a text will be, and where to break it, without a font at hand."""

from __future__ import annotations

import unicodedata

FONTS = (
    "Inter, 'Segoe UI', 'Helvetica Neue', Arial, 'DejaVu Sans', 'Liberation Sans', 'Noto Sans', "
    "Ubuntu, sans-serif"
)
"""Tried in order; the last resort differs from system to system."""

NARROW = frozenset("iljtfrI.,:;'|!()[]{} `·‘’“”\"")
WIDE = frozenset("mwMW@%—")


def text_width(text: str, size: float) -> float:
    """The width of a text in pixels at a font size, on the generous side (DejaVu Sans)."""
    return size * sum(map(_advance, text))


def _advance(char: str) -> float:
    if unicodedata.combining(char):
        return 0.0
    if unicodedata.east_asian_width(char) in "WF":
        return 1.05
    if char in NARROW:
        return 0.38
    if char in WIDE:
        return 0.95
    return 0.7 if char.isupper() else 0.61


def shortened(text: str, most: int) -> str:
    """The text, cut after so many characters with an ellipsis."""
    return text if len(text) <= most else text[: most - 1] + "…"


def wrap(text: str, size: float, width: float, lines: int) -> list[str]:
    """The text broken into at most so many lines of so many pixels; an ellipsis says it goes on.

    Breaks at spaces where it can, inside words where it must.
    """
    broken: list[str] = []
    rest = text.strip() or text
    while rest:
        if len(broken) == lines - 1:
            broken.append(_shorten(rest, size, width))
            break
        fits = _that_fits(rest, size, width)
        if fits < len(rest):
            space = rest.rfind(" ", 0, fits + 1)
            word = rest[space + 1 :].split(" ", 1)[0]
            # a word too long for any line is broken here as well as there
            if space > 0 and _that_fits(word, size, width) == len(word):
                fits = space
        broken.append(rest[:fits].rstrip())
        rest = rest[fits:].lstrip()
    return broken or [""]


def _that_fits(text: str, size: float, width: float) -> int:
    used = 0.0
    for place, char in enumerate(text):
        used += _advance(char) * size
        if used > width:
            return max(place, 1)
    return len(text)


def _shorten(text: str, size: float, width: float) -> str:
    if text_width(text[:1000], size) <= width and len(text) <= 1000:
        return text
    fits = _that_fits(text, size, width - _advance("…") * size)
    return text[:fits].rstrip() + "…"
