"""A graph's annotations: what its file holds, what the log did, what labels the store shares."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Connection, select

from graphlabel.annotation import Annotations, Label, LabelTarget, Patch
from graphlabel.annotation.encoding import decode_patch
from graphlabel.errors import AnnotationError, StoreError
from graphlabel.graph import AttributionGraph, FeatureKey, NodeKind
from graphlabel.records import TranscoderSet
from graphlabel.store.graphs import GraphCard
from graphlabel.store.rows import target_of
from graphlabel.store.schema import EDITS, LABELS, DatabaseRow
from graphlabel.store.sets import matching_sets
from graphlabel.store.standing import shown
from graphlabel.store.targets import Shelf, batches, rows_on

_LOGGED = ("notes", "reviews", "supernodes", "pinned")
"""What is read from the log; labels have rows of their own."""

_MOST_ROWS = 5000
"""Where more labels than that arrived, the graph's are read anew."""


@dataclass(frozen=True)
class GraphPlace:
    """A graph as the store finds its annotations."""

    key: str
    file: Annotations
    """What the file holds."""
    transcoder_set: TranscoderSet | None
    features: frozenset[FeatureKey] = field(repr=False)

    @classmethod
    def of(cls, graph: AttributionGraph, card: GraphCard, file: Annotations) -> GraphPlace:
        """Where the annotations of a graph are."""
        features = frozenset(
            graph.nodes[place].key.feature_key for place in graph.places(NodeKind.FEATURE)
        )
        return cls(card.key, file, card.transcoder_set, features)


def stored_annotations(connection: Connection, place: GraphPlace) -> Annotations:
    """The graph's annotations now."""
    changed = replayed(connection, place.key).apply(place.file)
    return relabelled(connection, place, changed, all_targets(connection, place))


def annotations_of(connection: Connection, key: str) -> Annotations:
    """What the store alone knows of a graph, without its file; shared labels are left out."""
    place = GraphPlace(key, Annotations(), None, frozenset())
    changed = replayed(connection, key).apply(Annotations())
    return relabelled(connection, place, changed, _labelled_here(connection, place))


def relabelled(
    connection: Connection, place: GraphPlace, now: Annotations, targets: Iterable[LabelTarget]
) -> Annotations:
    """The annotations with these targets' labels as file and store have them."""
    labels = dict(now.labels)
    for target, label in labels_on(connection, place, targets).items():
        if label is None:
            labels.pop(target, None)
        else:
            labels[target] = label
    return replace(now, labels=labels)


def labels_on(
    connection: Connection, place: GraphPlace, targets: Iterable[LabelTarget]
) -> dict[LabelTarget, Label | None]:
    """The label to show on each target; None where there is none."""
    wanted = list(targets)
    rows: dict[LabelTarget, list[DatabaseRow]] = defaultdict(list)
    for shelf in shelves(connection, place):
        for target, found in rows_on(connection, shelf, wanted).items():
            rows[target] += found
    return {
        target: shown(
            place.file.labels.get(target),
            sorted(rows.get(target, ()), key=lambda row: row.id),
            place.key,
        )
        for target in wanted
    }


def shelves(connection: Connection, place: GraphPlace) -> list[Shelf]:
    """Everywhere labels for the graph may be."""
    sets = matching_sets(connection, place.transcoder_set)
    return [Shelf(None, place.key), *(Shelf(number, "") for number in sets)]


def replayed(connection: Connection, key: str, seen: int = 0) -> Patch:
    """What the log did to a graph after the edit ``seen``, but its labels, as one patch."""
    raw: dict[str, Any] = {"notes": {}, "reviews": {}}
    here = EDITS.c.graph == key, EDITS.c.id > seen
    query = select(EDITS.c.id, EDITS.c.change).where(*here).order_by(EDITS.c.id)
    for number, change in connection.execute(query):
        try:
            parts = json.loads(change)
            for part in _LOGGED:
                if part in parts and part in raw and isinstance(raw[part], dict):
                    raw[part].update(parts[part])
                elif part in parts:
                    raw[part] = parts[part]
        except (AttributeError, TypeError, ValueError) as error:
            raise StoreError(f"edit {number} in the store is broken: {error}") from error
    try:
        return decode_patch(raw)
    except AnnotationError as error:
        raise StoreError(f"the edits of graph {key} in the store are broken: {error}") from error


def _labelled_here(connection: Connection, place: GraphPlace) -> set[LabelTarget]:
    query = select(LABELS).where(LABELS.c.graph == place.key)
    return {target_of(row) for row in connection.execute(query)}


def all_targets(connection: Connection, place: GraphPlace) -> set[LabelTarget]:
    """Everything a label that the graph shows may be on."""
    return {*place.features, *_labelled_here(connection, place), *place.file.labels}


def changed_since(
    connection: Connection, place: GraphPlace, seen: int
) -> tuple[list[DatabaseRow], set[LabelTarget]]:
    """The edits after ``seen`` that are about this graph, and its targets they labelled anew."""
    since = connection.execute(select(EDITS).where(EDITS.c.id > seen).order_by(EDITS.c.id)).all()
    numbers = sorted({row.id for row in since} | {row.reverts for row in since if row.reverts})
    sets = frozenset(matching_sets(connection, place.transcoder_set))
    found: list[DatabaseRow] = []
    for some in batches(numbers, _MOST_ROWS):
        # by nothing but the edit: where databases may choose, they read the whole transcoder set
        query = select(LABELS).where(LABELS.c.edit.in_(some)).limit(_MOST_ROWS)
        found += connection.execute(query)
        if len(found) >= _MOST_ROWS:
            here = [row for row in since if row.graph in (place.key, "")]
            return here, all_targets(connection, place)
    about = [
        row
        for row in found
        if row.graph == place.key
        or (row.transcoder_set in sets and target_of(row) in place.features)
    ]
    anew = {row.edit for row in about}
    edits = [row for row in since if row.graph == place.key or {row.id, row.reverts} & anew]
    return edits, {target_of(row) for row in about}
