"""The edits of the first stores as a log and as labels."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from graphlabel.annotation import Edit, Label, LabelTarget, Scope
from graphlabel.errors import StoreError
from graphlabel.graph import FeatureKey
from graphlabel.store.log import EditKind, decode_edit
from graphlabel.store.rows import label_row, person

FirstEdit = Mapping[str, Any]
"""A row of the first edits table."""


@dataclass
class Upgraded:
    """Rows for the tables of today."""

    edits: list[dict[str, Any]] = field(default_factory=list)
    labels: list[dict[str, Any]] = field(default_factory=list)


def replay_first_edits(rows: Sequence[FirstEdit]) -> Upgraded:
    """Every edit again, with every undo as an entry of its own.

    The first stores marked an edit as undone, or as dropped once another edit followed the undo.
    Transcoder sets are not known here; labels of features get theirs when their graph is opened.
    """
    upgraded = Upgraded()
    graphs: dict[str, list[FirstEdit]] = defaultdict(list)
    for row in rows:
        graphs[row["graph"]].append(row)
    for of_graph in graphs.values():
        _replay_graph(of_graph, upgraded)
    return upgraded


def _replay_graph(rows: Sequence[FirstEdit], upgraded: Upgraded) -> None:
    first_label = len(upgraded.labels)
    for run in _runs(rows):
        done = [(row, _add_entry(row, upgraded, EditKind.DO, None)) for row in run]
        for row, number in done:
            _add_labels(row, number, upgraded)
        if run[0]["state"] != "done":
            for row, number in reversed(done):
                _add_entry(row, upgraded, EditKind.UNDO, number)
    _mark_current(upgraded.labels[first_label:])


def _runs(rows: Iterable[FirstEdit]) -> Iterator[list[FirstEdit]]:
    """Edits one by one, but those that were taken back together as long as they follow."""
    run: list[FirstEdit] = []
    for row in rows:
        if run and (row["state"] == "done" or row["state"] != run[0]["state"]):
            yield run
            run = []
        run.append(row)
        if row["state"] == "done":
            yield run
            run = []
    if run:
        yield run


def _add_entry(row: FirstEdit, upgraded: Upgraded, kind: EditKind, reverts: int | None) -> int:
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


def edit_label_rows(
    edit: Edit, number: int, graph: str, transcoder_set: int | None, author: str, time: str
) -> Iterator[dict[str, Any]]:
    """The rows of the labels an edit gave and took away."""
    given = [label for label in edit.change.labels.values() if label is not None]
    decision = person(author, time)
    if given and all(label.provenance.origin != decision.origin for label in given):
        decision = given[0].provenance
    for target, label in edit.change.labels.items():
        yield label_row(
            target,
            label or Label("", _scope(target), decision),
            edit=number,
            transcoder_set=transcoder_set,
            graph=graph,
            time=time,
            removed=label is None,
            replaced=edit.inverse.labels.get(target),
        )


def _scope(target: LabelTarget) -> Scope:
    return Scope.FEATURE if isinstance(target, FeatureKey) else Scope.OCCURRENCE


def _mark_current(labels: Iterable[dict[str, Any]]) -> None:
    """Of each target the last that was not taken back; the first program had no other rule."""
    last: dict[str, dict[str, Any]] = {}
    for row in labels:
        if not row["undone"]:
            last[
                json.dumps(
                    [row[part] for part in ("scope", "kind", "layer", "feature", "position")]
                )
            ] = row
    for row in last.values():
        row["current"] = True
