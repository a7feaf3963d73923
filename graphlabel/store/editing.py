"""Making an edit, and taking it back, inside a transaction of the store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from sqlalchemy import Connection, insert, select, update

from graphlabel.annotation import Command, Edit, Label, LabelTarget, Origin, Patch
from graphlabel.errors import StoreError
from graphlabel.store.conflicts import (
    Conflict,
    Entry,
    Outcome,
    conflict,
    entries,
    overtaken,
    value_at,
)
from graphlabel.store.graphs import GraphCard, register
from graphlabel.store.loading import GraphPlace, labels_on, shelves
from graphlabel.store.log import EditKind, append, decode_edit, utc_now
from graphlabel.store.merging import turned
from graphlabel.store.open_graph import KnownState, LoggedEdit
from graphlabel.store.rows import edit_label_rows
from graphlabel.store.schema import EDITS, LABELS
from graphlabel.store.targets import Shelf, fits, renew_current, rows_on, shelf


@dataclass(frozen=True)
class Desk:
    """A transaction about to edit a graph."""

    connection: Connection
    card: GraphCard
    place: GraphPlace
    author: str
    token: str
    before: KnownState
    """What the author had before their eyes."""
    now: KnownState
    """What the store has."""


@dataclass(frozen=True)
class Made:
    """What a transaction made."""

    state: KnownState
    edit: Edit | None
    """None: nothing needed to change."""


def carry_out(desk: Desk, command: Command) -> Made:
    """Make an edit on what the store has now."""
    now = desk.now
    change = _respectful(command.patch(now.annotations), now)
    _check_room(change)
    inverse = change.inverse(now.annotations)
    if change.is_empty or change == inverse:
        return Made(now, None)
    edit = Edit(command.title, change, inverse)
    clashes = overtaken(change, desk.before.annotations, now.annotations, now.authors)
    time = utc_now()
    number = _append(desk, edit, EditKind.DO, time=time)
    _keep_labels(desk, edit, number, clashes)
    state = replace(
        now,
        annotations=change.apply(now.annotations),
        seen=number,
        done=(*now.done, LoggedEdit(number, edit.title, desk.author, time)),
        undone=(),
        conflicts=(*now.conflicts, *clashes.values()),
    )
    return Made(state, edit)


def revert(desk: Desk, kind: EditKind) -> Made:
    """Undo the author's last edit, or redo the last undone, as far as nobody edited it since."""
    now, undoing = desk.now, kind is EditKind.UNDO
    stack = now.done if undoing else now.undone
    if not stack:
        return Made(now, None)
    logged = stack[-1]
    row = desk.connection.execute(select(EDITS).where(EDITS.c.id == logged.id)).one()
    edit = decode_edit(row)
    old, new = (edit.change, edit.inverse) if undoing else (edit.inverse, edit.change)
    labels = _turn_labels(desk, logged.id, edit.change.labels, undone=undoing)
    change = replace(turned(old, new, now.annotations), labels=labels)
    turned_edit = Edit(edit.title, change, change.inverse(now.annotations))
    number = _append(desk, turned_edit, kind, reverts=logged.id)
    state = replace(
        now,
        annotations=change.apply(now.annotations),
        seen=number,
        done=now.done[:-1] if undoing else (*now.done, logged),
        undone=(*now.undone, logged) if undoing else now.undone[:-1],
        conflicts=(*now.conflicts, *_left_alone(old, now)),
    )
    return Made(state, turned_edit)


def _check_room(change: Patch) -> None:
    huge = next((target for target in change.labels if not fits(target)), None)
    if huge is not None:
        raise StoreError(f"the store has no room for labels of {huge}: its numbers are too large")


def _append(
    desk: Desk, edit: Edit, kind: EditKind, reverts: int | None = None, time: str = ""
) -> int:
    return append(
        desk.connection,
        edit,
        graph=desk.card.key,
        kind=kind,
        author=desk.author,
        token=desk.token,
        reverts=reverts,
        seen=desk.before.seen,
        time=time,
    )


def _respectful(change: Patch, now: KnownState) -> Patch:
    """The change without what would hide a person's label behind another origin's."""
    given = [label for label in change.labels.values() if label is not None]
    by_person = not given or any(label.provenance.origin is Origin.PERSON for label in given)

    def allowed(target: LabelTarget, label: Label | None) -> bool:
        held = now.annotations.labels.get(target)
        if held is None or held.provenance.origin is not Origin.PERSON:
            return True
        return by_person if label is None else label.provenance.origin is Origin.PERSON

    labels = {target: new for target, new in change.labels.items() if allowed(target, new)}
    return replace(change, labels=labels)


def _keep_labels(desk: Desk, edit: Edit, number: int, clashes: Collection[Entry]) -> None:
    graph, connection = desk.card.key, desk.connection
    own_set = register(connection, desk.card)
    rows = list(edit_label_rows(edit, number, graph, own_set, desk.author, utc_now()))
    if not rows:
        return
    connection.execute(insert(LABELS), rows)
    places: dict[Shelf, list[LabelTarget]] = defaultdict(list)
    for target in edit.change.labels:
        places[shelf(target, own_set, graph)].append(target)
    for place, targets in places.items():
        found = rows_on(connection, place, targets)
        for target, on_one in found.items():
            if Entry("label", target) in clashes:
                lost = next((row.id for row in on_one if row.current), None)
                here = LABELS.c.id == on_one[-1].id
                connection.execute(update(LABELS).where(here).values(overtook=lost))
        renew_current(connection, found)


def _turn_labels(
    desk: Desk, number: int, targets: Collection[LabelTarget], *, undone: bool
) -> dict[LabelTarget, Label | None]:
    """Take the labels of an edit back, or give them again; what is shown then."""
    if not targets:
        return {}
    connection = desk.connection
    connection.execute(update(LABELS).where(LABELS.c.edit == number).values(undone=undone))
    for place in shelves(connection, desk.place):
        renew_current(connection, rows_on(connection, place, targets))
    held = desk.now.annotations.labels
    found = labels_on(connection, desk.place, targets)
    return {target: label for target, label in found.items() if held.get(target) != label}


def _left_alone(old: Patch, now: KnownState) -> Iterable[Conflict]:
    """What somebody edited since, so that taking the edit back left it as it is."""
    for entry, mine in entries(old):
        theirs = value_at(now.annotations, entry)
        if theirs != mine:
            author = now.authors.get(entry, "")
            yield conflict(entry, mine, theirs, Outcome.NOT_TAKEN_BACK, author)
