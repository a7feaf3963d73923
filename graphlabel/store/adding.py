"""Adding labels from outside an open graph."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import Connection, insert

from graphlabel.annotation import Label, LabelTarget, Origin, Scope, clean_label
from graphlabel.graph import FeatureKey
from graphlabel.store.database import Database
from graphlabel.store.labels import AddReport, NewLabel, annotator
from graphlabel.store.log import EditKind, append, new_token, utc_now
from graphlabel.store.rows import label_row, stored_label
from graphlabel.store.schema import LABELS, DatabaseRow
from graphlabel.store.sets import set_number
from graphlabel.store.standing import standing
from graphlabel.store.targets import Shelf, fits, renew_current, rows_on, shelf

_BATCH = 5000
"""Labels in one transaction; others can write in between."""

_LARGEST = 2**63 - 1


@dataclass
class _Tally:
    added: int = 0
    known: int = 0
    outranked: int = 0
    refused: Counter[str] = field(default_factory=Counter)


def add_labels(
    database: Database, labels: Iterable[NewLabel], author: str, title: str
) -> AddReport:
    """Add labels, some thousands to a transaction; see ``Store.add_labels``."""
    tally = _Tally()
    batch: list[NewLabel] = []
    for given in labels:
        new = _fitted(given)
        why = _refusal(new)
        if why:
            tally.refused[why] += 1
            continue
        batch.append(new)
        if len(batch) == _BATCH:
            _keep(database, batch, author, title, tally)
            batch = []
    if batch:
        _keep(database, batch, author, title, tally)
    return AddReport(tally.added, tally.known, tally.outranked, dict(tally.refused))


def _refusal(given: NewLabel) -> str:
    if not given.label.text and given.feature_class is None:
        return "it says nothing"
    if isinstance(given.target, FeatureKey):
        if given.transcoder_set is None and not given.graph:
            return "its transcoder set is not known"
    elif not given.graph:
        return "it is of one occurrence and names no graph"
    if not fits(given.target):
        return "its feature's number is too large"
    return ""


def _fitted(given: NewLabel) -> NewLabel:
    scope = Scope.FEATURE if isinstance(given.target, FeatureKey) else Scope.OCCURRENCE
    label = Label(clean_label(given.label.text), scope, given.label.provenance)
    return replace(given, label=label)


def _keep(
    database: Database, batch: Sequence[NewLabel], author: str, title: str, tally: _Tally
) -> None:
    token = new_token()
    counts = database.write(lambda connection: _add(connection, batch, author, title, token), token)
    tally.added += counts[0]
    tally.known += counts[1]
    tally.outranked += counts[2]


def _add(
    connection: Connection, batch: Sequence[NewLabel], author: str, title: str, token: str
) -> tuple[int, int, int]:
    sets = {each: set_number(connection, each) for each in {new.transcoder_set for new in batch}}
    shelves: dict[Shelf, list[NewLabel]] = defaultdict(list)
    for new in batch:
        shelves[shelf(new.target, sets[new.transcoder_set], new.graph)].append(new)
    before = {
        place: rows_on(connection, place, {new.target for new in some})
        for place, some in shelves.items()
    }
    fresh = [new for place, some in shelves.items() for new in _unknown(some, before[place])]
    if not fresh:
        return 0, len(batch), 0
    edit = append(
        connection, None, graph="", kind=EditKind.ADD, author=author, token=token, title=title
    )
    now = utc_now()
    rows = [
        label_row(
            new.target, new.label, edit=edit, transcoder_set=sets[new.transcoder_set],
            graph=new.graph, time=now, feature_class=new.feature_class,
        )
        for new in fresh
    ]  # fmt: skip
    connection.execute(insert(LABELS), rows)
    outranked = 0
    for place, some in shelves.items():
        after = rows_on(connection, place, {new.target for new in some})
        renew_current(connection, after)
        outranked += sum(
            _is_outranked(row, on_one)
            for on_one in after.values()
            for row in on_one
            if row.edit == edit
        )
    return len(fresh), len(batch) - len(fresh), outranked


def _is_outranked(row: DatabaseRow, rows: Sequence[DatabaseRow]) -> bool:
    if row.origin == Origin.PERSON or not row.text:
        return False
    found = standing(rows)
    return found is not None and found.origin == Origin.PERSON and not found.removed


def _unknown(
    given: Iterable[NewLabel], rows: dict[LabelTarget, list[DatabaseRow]]
) -> list[NewLabel]:
    """Those that their annotator has not said already, as the last thing of the target."""
    last: dict[tuple[LabelTarget, str], tuple[str, object]] = {}
    for target, on_one in rows.items():
        for row in on_one:
            if not row.undone:
                stored = stored_label(row, {})
                last[target, stored.annotator] = (stored.label.text, stored.feature_class)
    fresh = []
    for new in given:
        said = (new.label.text, new.feature_class)
        place = new.target, annotator(new.label.provenance)
        if last.get(place) != said:
            last[place] = said
            fresh.append(new)
    return fresh
