"""The store's tables, as an append-only list of named migrations."""

from __future__ import annotations

from datetime import UTC, datetime

from sqlalchemy import Column, Connection, Integer, MetaData, String, Table, Text, select

from graphlabel.errors import StoreError

METADATA = MetaData()

MIGRATIONS_TABLE = Table(
    "migrations",
    METADATA,
    Column("name", String(100), primary_key=True),
    Column("applied", String(32), nullable=False),
)

GRAPHS = Table(
    "graphs",
    METADATA,
    Column("key", String(64), primary_key=True),
    Column("slug", Text, nullable=False),
    Column("prompt", Text, nullable=False),
    Column("first_opened", String(32), nullable=False),
)

EDITS = Table(
    "edits",
    METADATA,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("graph", String(64), nullable=False, index=True),
    Column("title", Text, nullable=False),
    Column("change", Text, nullable=False),
    Column("inverse", Text, nullable=False),
    Column("author", Text, nullable=False),
    Column("time", String(32), nullable=False),
    Column("state", String(10), nullable=False),
)
"""Every edit ever made. ``state``: done, undone (may be redone) or dropped (was undone, then
another edit was made)."""


def _create_tables(connection: Connection) -> None:
    METADATA.create_all(connection)


MIGRATIONS = (("0001_graphs_and_edits", _create_tables),)
"""Applied in order, once each; never edit one that has been released, append another."""


def utc_now() -> str:
    """The time now, UTC, ISO 8601 to the second."""
    return datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def migrate(connection: Connection) -> None:
    """Bring a store up to date; raises StoreError when a newer program made it."""
    MIGRATIONS_TABLE.create(connection, checkfirst=True)
    applied = set(connection.scalars(select(MIGRATIONS_TABLE.c.name)))
    unknown = applied - {name for name, _ in MIGRATIONS}
    if unknown:
        raise StoreError(
            f"the annotation store was made by a newer graphlabel ({sorted(unknown)[-1]}); "
            "update graphlabel or name another store with --store"
        )
    for name, step in MIGRATIONS:
        if name not in applied:
            step(connection)
            connection.execute(MIGRATIONS_TABLE.insert().values(name=name, applied=utc_now()))
