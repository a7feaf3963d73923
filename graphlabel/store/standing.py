"""Which of the labels on a target is the one shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from graphlabel.annotation import Label, Origin, Provenance
from graphlabel.store.rows import label_of, replaced_of
from graphlabel.store.schema import DatabaseRow

_RANK = {Origin.MACHINE: 0, Origin.FILE: 1, Origin.PERSON: 2}


def standing(rows: Iterable[DatabaseRow]) -> DatabaseRow | None:
    """The latest row that stands, of one target's rows in the order of their ids.

    A label of a person gives way to people alone; rows with a class but no text say nothing of the
    label.
    """
    current: DatabaseRow | None = None
    for row in rows:
        if row.undone or not (row.text or row.removed):
            continue
        held = current is not None and current.origin == Origin.PERSON and not current.removed
        if not held or row.origin == Origin.PERSON:
            current = row
    return current


def shown(file: Label | None, rows: Sequence[DatabaseRow], graph: str) -> Label | None:
    """The label to show in a graph: its file's, or what the store has of the same target.

    A file that was saved holds labels of the store; one that was undone since is seen through.
    """
    current = standing(rows)
    if current is not None:
        return label_of(current) if file is None or _wins(current, file, rows, graph) else file
    left = list(rows)
    while file is not None:
        own = next((row for row in reversed(left) if row.undone and _is_copy(file, row)), None)
        if own is None:
            break
        left.remove(own)
        file = replaced_of(own)
    return file


def _wins(row: DatabaseRow, file: Label, rows: Sequence[DatabaseRow], graph: str) -> bool:
    if any(_is_copy(file, each) for each in rows):
        return True
    made = file.provenance
    if row.removed:
        return bool(made.time <= row.time)
    if row.origin != made.origin:
        return _RANK[Origin(row.origin)] > _RANK[made.origin]
    if made.time and made.time != row.time:
        return bool(made.time < row.time)
    return bool(row.graph == graph) or made.origin is not Origin.FILE


def _is_copy(file: Label, row: DatabaseRow) -> bool:
    """Whether the file's label is the row's; most files do not say who made their labels."""
    label = label_of(row)
    if label is None or label.text != file.text:
        return False
    return file.provenance in (label.provenance, Provenance(Origin.FILE))
