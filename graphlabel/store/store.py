"""The annotation store: every edit of every graph, kept as it happens."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from platformdirs import user_data_path
from sqlalchemy import Connection, Engine, create_engine, event, insert, select, update
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.exc import DatabaseError, SQLAlchemyError

from graphlabel.annotation import Annotations, Edit, History
from graphlabel.annotation.encoding import decode_patch, encode_patch
from graphlabel.errors import AnnotationError, StoreError
from graphlabel.graph import AttributionGraph, graph_key
from graphlabel.store.schema import EDITS, GRAPHS, migrate, utc_now

STORE_VARIABLE = "GRAPHLABEL_STORE"


def default_store_path() -> Path:
    """Where the store lives unless told otherwise: GRAPHLABEL_STORE or the user data folder."""
    named = os.environ.get(STORE_VARIABLE)
    return Path(named) if named else user_data_path("graphlabel") / "annotations.db"


class Store:
    """An SQLite file of edits, in write-ahead mode, one transaction an edit.

    An edit is on disk when the call that made it returns: a crash loses nothing acknowledged.
    """

    def __init__(self, path: Path) -> None:
        """Open or make the store; raises StoreError when it can't be used."""
        self.path = path
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(
                f"cannot make the folder {path.parent}: {error.strerror}; "
                f"name another store with --store or {STORE_VARIABLE}"
            ) from error
        self._engine = create_engine(f"sqlite:///{path}", connect_args={"timeout": 10})
        event.listen(self._engine, "connect", _configure)
        try:
            with self._transaction() as connection:
                migrate(connection)
        except StoreError:
            self._engine.dispose()
            raise

    def close(self) -> None:
        """Let go of the file."""
        self._engine.dispose()

    def history(self, graph: AttributionGraph, annotations: Annotations, slug: str) -> History:
        """The graph's annotations with every stored edit made again, and its undo list.

        ``annotations`` are the ones its file holds.
        """
        key = graph_key(graph)
        with self._transaction() as connection:
            connection.execute(
                sqlite_insert(GRAPHS)
                .values(key=key, slug=slug, prompt=graph.prompt, first_opened=utc_now())
                .on_conflict_do_nothing()
            )
            rows = connection.execute(
                select(EDITS).where(EDITS.c.graph == key).order_by(EDITS.c.id)
            ).all()
        edits = [(row.state, self._edit(row)) for row in rows]
        for state, edit in reversed(edits):
            # the file may have been saved before the edit was taken back
            if state != "done" and edit.change.inverse(annotations) == edit.change:
                annotations = edit.inverse.apply(annotations)
        history = History(annotations)
        for state, edit in edits:
            if state == "done":
                history.annotations = edit.change.apply(history.annotations)
                history.done.append(edit)
            elif state == "undone":
                history.undone.insert(0, edit)
        return history

    def _edit(self, row: Any) -> Edit:
        try:
            return Edit(
                row.title,
                decode_patch(json.loads(row.change)),
                decode_patch(json.loads(row.inverse)),
            )
        except (AnnotationError, ValueError) as error:
            raise StoreError(f"edit {row.id} in {self.path} is broken: {error}") from error

    def record(self, graph: str, edit: Edit, author: str) -> None:
        """Keep an edit of the graph with this key; what was undone can no longer be redone."""
        with self._transaction() as connection:
            connection.execute(
                update(EDITS)
                .where(EDITS.c.graph == graph, EDITS.c.state == "undone")
                .values(state="dropped")
            )
            connection.execute(
                insert(EDITS).values(
                    graph=graph,
                    title=edit.title,
                    change=json.dumps(encode_patch(edit.change)),
                    inverse=json.dumps(encode_patch(edit.inverse)),
                    author=author,
                    time=utc_now(),
                    state="done",
                )
            )

    def record_undo(self, graph: str) -> None:
        """Mark the graph's last edit as undone."""
        self._move(graph, "done", "undone", newest=True)

    def record_redo(self, graph: str) -> None:
        """Mark the graph's last undone edit as done again."""
        self._move(graph, "undone", "done", newest=False)

    def _move(self, graph: str, old: str, new: str, *, newest: bool) -> None:
        order = EDITS.c.id.desc() if newest else EDITS.c.id.asc()
        with self._transaction() as connection:
            chosen = connection.scalar(
                select(EDITS.c.id)
                .where(EDITS.c.graph == graph, EDITS.c.state == old)
                .order_by(order)
                .limit(1)
            )
            connection.execute(update(EDITS).where(EDITS.c.id == chosen).values(state=new))

    @contextmanager
    def _transaction(self) -> Iterator[Connection]:
        try:
            with self._engine.begin() as connection:
                yield connection
        except DatabaseError as error:
            raise StoreError(
                f"the annotation store {self.path} cannot be used: {error.orig}; "
                f"name another with --store or {STORE_VARIABLE}"
            ) from error
        except SQLAlchemyError as error:
            raise StoreError(f"the annotation store {self.path} failed: {error}") from error

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for maintenance."""
        return self._engine


def _configure(connection: object, _record: object) -> None:
    cursor = connection.cursor()  # type: ignore[attr-defined]
    cursor.execute("PRAGMA journal_mode=WAL")
    cursor.execute("PRAGMA synchronous=FULL")
    cursor.close()
