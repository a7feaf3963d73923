"""The index of the labels' texts: every three characters in a row (trigrams).

In SQLite it is FTS5's; in PostgreSQL an inverted index (GIN) of trigrams as lexemes, because
those can be asked for by their beginning.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice

from sqlalchemy import ColumnElement, Connection, Integer, cast, column, func, select, table
from sqlalchemy.dialects.postgresql import TSQUERY

from graphlabel.store.schema import LABELS

TEXTS = table("labels_text", column("rowid", Integer), column("labels_text"))
"""The index; its hidden column of the same name is what is matched."""

_TRIGRAMS = table("labels_trigrams", column("term"))
"""Every occurrence of every trigram, sorted."""

_BY_SERVER = "ix_labels_text"
"""PostgreSQL's own index for parts of texts, where the server has the extension ``pg_trgm``."""

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


def lexeme_match(connection: Connection, words: Sequence[str]) -> ColumnElement[bool] | None:
    """PostgreSQL's condition that the index has all of these words; None where it is no help.

    With ``pg_trgm`` the server finds longer words itself, and guesses better how many there are.
    """
    if connection.scalar(select(func.to_regclass(_BY_SERVER))):
        words = [word for word in words if len(word) < _INDEXED]
    if not words:
        return None
    query = " & ".join(map(_lexemes, words))
    return func.label_trigrams(LABELS.c.folded).bool_op("@@")(cast(query, TSQUERY))


def _lexemes(word: str) -> str:
    """What a text with the word has: the trigrams of the word, or one that begins with it."""
    if len(word) < _INDEXED:
        return f"{_lexeme(word)}:*"
    starts = range(len(word) - _INDEXED + 1)
    return " & ".join(_lexeme(word[start : start + _INDEXED]) for start in starts)


def _lexeme(text: str) -> str:
    return "'" + text.replace("\\", "\\\\").replace("'", "''") + "'"
