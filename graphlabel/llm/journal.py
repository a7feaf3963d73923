"""The journal: every answer, every call and every batch, on disk before anything else happens."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec
from sqlalchemy import Connection, create_engine, event, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import SQLAlchemyError

from graphlabel.errors import LanguageModelError
from graphlabel.llm.gateway import Query
from graphlabel.llm.journal_tables import ANSWERS, BATCHES, CALLS, HOSTS, UNUSABLE, migrate
from graphlabel.llm.requests import Completion

LEDGER_VARIABLE = "GRAPHLABEL_LEDGER"
_MOST_IN_QUERY = 500


def default_journal_path() -> Path:
    """Where the journal is: GRAPHLABEL_LEDGER or the user data folder."""
    from platformdirs import user_data_path

    named = os.environ.get(LEDGER_VARIABLE)
    return Path(named) if named else user_data_path("graphlabel") / "language-models.db"


def utc_now() -> datetime:
    """The time now, to the second."""
    return datetime.now(UTC).replace(microsecond=0)


@dataclass(frozen=True, slots=True)
class KeptBatch:
    """A batch that was sent, or was about to be, and whose answers are not collected."""

    id: int
    remote: str
    """The service's id; empty when the program was killed before it arrived."""
    keys: tuple[str, ...]
    time: datetime


class Journal:
    """An SQLite file in write-ahead mode; what a call wrote is on disk when the call returns.

    Several processes may use it at a time. Answers are kept by key: the hash of model, prompt and
    settings. It never holds API keys.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the journal; raises LanguageModelError when it can't be used."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise LanguageModelError(
                f"cannot make the folder {path.parent}: {error.strerror}; name another file with "
                f"{LEDGER_VARIABLE}"
            ) from error
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 30})
        event.listen(self._engine, "connect", _configure)
        event.listen(self._engine, "begin", _begin)
        try:
            with self.transaction() as connection:
                migrate(connection)
        except LanguageModelError:
            self._engine.dispose()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def answers(self, keys: Sequence[str]) -> dict[str, Completion]:
        """The answers that are kept; broken ones are none."""
        found: dict[str, Completion] = {}
        with self.transaction() as connection:
            for start in range(0, len(keys), _MOST_IN_QUERY):
                some = keys[start : start + _MOST_IN_QUERY]
                rows = connection.execute(
                    select(ANSWERS.c.key, ANSWERS.c.answer).where(ANSWERS.c.key.in_(some))
                )
                for key, answer in rows:
                    try:
                        found[key] = msgspec.json.decode(answer, type=Completion)
                    except msgspec.DecodeError:
                        continue
        return found

    def sending(self, key: str, model: str, query: Query, bound: float | None) -> int:
        """Note a call that is about to be sent; its number."""
        with self.transaction() as connection:
            row = _call(key, model, query, bound, None)
            statement = CALLS.insert().values(**row).returning(CALLS.c.id)
            call: int = connection.execute(statement).scalar_one()
            return call

    def answered(self, call: int, key: str, model: str, answer: Completion) -> None:
        """Keep an answer, and what it cost, at once."""
        with self.transaction() as connection:
            _keep(connection, key, model, answer)
            connection.execute(
                update(CALLS)
                .where(CALLS.c.id == call)
                .values(
                    state="answered",
                    input_tokens=answer.input_tokens,
                    output_tokens=answer.output_tokens,
                    dollars=answer.dollars,
                )
            )

    def failed(self, call: int, why: str, *, perhaps_paid: bool) -> None:
        """Note that a call has no answer."""
        values: dict[str, Any] = {"state": "failed", "why": why, "dollars": 0.0}
        if perhaps_paid:
            values = {"state": "unsure", "why": why}
        with self.transaction() as connection:
            connection.execute(update(CALLS).where(CALLS.c.id == call).values(**values))

    def intend_batch(
        self, model: str, queries: Sequence[tuple[str, Query, float | None]]
    ) -> KeptBatch:
        """Note a batch, as (key, query, bound), that is about to be sent."""
        keys, now = [key for key, _, _ in queries], utc_now()
        with self.transaction() as connection:
            batch = connection.execute(
                BATCHES.insert()
                .values(
                    model=model, remote="", keys=" ".join(keys), state="intended",
                    time=now.isoformat(),
                )
                .returning(BATCHES.c.id)
            ).scalar_one()  # fmt: skip
            rows = [_call(key, model, query, bound, batch) for key, query, bound in queries]
            connection.execute(CALLS.insert(), rows)
        return KeptBatch(batch, "", tuple(keys), now)

    def sent_batch(self, batch: int, remote: str) -> None:
        """Keep the service's id of a batch."""
        with self.transaction() as connection:
            connection.execute(
                update(BATCHES).where(BATCHES.c.id == batch).values(state="sent", remote=remote)
            )

    def open_batches(self, model: str) -> list[KeptBatch]:
        """The batches of a model whose answers are not collected yet, oldest first."""
        with self.transaction() as connection:
            rows = connection.execute(
                select(BATCHES)
                .where(BATCHES.c.model == model, BATCHES.c.state.in_(("intended", "sent")))
                .order_by(BATCHES.c.id)
            ).all()
        return [
            KeptBatch(row.id, row.remote, tuple(row.keys.split()), datetime.fromisoformat(row.time))
            for row in rows
        ]

    def known_batches(self, model: str) -> set[str]:
        """The service's ids of all batches of a model that are known here."""
        with self.transaction() as connection:
            found = connection.scalars(select(BATCHES.c.remote).where(BATCHES.c.model == model))
            return {remote for remote in found if remote}

    def collected(
        self,
        batch: int,
        remote: str,
        model: str,
        answers: Mapping[str, Completion],
        failures: Mapping[str, str],
    ) -> None:
        """Keep all answers of a batch, what they cost, and why the others have none, at once."""
        with self.transaction() as connection:
            connection.execute(
                update(BATCHES)
                .where(BATCHES.c.id == batch)
                .values(state="collected", remote=remote)
            )
            for key, answer in answers.items():
                _keep(connection, key, model, answer)
                connection.execute(
                    _of_batch(batch, key).values(
                        state="answered", input_tokens=answer.input_tokens,
                        output_tokens=answer.output_tokens, dollars=answer.dollars,
                    )
                )  # fmt: skip
            for key, why in failures.items():
                connection.execute(
                    _of_batch(batch, key).values(state="failed", why=why, dollars=0.0)
                )

    def lost_batch(self, batch: int, *, perhaps_paid: bool) -> None:
        """Give up a batch that the service does not have, or no longer has."""
        state = "unsure" if perhaps_paid else "failed"
        with self.transaction() as connection:
            connection.execute(
                update(CALLS)
                .where(CALLS.c.batch == batch)
                .values(state=state, why="batch lost", dollars=None if perhaps_paid else 0.0)
            )
            connection.execute(update(BATCHES).where(BATCHES.c.id == batch).values(state="lost"))

    def unusable(self, key: str, model: str, query: Query, raw: str, about: str, why: str) -> None:
        """Keep an answer of which nothing could be made, and why."""
        values = {
            "model": model, "purpose": query.purpose, "tier": query.tier, "about": about,
            "why": why, "raw": raw, "time": utc_now().isoformat(),
        }  # fmt: skip
        statement = sqlite_insert(UNUSABLE).values(key=key, **values)
        with self.transaction() as connection:
            connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))

    def told_about(self, host: str) -> bool:
        """Whether the person was told that prompts go to a host; from now on they were."""
        with self.transaction() as connection:
            done = connection.execute(
                sqlite_insert(HOSTS).values(host=host).on_conflict_do_nothing()
            )
            return done.rowcount == 0

    @contextmanager
    def transaction(self) -> Iterator[Connection]:
        """A connection whose changes are on disk when the block ends; LanguageModelError if not."""
        try:
            with self._engine.begin() as connection:
                yield connection
        except SQLAlchemyError as error:
            why = " ".join(str(getattr(error, "orig", error)).split())[:200]
            raise LanguageModelError(
                f"the journal of language models {self.path} cannot be used: {why}; free the "
                f"disk, or name another file with {LEDGER_VARIABLE}"
            ) from error


def _call(
    key: str, model: str, query: Query, bound: float | None, batch: int | None
) -> dict[str, Any]:
    return {
        "key": key, "model": model, "purpose": query.purpose, "tier": query.tier, "batch": batch,
        "state": "sent", "why": "", "input_tokens": 0, "output_tokens": 0, "dollars": None,
        "bound": bound, "time": utc_now().isoformat(),
    }  # fmt: skip


def _keep(connection: Connection, key: str, model: str, answer: Completion) -> None:
    values = {
        "model": model,
        "answer": msgspec.json.encode(answer).decode(),
        "time": utc_now().isoformat(),
    }
    statement = sqlite_insert(ANSWERS).values(key=key, **values)
    connection.execute(statement.on_conflict_do_update(index_elements=["key"], set_=values))


def _of_batch(batch: int, key: str) -> Any:
    return update(CALLS).where(CALLS.c.batch == batch, CALLS.c.key == key)


def _configure(connection: object, _record: object) -> None:
    # the driver would begin transactions only at the first change, too late for a migration
    connection.isolation_level = None  # type: ignore[attr-defined]
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
