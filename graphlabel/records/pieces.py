"""Where words end among word pieces."""

from __future__ import annotations

from collections.abc import Sequence


def continues_word(tokens: Sequence[str], place: int) -> bool:
    """Whether the token at a place goes on with the word before it.

    It does when neither a space nor a sign stands between their letters or digits.
    """
    if not 0 < place < len(tokens):
        return False
    before, here = tokens[place - 1], tokens[place]
    return before[-1:].isalnum() and here[:1].isalnum()
