"""The journal's tables, as an append-only list of named migrations."""

from __future__ import annotations

from sqlalchemy import Column, Connection, Float, Integer, MetaData, String, Table, Text, select

from graphlabel.errors import LanguageModelError

METADATA = MetaData()

MIGRATIONS_TABLE = Table(
    "migrations", METADATA, Column("name", String(100), primary_key=True)
)  # fmt: skip

ANSWERS = Table(
    "answers",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("model", Text, nullable=False),
    Column("answer", Text, nullable=False),
    Column("time", String(32), nullable=False),
)
"""Every answer, by the hash of model, prompt and settings: the response cache."""

CALLS = Table(
    "calls",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("key", String(64), nullable=False, index=True),
    Column("model", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("tier", Integer, nullable=True),
    Column("batch", Integer, nullable=True, index=True),
    Column("state", String(10), nullable=False),
    Column("why", Text, nullable=False),
    Column("input_tokens", Integer, nullable=False),
    Column("output_tokens", Integer, nullable=False),
    Column("dollars", Float, nullable=True),
    Column("bound", Float, nullable=True),
    Column("time", String(32), nullable=False),
)
"""The ledger: one row an attempt, written before it is sent. ``state``: sent, answered, failed
(nothing to pay) or unsure (sent, and no answer arrived). ``dollars``: what it cost, or None where
no price is known; ``bound``: the most that it can cost."""

BATCHES = Table(
    "batches",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("model", Text, nullable=False),
    Column("remote", Text, nullable=False),
    Column("keys", Text, nullable=False),
    Column("state", String(10), nullable=False),
    Column("time", String(32), nullable=False),
)
"""Batches that were sent. ``state``: intended (the service may or may not have it), sent,
collected or lost; ``remote``: the service's own id, empty until it is known."""

HOSTS = Table("hosts", METADATA, Column("host", Text, primary_key=True))
"""Hosts about which the person was told that prompts go there."""


UNUSABLE = Table(
    "unusable",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("model", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("tier", Integer, nullable=True),
    Column("about", Text, nullable=False),
    Column("why", Text, nullable=False),
    Column("raw", Text, nullable=False),
    Column("time", String(32), nullable=False),
)
"""Answers of which nothing could be made, as they came, the last of each question."""


def _create_tables(connection: Connection) -> None:
    METADATA.create_all(connection, tables=[ANSWERS, CALLS, BATCHES, HOSTS])


def _create_unusable(connection: Connection) -> None:
    UNUSABLE.create(connection)


MIGRATIONS = (
    ("0001_answers_calls_batches_hosts", _create_tables),
    ("0002_unusable", _create_unusable),
)
"""Applied in order, once each; never edit one that has been released, append another."""


def migrate(connection: Connection) -> None:
    """Bring a journal up to date; raises LanguageModelError when a newer program made it."""
    MIGRATIONS_TABLE.create(connection, checkfirst=True)
    applied = set(connection.scalars(select(MIGRATIONS_TABLE.c.name)))
    unknown = applied - {name for name, _ in MIGRATIONS}
    if unknown:
        raise LanguageModelError(
            f"the journal of language models was made by a newer graphlabel ({sorted(unknown)[-1]})"
            "; update graphlabel or name another file with GRAPHLABEL_LEDGER"
        )
    for name, step in MIGRATIONS:
        if name not in applied:
            step(connection)
            connection.execute(MIGRATIONS_TABLE.insert().values(name=name))
