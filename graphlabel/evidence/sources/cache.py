"""What servers answered, kept on disk."""

from __future__ import annotations

import sqlite3
import time
import zlib
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from graphlabel.errors import EvidenceError

MISS_EXPIRES = 24 * 3600.0
"""Seconds for which “there is no such feature” is believed."""

_TABLE = """
create table if not exists answers (
    key text primary key,
    body blob,
    time real not null
) without rowid
"""


def default_cache_path() -> Path:
    """Where answers are kept: the user's cache folder."""
    from platformdirs import user_cache_path

    return user_cache_path("graphlabel") / "feature_answers.sqlite"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a server once answered; a body of None means that there is no such feature."""

    body: bytes | None
    time: float


class AnswerCache:
    """Answers by address. Safe to use from several threads and processes at once."""

    def __init__(self, path: Path | None = None) -> None:
        """Keep answers in a file; it is made with the first answer."""
        self.path = path or default_cache_path()

    def get(self, key: str) -> Answer | None:
        """What was answered, or None; misses are forgotten after a day."""
        if not self.path.is_file():
            return None
        with closing(self._open()) as database:
            try:
                statement = "select body, time from answers where key = ?"
                row = database.execute(statement, (key,)).fetchone()
            except sqlite3.Error as error:
                raise self._broken(error) from error
        if row is None:
            return None
        body, when = row
        if body is None:
            return Answer(None, when)
        try:
            return Answer(zlib.decompress(body), when)
        except (zlib.error, TypeError) as error:
            raise self._broken(error) from error

    def put(self, answers: Mapping[str, bytes | None]) -> None:
        """Keep answers, all or none; raises EvidenceError when they cannot be written."""
        now = time.time()
        rows = [
            (key, None if body is None else zlib.compress(body), now)
            for key, body in answers.items()
        ]
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EvidenceError(f"cannot write {self.path}: {error.strerror}") from error
        with closing(self._open()) as database:
            try:
                with database:
                    database.executemany("insert or replace into answers values (?, ?, ?)", rows)
            except sqlite3.Error as error:
                raise self._broken(error) from error

    def _open(self) -> sqlite3.Connection:
        try:
            database = sqlite3.connect(self.path, timeout=30)
        except sqlite3.Error as error:
            raise self._broken(error) from error
        try:
            database.execute(_TABLE)
        except sqlite3.Error as error:
            database.close()
            raise self._broken(error) from error
        return database

    def _broken(self, error: Exception) -> EvidenceError:
        return EvidenceError(f"the cache {self.path} cannot be used: {error}; delete the file")
