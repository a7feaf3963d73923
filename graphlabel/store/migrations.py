"""How a store of any age becomes one of today: an append-only list of named steps."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, Text, inspect, select
from sqlalchemy import text as sql
from sqlalchemy.exc import DBAPIError

from graphlabel.errors import StoreError
from graphlabel.store.copying import go_on_counting
from graphlabel.store.database import Database
from graphlabel.store.log import utc_now
from graphlabel.store.schema import EDITS, GRAPHS, LABELS, METADATA, MIGRATIONS_TABLE
from graphlabel.store.upgrade import replay_first_edits

FIRST = MetaData()
"""The tables of the first stores, as they were; never edit them."""

FIRST_GRAPHS = Table(
    "graphs",
    FIRST,
    Column("key", String(64), primary_key=True),
    Column("slug", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("first_opened", String(32), nullable=False),
)

FIRST_EDITS = Table(
    "edits",
    FIRST,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("graph", String(64), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("inverse", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("time", String(32), nullable=False),
    Column("state", String(10), nullable=False),
)
"""``state``: done, undone (may be redone) or dropped (was undone, then another edit was made)."""


def _first_tables(connection: Connection) -> None:
    FIRST.create_all(connection)


def _labels_and_sets(connection: Connection) -> None:
    """Labels get a table of their own, the log keeps undos as edits, graphs know their prompt."""
    graphs = [dict(row._mapping) for row in connection.execute(select(FIRST_GRAPHS))]
    in_order = select(FIRST_EDITS).order_by(FIRST_EDITS.c.id)
    edits = [dict(row._mapping) for row in connection.execute(in_order)]
    FIRST.drop_all(connection)
    # freeze copies of these tables here before a later step changes them
    METADATA.create_all(connection)
    if graphs:
        connection.execute(GRAPHS.insert(), graphs)
    upgraded = replay_first_edits(edits)
    if upgraded.edits:
        connection.execute(EDITS.insert(), upgraded.edits)
    if upgraded.labels:
        connection.execute(LABELS.insert(), upgraded.labels)
    if connection.dialect.name == "postgresql":
        go_on_counting(connection)


def _word_search(connection: Connection) -> None:
    """An index of every three letters in a row, so that any part of a label is found at once."""
    if connection.dialect.name == "sqlite":
        connection.exec_driver_sql(
            "CREATE VIRTUAL TABLE labels_text USING fts5"
            "(folded, content='labels', content_rowid='id', tokenize='trigram')"
        )
        connection.exec_driver_sql("INSERT INTO labels_text(labels_text) VALUES ('rebuild')")
        connection.exec_driver_sql(
            "CREATE TRIGGER labels_text_insert AFTER INSERT ON labels BEGIN "
            "INSERT INTO labels_text(rowid, folded) VALUES (new.id, new.folded); END"
        )
        return
    try:
        with connection.begin_nested():
            connection.execute(sql("CREATE EXTENSION IF NOT EXISTS pg_trgm"))
            connection.execute(
                sql("CREATE INDEX ix_labels_text ON labels USING gin (folded gin_trgm_ops)")
            )
    except DBAPIError:
        # a server without the extension, or a role that may not add it: 0005 makes an index
        return


def _short_words(connection: Connection) -> None:
    """Texts are indexed with two blanks after them, so that every letter begins a trigram."""
    for index in LABELS.indexes:
        index.create(connection, checkfirst=True)
    if connection.dialect.name != "sqlite":
        return
    for statement in (
        "DROP TRIGGER labels_text_insert",
        "DROP TABLE labels_text",
        "CREATE VIEW labels_padded AS SELECT id, folded || '  ' AS folded FROM labels",
        "CREATE VIRTUAL TABLE labels_text USING fts5(folded, content='labels_padded', "
        "content_rowid='id', tokenize='trigram case_sensitive 1')",
        "CREATE VIRTUAL TABLE labels_trigrams USING fts5vocab(labels_text, instance)",
        "INSERT INTO labels_text(labels_text) VALUES ('rebuild')",
        "CREATE TRIGGER labels_text_insert AFTER INSERT ON labels BEGIN "
        "INSERT INTO labels_text(rowid, folded) VALUES (new.id, new.folded || '  '); END",
    ):
        connection.exec_driver_sql(statement)


def _short_words_on_servers(connection: Connection) -> None:
    """PostgreSQL finds words of any length too, with no extension; see ``words``."""
    if connection.dialect.name != "postgresql":
        return
    for statement in (
        "CREATE FUNCTION label_trigrams(folded text) RETURNS tsvector "
        "LANGUAGE sql IMMUTABLE PARALLEL SAFE AS 'SELECT array_to_tsvector(array("
        "SELECT substr(folded || ''  '', i, 3) FROM generate_series(1, length(folded)) i))'",
        "CREATE INDEX ix_labels_trigrams ON labels USING gin (label_trigrams(folded))",
    ):
        connection.execute(sql(statement))


MIGRATIONS: tuple[tuple[str, Callable[[Connection], None]], ...] = (
    ("0001_graphs_and_edits", _first_tables),
    ("0002_labels_and_transcoder_sets", _labels_and_sets),
    ("0003_word_search", _word_search),
    ("0004_short_words", _short_words),
    ("0005_short_words_on_servers", _short_words_on_servers),
)
"""Applied in order, once each; never edit one that has been released, append another."""


def migrate(database: Database) -> None:
    """Bring a store up to date; raises StoreError when a newer program made it."""
    known = [name for name, _ in MIGRATIONS]
    if database.read(_applied, patient=False) != known:
        database.write(_bring_up_to_date)


def _applied(connection: Connection) -> list[str]:
    if not inspect(connection).has_table(MIGRATIONS_TABLE.name):
        return []
    applied = set(connection.scalars(select(MIGRATIONS_TABLE.c.name)))
    unknown = applied - {name for name, _ in MIGRATIONS}
    if unknown:
        raise StoreError(
            f"the annotation store was made by a newer graphlabel ({sorted(unknown)[-1]}); "
            "update graphlabel or name another store with --store"
        )
    return [name for name, _ in MIGRATIONS if name in applied]


def _bring_up_to_date(connection: Connection) -> None:
    MIGRATIONS_TABLE.create(connection, checkfirst=True)
    applied = _applied(connection)
    for name, step in MIGRATIONS:
        if name not in applied:
            step(connection)
            connection.execute(MIGRATIONS_TABLE.insert().values(name=name, applied=utc_now()))
