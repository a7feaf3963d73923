"""The database below the store: SQLite or PostgreSQL, its transactions and its faults."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, select, text
from sqlalchemy.engine import URL
from sqlalchemy.exc import DBAPIError, OperationalError, SQLAlchemyError

from graphlabel.errors import StoreError
from graphlabel.store import places
from graphlabel.store.schema import EDITS

T = TypeVar("T")

_LOCK = 0x6C6162656C
"""The advisory lock of whoever writes: “label” in ASCII."""
_BUSY_SECONDS = 30.0
_CACHE_KIBIBYTES = 65_536
PATIENCE_SECONDS = 30.0
"""How long a server that went away is waited for; one that crashed reads its log first."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 1.0
"""Seconds between attempts to reach it; each pause is twice the one before."""
_ANSWER_SECONDS = (2, 10)
"""The least and the most a silent network is listened to, whatever the patience."""
_PASSING = ("08", "40", "57P")
"""SQLSTATE classes of faults that pass: connection, serialisation, shutdown."""


class Database:
    """Runs pieces of work in transactions; one writer at a time, whatever the database.

    That makes the order of ids the order of commits, so that a reader who remembers the last id
    misses nothing.
    """

    def __init__(self, place: Path | str, patience: float = PATIENCE_SECONDS) -> None:
        """Name the database; nothing is opened yet. Raises StoreError for what is no store.

        ``patience``: seconds, counted from when a server went away, that work waits for it.
        """
        self.url = places.url_of(place)
        self.name = places.shown(self.url)
        self._patience = patience
        self._away_since: float | None = None
        self._was_reached = False
        self._engine = _engine(self.url, patience)

    @property
    def is_file(self) -> bool:
        """Whether it is an SQLite file rather than a server."""
        return self.url.get_backend_name() == "sqlite"

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for maintenance."""
        return self._engine

    def close(self) -> None:
        """Let go of the file or the server."""
        self._engine.dispose()

    def read(self, work: Callable[[Connection], T], *, patient: bool = True) -> T:
        """What ``work`` finds, all of it as of one moment; raises StoreError.

        ``patient``: wait for a server that went away, as long as the patience lasts.
        """
        return self._attempts(lambda: self._once(work, writing=False), patient=patient)

    def write(self, work: Callable[[Connection], T], token: str = "") -> T:
        """Do ``work`` in a transaction that is on disk when this returns; raises StoreError.

        A server that goes away is waited for, and the work done again. Where the connection broke
        during the commit, the edit with ``token`` tells whether it had been kept; without a token
        the work must do no harm when it is done twice.
        """
        made: list[T] = []

        def remembered(connection: Connection) -> T:
            if made and token and _is_kept(connection, token):
                return made[-1]
            made.append(work(connection))
            return made[-1]

        return self._attempts(lambda: self._once(remembered, writing=True), patient=True)

    def _once(self, work: Callable[[Connection], T], *, writing: bool) -> T:
        with self._engine.connect() as connection:
            if self.is_file:
                connection = connection.execution_options(graphlabel_writing=writing)
            elif not writing:
                connection = connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                if writing and not self.is_file:
                    connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
                return work(connection)

    def _attempts(self, once: Callable[[], T], *, patient: bool) -> T:
        pause = _FIRST_PAUSE
        while True:
            try:
                done = once()
            except DBAPIError as error:
                if not self._may_pass(error) or not self._is_waited_for(pause, patient=patient):
                    raise StoreError(self._explained(error)) from error
            except (SQLAlchemyError, OverflowError, UnicodeError) as error:
                raise StoreError(f"the annotation store {self.name} failed: {error}") from error
            else:
                self._away_since, self._was_reached = None, True
                return done
            time.sleep(pause)
            pause = min(2 * pause, _LONGEST_PAUSE)

    def _is_waited_for(self, pause: float, *, patient: bool) -> bool:
        """Whether to try again after a pause; any thread's failure starts the clock."""
        now = time.monotonic()
        since = self._away_since or now
        self._away_since = since
        return patient and now + pause <= since + self._patience

    def _may_pass(self, error: DBAPIError) -> bool:
        if self.is_file:
            return False
        state = getattr(error.orig, "sqlstate", None)
        lost = error.connection_invalidated or (
            state is None and isinstance(error, OperationalError)
        )
        return lost or (state or "").startswith(_PASSING)

    def _explained(self, error: DBAPIError) -> str:
        what = " ".join(str(error.orig).split()) or type(error.orig).__name__
        for sign, advice in _ADVICE.items():
            if sign in what:
                return f"the annotation store {self.name} {advice} ({what})"
        if self._may_pass(error):
            lost = (
                "nothing it had acknowledged is lost; try again when the server is back"
                if self._was_reached
                else "is the address right and the server up?"
            )
            return f"the annotation store {self.name} cannot be reached: {what}; {lost}"
        return (
            f"the annotation store {self.name} cannot be used: {what}; "
            f"name another with --store or {places.STORE_VARIABLE}"
        )


_KEPT = "what is in it is unharmed, the last edit is not kept"
_ADVICE = {
    "disk is full": f"cannot grow, because the disk is full; {_KEPT}; free some room",
    "disk I/O error": f"cannot be written; {_KEPT}; is the disk full or the quota used up?",
    "readonly database": f"is read-only; {_KEPT}; make the file and its folder writable",
    "unable to open database": "cannot be opened; is its folder there, readable and writable?",
    "database is locked": f"is being written by another program that does not finish; {_KEPT}",
    "No space left": f"cannot grow, because the server's disk is full; {_KEPT}",
}
"""What to do about a database's complaint, by words that are in it."""


def _is_kept(connection: Connection, token: str) -> bool:
    return connection.scalar(select(EDITS.c.id).where(EDITS.c.token == token)) is not None


def _engine(url: URL, patience: float) -> Engine:
    if url.get_backend_name() == "sqlite":
        engine = create_engine(url, connect_args={"timeout": _BUSY_SECONDS})
        event.listen(engine, "connect", _configure)
        event.listen(engine, "begin", _begin)
        return engine
    least, most = _ANSWER_SECONDS
    seconds = min(max(round(patience), least), most)
    waits = {"connect_timeout": seconds, "tcp_user_timeout": 1000 * seconds}
    # a statement that is prepared is planned without regard to how common the searched words are
    asked_once = {"prepare_threshold": None}
    try:
        return create_engine(url, pool_pre_ping=True, connect_args=waits | asked_once)
    except ImportError as error:
        raise StoreError(
            "a PostgreSQL store needs psycopg; install it with: pip install 'graphlabel[postgres]'"
        ) from error


def _configure(connection: Any, _record: object) -> None:
    # transactions are begun by _begin: the driver would begin them only at the first write
    connection.isolation_level = None
    cursor = connection.cursor()
    try:
        if cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
            _write_ahead(cursor)
        cursor.execute("PRAGMA synchronous=FULL")
        cursor.execute(f"PRAGMA cache_size=-{_CACHE_KIBIBYTES}")
    finally:
        cursor.close()


def _write_ahead(cursor: Any) -> None:
    """Switch to write-ahead mode, for which SQLite does not wait by itself."""
    until = time.monotonic() + _BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except Exception as error:
            if "locked" not in str(error) or time.monotonic() > until:
                raise
            time.sleep(0.01)


def _begin(connection: Connection) -> None:
    writing = connection.get_execution_options().get("graphlabel_writing", False)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
