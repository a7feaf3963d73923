"""Windows of tokens around an example's peak."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from graphlabel.records import ActivationExample, continues_word

SAME_RADIUS = 8
"""Two examples are copies when the ±8 tokens around their peaks are the same."""


class Window(NamedTuple):
    """Offsets from the peak, both inclusive."""

    start: int
    stop: int
    without_peak: bool = False
    """Whether the peak token itself is left out."""

    def __str__(self) -> str:
        return f"[{self.start}, {self.stop}]" + (" without the peak" if self.without_peak else "")


def window_tokens(
    example: ActivationExample, window: Window, *, whole_words: bool = False
) -> tuple[str, ...]:
    """The tokens of a window that exist and are not special.

    With ``whole_words``, pieces at the ends are completed to words. A window beside the peak never
    grows over it: what comes after the peak stays what comes after it.
    """
    start, stop = window.start, window.stop
    if whole_words:
        start, stop = _widened(example, start, stop)
    if not window.without_peak:
        return example.window(start, stop)
    return example.window(start, min(stop, -1)) + example.window(max(start, 1), stop)


def _widened(example: ActivationExample, start: int, stop: int) -> tuple[int, int]:
    peak, tokens = example.peak, example.tokens
    first, last = start, stop
    while first != 1 and continues_word(tokens, peak + first):
        first -= 1
    while last != -1 and continues_word(tokens, peak + last + 1):
        last += 1
    return first, last


def window_text(
    example: ActivationExample, window: Window, *, whole_words: bool = False
) -> str | None:
    """A window joined to text as the tokenizer decodes it; None where it holds no text."""
    return "".join(window_tokens(example, window, whole_words=whole_words)) or None


def surroundings(example: ActivationExample) -> tuple[str, ...]:
    """What two copies of an example share: the ±8 tokens, with the place of the peak."""
    return (*example.window(-SAME_RADIUS, -1), "\0", *example.window(0, SAME_RADIUS))


def most_common(texts: Sequence[str | None]) -> tuple[str, int]:
    """The most frequent text, case- and space-folded for counting, and how often it stands."""
    counts: dict[str, list[str]] = {}
    for text in texts:
        if text is not None:
            counts.setdefault(text.strip().casefold(), []).append(text.strip())
    if not counts:
        return "", 0
    best = max(counts.values(), key=len)
    return best[0], len(best)
