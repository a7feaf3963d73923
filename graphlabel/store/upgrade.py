"""The edits of the first stores as a log and as labels."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any

from graphlabel.errors import StoreError
from graphlabel.store.log import EditKind, decode_edit
from graphlabel.store.rows import edit_label_rows

FirstEdit = Mapping[str, Any]
"""A row of the first edits table."""


@dataclass
class Upgraded:
    """Rows for the tables of today."""

    edits: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)


def replay_first_edits(rows: Sequence[FirstEdit]) -> Upgraded:
    """Every edit again, in order, with every undo as an entry of its own.

    The first stores marked an edit as undone, or as dropped once another edit of the graph followed
    the undo. Transcoder sets are not known here; labels of features get theirs when their graph is
    opened.
    """
    upgraded = Upgraded()
    runs: dict[str, list[tuple[FirstEdit, int]]] = defaultdict(list)
    for row in rows:
        run = runs[row["graph"]]
        if run and run[0][0]["state"] != row["state"]:
            _take_back(run, upgraded)
        number = _add_entry(row, upgraded, EditKind.DO)
        _add_labels(row, number, upgraded)
        if row["state"] != "done":
            run.append((row, number))
    for run in runs.values():
        _take_back(run, upgraded)
    _mark_current(upgraded.labels)
    return upgraded


def _take_back(run: list[tuple[FirstEdit, int]], upgraded: Upgraded) -> None:
    while run:
        row, number = run.pop()
        _add_entry(row, upgraded, EditKind.UNDO, number)


def _add_entry(
    row: FirstEdit, upgraded: Upgraded, kind: EditKind, reverts: int | None = None
) -> int:
    back = kind is EditKind.UNDO
    number = len(upgraded.edits) + 1
    upgraded.edits.append(
        {
            "id": number,
            "graph": row["graph"],
            "title": row["title"],
            "change": row["inverse" if back else "change"],
            "inverse": row["change" if back else "inverse"],
            "author": row["author"],
            "time": row["time"],
            "kind": kind.value,
            "reverts": reverts,
            "seen": number - 1,
        }
    )
    return number


def _add_labels(row: FirstEdit, number: int, upgraded: Upgraded) -> None:
    try:
        edit = decode_edit(row)
    except StoreError:
        return  # the log keeps it as it is; nothing can be read from it
    for values in edit_label_rows(edit, number, row["graph"], None, row["author"], row["time"]):
        undone = row["state"] != "done"
        upgraded.labels.append({**values, "id": len(upgraded.labels) + 1, "undone": undone})


def _mark_current(labels: Iterable[dict[str, Any]]) -> None:
    """Of each target the last that was not taken back; the first program had no other rule."""
    place = itemgetter("graph", "scope", "kind", "layer", "feature", "position")
    last = {place(row): row for row in labels if not row["undone"]}
    for row in last.values():
        row["current"] = True
