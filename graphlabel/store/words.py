"""SQLite's index of the labels' texts: every three characters in a row (FTS5's trigrams)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import Connection, Integer, column, select, table

TEXTS = table("labels_text", column("rowid", Integer), column("labels_text"))
"""The index; its hidden column of the same name is what is matched."""

_TRIGRAMS = table("labels_trigrams", column("term"))
"""Every occurrence of every trigram, sorted."""

_INDEXED = 3
"""Characters. A shorter word is the beginning of trigrams: blanks follow every text."""

_MOST_TRIGRAMS = 1000
"""With as many different continuations, a short word is soon found without the index."""

_NOTHING = '"\x01\x01\x01"'
"""Matches no text; a phrase without any trigram would be passed over."""


def text_match(connection: Connection, words: Sequence[str]) -> str | None:
    """The FTS5 expression for texts with all of these words; None where the index is no help."""
    parts = [part for word in words if (part := _any_of(connection, word)) is not None]
    return " AND ".join(f"({part})" for part in parts) or None


def _any_of(connection: Connection, word: str) -> str | None:
    if len(word) >= _INDEXED:
        return _quoted(word)
    found = list(islice(_trigrams(connection, word), _MOST_TRIGRAMS))
    if len(found) == _MOST_TRIGRAMS:
        return None
    return " OR ".join(map(_quoted, found)) or _NOTHING


def _trigrams(connection: Connection, beginning: str) -> Iterator[str]:
    """The trigrams in the index that begin so, each found by one step into the sorted index."""
    term, start = _TRIGRAMS.c.term, beginning
    while found := connection.scalar(select(term).where(term >= start).limit(1)):
        if not found.startswith(beginning):
            return
        yield found
        start = found + "\x01"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'
