"""What a program knows of a graph in the store, and catching up with what others did since."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select

from graphlabel.annotation import Annotations
from graphlabel.graph import FeatureKey
from graphlabel.store.conflicts import Conflict, Entry, Outcome, conflict, entries
from graphlabel.store.loading import (
    GraphPlace,
    changed_since,
    relabelled,
    replayed,
    stored_annotations,
)
from graphlabel.store.log import EditKind, decode_edit, last_edit
from graphlabel.store.schema import EDITS, DatabaseRow


@dataclass(frozen=True, slots=True)
class LoggedEdit:
    """An edit in the log."""

    id: int
    title: str
    author: str
    time: str


@dataclass(frozen=True)
class KnownState:
    """A graph as of one moment of the store."""

    annotations: Annotations
    seen: int
    """The last edit of the whole store that is in it."""
    done: tuple[LoggedEdit, ...] = ()
    """The author's edits that can be undone, the last one last."""
    undone: tuple[LoggedEdit, ...] = ()
    """The author's edits that can be redone, the next one last."""
    heard: tuple[LoggedEdit, ...] = ()
    """What others did since the state before."""
    conflicts: tuple[Conflict, ...] = ()
    """What they wrote over edits that they had not seen."""
    authors: Mapping[Entry, str] = field(default_factory=dict)
    """Who wrote what was heard."""


Written = Mapping[Entry, tuple[int, object]]
"""What this program wrote: the edit and the value."""


def load(connection: Connection, place: GraphPlace, author: str) -> KnownState:
    """The graph as it is now; without an author, everybody's edits are in the undo list."""
    at = EDITS.c
    columns = select(at.id, at.title, at.author, at.time, at.kind, at.reverts)
    query = columns.where(at.graph == place.key).order_by(at.id)
    done, undone = _folded(connection.execute(query), author, (), ())
    annotations = stored_annotations(connection, place)
    return KnownState(annotations, last_edit(connection), done, undone)


def catch_up(
    connection: Connection, place: GraphPlace, author: str, known: KnownState, written: Written
) -> KnownState:
    """The graph as it is now, from what was known of it before."""
    last = last_edit(connection)
    state = replace(known, seen=last, heard=(), conflicts=(), authors={})
    if last == known.seen:
        return state
    annotations = replayed(connection, place.key, known.seen).apply(known.annotations)
    rows, targets = changed_since(connection, place, known.seen)
    annotations = relabelled(connection, place, annotations, targets)
    here = [row for row in rows if row.graph == place.key]
    done, undone = _folded(here, author, known.done, known.undone)
    conflicts, authors = _compared(place.key, rows, written)
    return replace(
        state,
        annotations=annotations,
        done=done,
        undone=undone,
        heard=tuple(_heard(row) for row in rows),
        conflicts=conflicts,
        authors=authors,
    )


def _folded(
    rows: Any, author: str, done: tuple[LoggedEdit, ...], undone: tuple[LoggedEdit, ...]
) -> tuple[tuple[LoggedEdit, ...], tuple[LoggedEdit, ...]]:
    """The undo and redo lists after more of the log."""
    past, future = {each.id: each for each in done}, {each.id: each for each in undone}
    for row in rows:
        if author and row.author != author:
            continue
        if row.kind == EditKind.DO:
            past[row.id] = _logged(row)
            future.clear()
        elif row.kind == EditKind.UNDO and row.reverts in past:
            future[row.reverts] = past.pop(row.reverts)
        elif row.kind == EditKind.REDO and row.reverts in future:
            past[row.reverts] = future.pop(row.reverts)
    return tuple(past.values()), tuple(future.values())


def _heard(row: DatabaseRow) -> LoggedEdit:
    words = {EditKind.UNDO: "undo ", EditKind.REDO: "redo "}.get(row.kind, "")
    return LoggedEdit(row.id, words + row.title, row.author, row.time)


def _logged(row: DatabaseRow) -> LoggedEdit:
    return LoggedEdit(row.id, row.title, row.author, row.time)


def _compared(
    key: str, rows: list[DatabaseRow], written: Written
) -> tuple[tuple[Conflict, ...], dict[Entry, str]]:
    """Which edits replaced something written here that their writers had not seen."""
    found: dict[Entry, Conflict] = {}
    authors: dict[Entry, str] = {}
    for row in rows:
        for entry, theirs in entries(decode_edit(row).change):
            if row.graph != key and not isinstance(entry.target, FeatureKey):
                continue  # a node of another graph
            authors[entry] = row.author
            number, yours = written.get(entry, (0, None))
            if number > row.seen and theirs != yours:
                found[entry] = conflict(entry, yours, theirs, Outcome.THEIRS_STANDS, row.author)
    return tuple(found.values()), authors
