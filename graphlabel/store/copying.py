"""A whole store into an empty one: moving, sharing, backing up."""

from __future__ import annotations

from collections.abc import Callable

from sqlalchemy import Connection, Table, func, insert, select
from sqlalchemy import text as sql

from graphlabel.errors import StoreError
from graphlabel.store.database import Database
from graphlabel.store.schema import EDITS, GRAPHS, LABELS, TRANSCODER_SETS

_TABLES = (TRANSCODER_SETS, GRAPHS, EDITS, LABELS)
_BATCH = 5000

Report = Callable[[str, int, int], None]
"""Told the table, how many of its rows are done, and how many there are."""


def copy_store(source: Database, target: Database, report: Report) -> dict[str, int]:
    """Copy everything as of one moment, all or nothing; the rows of each table.

    Others may go on working with the source. Raises StoreError when the target is not empty.
    """

    def read(reading: Connection) -> dict[str, int]:
        return target.write(lambda writing: _copy(reading, writing, target.name, report))

    return source.read(read)


def _copy(reading: Connection, writing: Connection, name: str, report: Report) -> dict[str, int]:
    if any(_count(writing, table) for table in _TABLES):
        raise StoreError(f"the annotation store {name} is not empty; copy into a new one")
    copied = {}
    for table in _TABLES:
        total, done = _count(reading, table), 0
        rows = reading.execution_options(yield_per=_BATCH).execute(select(table))
        for some in rows.mappings().partitions():
            writing.execute(insert(table), [dict(row) for row in some])
            done += len(some)
            report(table.name, done, total)
        copied[table.name] = done
    if writing.dialect.name == "postgresql":
        go_on_counting(writing)
    return copied


def _count(connection: Connection, table: Table) -> int:
    return int(connection.scalar(select(func.count()).select_from(table)) or 0)


def go_on_counting(connection: Connection) -> None:
    """Have PostgreSQL number new rows after those that came with their numbers."""
    for table in ("transcoder_sets", "edits", "labels"):
        connection.execute(
            sql(
                f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), "
                f"(SELECT coalesce(max(id), 0) + 1 FROM {table}), false)"
            )
        )
