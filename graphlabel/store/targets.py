"""The rows on given targets, and which of them are current."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

from sqlalchemy import Connection, and_, select, update

from graphlabel.annotation import LabelTarget, Scope
from graphlabel.graph import FeatureKey
from graphlabel.store.rows import target_of
from graphlabel.store.schema import LABELS, DatabaseRow
from graphlabel.store.standing import standing

T = TypeVar("T")

_MANY = 5000
"""Values in one query; databases allow at least 32,000."""

_LARGEST, _LARGEST_LAYER = 2**63 - 1, 2**31 - 1


def batches(values: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """The values, at most ``size`` at a time."""
    for start in range(0, len(values), size):
        yield values[start : start + size]


class Shelf(NamedTuple):
    """Where labels on a target are kept together: by transcoder set, or by graph."""

    transcoder_set: int | None
    """For labels of features; None where they hold in one graph alone."""
    graph: str
    """For labels of occurrences, and of features without a set; empty otherwise."""


def fits(target: LabelTarget) -> bool:
    """Whether a database has room for the target's numbers."""
    numbers = [part for part in target if isinstance(part, int)]
    return max(map(abs, numbers)) <= _LARGEST and abs(target.layer) <= _LARGEST_LAYER


def shelf(target: LabelTarget, transcoder_set: int | None, graph: str) -> Shelf:
    """Where a label on a target belongs."""
    if isinstance(target, FeatureKey) and transcoder_set is not None:
        return Shelf(transcoder_set, "")
    return Shelf(None, graph)


def rows_on(
    connection: Connection, place: Shelf, targets: Iterable[LabelTarget]
) -> dict[LabelTarget, list[DatabaseRow]]:
    """Every row on each target, in the order of their ids; targets without rows are left out."""
    by_layer: dict[tuple[Scope, int], list[LabelTarget]] = defaultdict(list)
    for target in targets:
        shared = place.transcoder_set is not None
        if not fits(target) or (shared and not isinstance(target, FeatureKey)):
            continue
        scope = Scope.FEATURE if isinstance(target, FeatureKey) else Scope.OCCURRENCE
        by_layer[scope, target.layer].append(target)
    found: dict[LabelTarget, list[DatabaseRow]] = defaultdict(list)
    for (scope, layer), wanted in by_layer.items():
        asked = frozenset(wanted)
        for row in _rows(connection, place, scope, layer, sorted({t.feature for t in wanted})):
            target = target_of(row)
            if target in asked:
                found[target].append(row)
    for rows in found.values():
        rows.sort(key=lambda row: row.id)
    return found


def _rows(
    connection: Connection, place: Shelf, scope: Scope, layer: int, features: list[int]
) -> Iterator[DatabaseRow]:
    at = LABELS.c
    if place.transcoder_set is None:
        here = at.graph == place.graph
        if scope is Scope.FEATURE:
            here = and_(here, at.transcoder_set.is_(None))
    else:
        here = at.transcoder_set == place.transcoder_set
    for some in batches(features, _MANY):
        query = select(LABELS).where(
            here, at.scope == scope.value, at.layer == layer, at.feature.in_(some)
        )
        yield from connection.execute(query)


def renew_current(connection: Connection, rows: Mapping[LabelTarget, list[DatabaseRow]]) -> None:
    """Mark the rows that stand, and no others, on targets all of whose rows are given."""
    for value in (False, True):
        changed = [
            row.id
            for on_one in rows.values()
            for found in [standing(on_one)]
            for row in on_one
            if (row is found) is value and row.current is not value
        ]
        for some in batches(changed, _MANY):
            query = update(LABELS).where(LABELS.c.id.in_(some)).values(current=value)
            connection.execute(query)
