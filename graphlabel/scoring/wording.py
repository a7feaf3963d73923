"""How texts and labels stand in a scorer's prompt: as data that cannot leave its quotation marks.

Every text is a JSON string on its own line, so that neither line breaks, quotation marks nor
instructions in it end it. Marks that a text holds by itself are replaced, so that only ours count.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence

from graphlabel.annotation import clean_label

OPEN, CLOSE = "<<", ">>"
_FOREIGN = str.maketrans({"<": "‹", ">": "›"})


def quoted(text: str) -> str:
    """A text as a JSON string; control, bidirectional and invisible characters are escaped."""
    whole = json.dumps(text.encode("utf-8", "replace").decode(), ensure_ascii=False)
    return "".join(char if char.isprintable() else _escaped(char) for char in whole)


def _escaped(char: str) -> str:
    return json.dumps(char)[1:-1]


def quoted_label(label: str) -> str:
    """A label as one line in quotation marks."""
    return quoted(clean_label(label))


def marked(tokens: Sequence[str], places: Collection[int]) -> str:
    """Tokens as text with those at some places in double angle brackets."""
    parts = []
    for place, token in enumerate(tokens):
        plain = token.translate(_FOREIGN)
        space = plain[: len(plain) - len(plain.lstrip())]
        bare = plain[len(space) :]
        parts.append(f"{space}{OPEN}{bare}{CLOSE}" if place in places and bare else plain)
    return "".join(parts)


def listed(texts: Sequence[str]) -> str:
    """Texts as numbered JSON strings, a line each."""
    return "\n".join(f"{number}. {quoted(text)}" for number, text in enumerate(texts, start=1))
