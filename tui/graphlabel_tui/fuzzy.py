"""Words that were typed nearly right: letters left out, doubled, swapped or mistaken."""

from __future__ import annotations

import re
from functools import lru_cache

MOST_SKIPPED = 2
"""Letters that may be missing between two typed ones."""
SHORTEST_WITH_TYPOS = 4
"""In shorter words nearly every slip makes another word."""
LONGEST_WITH_TYPOS = 24


def fuzzy(word: str) -> re.Pattern[str]:
    """Finds what begins like a word and has its letters in order, few left out between them.

    In words of 4 to 24 letters one of them may be wrong or too many, or two swapped. The
    text must be case-folded, as the word is.
    """
    spellings = [word]
    if SHORTEST_WITH_TYPOS <= len(word) <= LONGEST_WITH_TYPOS:
        at = range(1, len(word))
        spellings += [word[:i] + word[i + 1 :] for i in at]
        spellings += [word[: i - 1] + word[i] + word[i - 1] + word[i + 1 :] for i in at]
    return _pattern(tuple(dict.fromkeys(spellings)))


@lru_cache(maxsize=64)
def _pattern(spellings: tuple[str, ...]) -> re.Pattern[str]:
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(_in_order, spellings))})")


def _in_order(word: str) -> str:
    # what is skipped is never the letter looked for: without a choice there is no backtracking
    rest = (f"[^{re.escape(char)}\n]{{0,{MOST_SKIPPED}}}{re.escape(char)}" for char in word[1:])
    return re.escape(word[0]) + "".join(rest)
