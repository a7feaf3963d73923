"""The annotation store: every label and every edit, kept as it happens."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

from sqlalchemy import Engine

from graphlabel.annotation import Annotations
from graphlabel.graph import AttributionGraph
from graphlabel.records import TranscoderSet
from graphlabel.store import places, queries
from graphlabel.store.adding import add_labels
from graphlabel.store.copying import Report, copy_store
from graphlabel.store.database import PATIENCE_SECONDS, Database
from graphlabel.store.graph_history import GraphHistory
from graphlabel.store.graphs import StoredGraph, stored_graphs
from graphlabel.store.labels import AddReport, LabelFilter, NewLabel, StoredLabel
from graphlabel.store.migrations import migrate
from graphlabel.store.sets import known_sets


class Store:
    """Labels, edits and graphs in an SQLite file or a PostgreSQL database.

    What a call acknowledges by returning is on disk: a crash loses nothing of it. Every method
    raises StoreError when the store cannot be used.
    """

    def __init__(self, place: Path | str, *, patience: float = PATIENCE_SECONDS) -> None:
        """Open or make the store at a path or an address; raises StoreError when it can't be used.

        Addresses: ``postgresql://USER@HOST/DATABASE`` and ``sqlite:///FILE``. ``patience``: seconds
        that an edit waits for a server that went away, counted from then; afterwards edits raise
        StoreError until it is back.
        """
        self._database = Database(place, patience)
        try:
            places.prepare(self._database.url)
            migrate(self._database)
        except BaseException:
            self._database.close()
            raise

    @property
    def name(self) -> str:
        """Where the store is, in words; never a password."""
        return self._database.name

    @property
    def engine(self) -> Engine:
        """The SQLAlchemy engine, for maintenance."""
        return self._database.engine

    def close(self) -> None:
        """Let go of the file or the server."""
        self._database.close()

    def history(
        self, graph: AttributionGraph, annotations: Annotations, slug: str, author: str = ""
    ) -> GraphHistory:
        """A graph's annotations as file and store have them, and the author's undo list.

        ``annotations`` are the ones its file holds. Edits are made through the result, and are in
        the store when its methods return.
        """
        return GraphHistory(self._database, graph, annotations, slug, author)

    def __enter__(self) -> Store:
        """The store itself; it is closed at the end."""
        return self

    def __exit__(self, *_: object) -> None:
        """Let go of the file or the server."""
        self.close()

    def transcoder_sets(self) -> list[TranscoderSet]:
        """Every transcoder set that labels or graphs are of."""
        return list(self._database.read(known_sets).values())

    def graphs(self) -> list[StoredGraph]:
        """The graphs with edits, the one edited last first."""
        return self._database.read(stored_graphs)

    def labels(
        self, wanted: LabelFilter | None = None, *, limit: int | None = None
    ) -> Iterator[StoredLabel]:
        """The labels that pass a filter, the newest first, read in batches while you iterate.

        Without a filter: every current label.
        """
        return queries.labels(self._database, wanted or LabelFilter(), limit)

    def label_history(self, wanted: LabelFilter) -> list[StoredLabel]:
        """Everything ever said about a target (``wanted.state`` is ignored), the oldest first."""
        return queries.label_history(self._database, wanted)

    def latest_by_annotator(self, wanted: LabelFilter | None = None) -> Iterator[StoredLabel]:
        """Each annotator's last word on each target, shown or not; what was undone is left out.

        A removal counts as having nothing to say. ``wanted.state`` is ignored. Sorted by target.
        """
        return queries.latest_by_annotator(self._database, wanted or LabelFilter())

    def copy_to(self, other: Store, report: Report = lambda *_: None) -> dict[str, int]:
        """Copy everything into an empty store, all or nothing; how many rows each table has.

        ``report`` is told how far it is. Others may go on working with this store.
        """
        return copy_store(self._database, other._database, report)

    def add_labels(self, labels: Iterable[NewLabel], *, author: str, title: str) -> AddReport:
        """Add labels from outside any open graph, some thousands to a transaction.

        ``author`` is who adds them, ``title`` what the edit is called. A label of a person is never
        hidden by one of another origin; one that the same annotator gave already is left out, so
        that an interrupted import is simply run again.
        """
        return add_labels(self._database, labels, author, title)
