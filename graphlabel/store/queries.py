"""Finding labels in the store."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, select

from graphlabel.annotation import LabelTarget, Scope
from graphlabel.graph import FeatureKey
from graphlabel.store.database import Database
from graphlabel.store.labels import LabelFilter, LabelState, StoredLabel
from graphlabel.store.rows import stored_label
from graphlabel.store.schema import LABELS, DatabaseRow
from graphlabel.store.sets import known_sets
from graphlabel.store.words import TEXTS, lexeme_match, text_match

_BATCH = 5000


def labels(database: Database, wanted: LabelFilter, limit: int | None) -> Iterator[StoredLabel]:
    """The labels that pass a filter, the newest first, one batch of them at a time in memory."""
    before: int | None = None
    while limit is None or limit > 0:
        size = _BATCH if limit is None else min(limit, _BATCH)
        found = database.read(lambda connection: _newest(connection, wanted, before, size))  # noqa: B023
        yield from found
        if len(found) < size:
            return
        before = found[-1].id
        limit = None if limit is None else limit - len(found)


def label_history(database: Database, wanted: LabelFilter) -> list[StoredLabel]:
    """Everything ever said about a target, the oldest first."""

    def read(connection: Connection) -> list[StoredLabel]:
        sets = known_sets(connection)
        query = select(LABELS).where(*_conditions(connection, wanted, None)).order_by(LABELS.c.id)
        return [stored_label(row, sets) for row in connection.execute(query)]

    return database.read(read)


def latest_by_annotator(database: Database, wanted: LabelFilter) -> Iterator[StoredLabel]:
    """Each annotator's last word on each target that was not undone, sorted by target."""
    at = LABELS.c
    place = (at.scope, at.transcoder_set, at.layer, at.feature, at.kind, at.position)

    def read(connection: Connection) -> list[StoredLabel]:
        sets = known_sets(connection)
        conditions = [*_conditions(connection, wanted, None), at.undone.is_(False)]
        query = select(LABELS).where(*conditions).order_by(*place, at.graph, at.id)
        rows = connection.execute(query)
        return [each for _, on_one in groupby(rows, _place) for each in _last_words(on_one, sets)]

    yield from database.read(read)


def _place(row: DatabaseRow) -> tuple[object, ...]:
    shared = row.scope == Scope.FEATURE and row.transcoder_set is not None
    graph = "" if shared else row.graph
    return row.scope, row.transcoder_set, row.layer, row.feature, row.kind, row.position, graph


def _last_words(rows: Iterator[DatabaseRow], sets: dict[int, Any]) -> list[StoredLabel]:
    latest: dict[str, StoredLabel] = {}
    for label in sorted((stored_label(row, sets) for row in rows), key=lambda label: label.id):
        latest[label.annotator] = label
    return [label for label in latest.values() if not label.removed]


def _newest(
    connection: Connection, wanted: LabelFilter, before: int | None, size: int
) -> list[StoredLabel]:
    sets = known_sets(connection)
    query, number = _with_words(connection, wanted.words)
    query = query.where(*_conditions(connection, wanted, wanted.state))
    if before is not None:
        query = query.where(number < before)
    rows = connection.execute(query.order_by(number.desc()).limit(size))
    return [stored_label(row, sets) for row in rows]


def _conditions(
    connection: Connection, wanted: LabelFilter, state: LabelState | None
) -> list[ColumnElement[bool]]:
    at = LABELS.c
    found: list[ColumnElement[bool]] = []
    if wanted.transcoder_set is not None:
        sets = known_sets(connection).items()
        same = [number for number, each in sets if wanted.transcoder_set.matches(each)]
        found.append(at.transcoder_set.in_(same))
    if wanted.target is not None:
        found.append(on_target(wanted.target))
    if wanted.feature is not None:
        found.append(and_(at.layer == wanted.feature.layer, at.feature == wanted.feature.feature))
    equal = {
        at.graph: wanted.graph,
        at.scope: wanted.scope,
        at.origin: wanted.origin,
        at.author: wanted.author,
        at.method: wanted.method,
    }
    found += [part == str(value) for part, value in equal.items() if value is not None]
    states = {
        LabelState.CURRENT: at.current.is_(True),
        LabelState.UNDONE: at.undone.is_(True),
        LabelState.PAST: and_(at.current.is_(False), at.undone.is_(False)),
    }
    return [*found, states[state]] if state else found


def on_target(target: LabelTarget) -> ColumnElement[bool]:
    """Labels on exactly this feature or node, of whatever set or graph."""
    at = LABELS.c
    same = and_(at.layer == target.layer, at.feature == target.feature)
    if isinstance(target, FeatureKey):
        return and_(same, at.scope == Scope.FEATURE.value)
    here = and_(at.kind == target.kind.value, at.position == target.position)
    return and_(same, here, at.scope == Scope.OCCURRENCE.value)


def _with_words(connection: Connection, words: str) -> tuple[Select[Any], ColumnElement[int]]:
    """The labels in whose text every word occurs, and the column with their ids.

    SQLite reads its index of texts from the newest on only when asked to sort by the index's own
    number.
    """
    asked = words.casefold().split()
    query = select(LABELS)
    for word in asked:
        query = query.where(LABELS.c.folded.contains(word, autoescape=True))
    if connection.dialect.name != "sqlite":
        indexed = lexeme_match(connection, asked)
        return query if indexed is None else query.where(indexed), LABELS.c.id
    match = text_match(connection, asked)
    if match is None:
        return query, LABELS.c.id
    texts = TEXTS.c
    query = query.join_from(TEXTS, LABELS, LABELS.c.id == texts.rowid)
    return query.where(texts.labels_text.match(match)), texts.rowid
