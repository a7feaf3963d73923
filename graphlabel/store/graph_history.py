"""An open graph's annotations: every edit is in the store before it is seen."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sqlalchemy import Connection

from graphlabel.annotation import Annotations, CarryOver, CarryReport, Command, Edit
from graphlabel.graph import AttributionGraph
from graphlabel.records import TranscoderSet
from graphlabel.store.conflicts import Conflict, Entry, entries
from graphlabel.store.database import Database
from graphlabel.store.editing import Desk, Made, carry_out, revert
from graphlabel.store.graphs import (
    StoredGraph,
    carried_from,
    has_edits,
    is_behind,
    known_card,
    other_prunings,
    register,
    remember_carrying,
)
from graphlabel.store.loading import GraphPlace, annotations_of
from graphlabel.store.log import EditKind, last_edit, new_token
from graphlabel.store.open_graph import KnownState, LoggedEdit, catch_up, load
from graphlabel.store.rows import storable


@dataclass(frozen=True)
class News:
    """What others did to the graph since the last look."""

    edits: tuple[LoggedEdit, ...]
    """Theirs, in order."""
    conflicts: tuple[Conflict, ...]
    """Edits that met; the ones that lost are in the history."""


class GraphHistory:
    """A graph's annotations, and the undo list of one author.

    Every method that edits is one transaction: it takes up what others did, makes the edit on
    that, and returns when it is on disk. When one raises, nothing has changed. Undo takes back the
    author's own edits only, wherever they were made, and of them only what nobody has edited since.
    """

    def __init__(
        self,
        database: Database,
        graph: AttributionGraph,
        annotations: Annotations,
        slug: str,
        author: str,
    ) -> None:
        """Load a graph; ``annotations`` are its file's. Raises StoreError."""
        self._database = database
        self._card = database.read(lambda connection: known_card(connection, graph, slug))
        self._place = GraphPlace.of(graph, self._card, annotations)
        self._nodes = frozenset(graph.index_of)
        self._author = storable(author)
        self._written: dict[Entry, tuple[int, object]] = {}
        self._heard: list[LoggedEdit] = []
        self._conflicts: list[Conflict] = []
        if database.read(lambda connection: is_behind(connection, self._card), patient=False):
            database.write(lambda connection: register(connection, self._card))
        self._known = database.read(lambda connection: load(connection, self._place, self._author))

    @property
    def annotations(self) -> Annotations:
        """The annotations as last seen."""
        return self._known.annotations

    @property
    def transcoder_set(self) -> TranscoderSet | None:
        """Whose features the graph has; without it, labels hold in this graph alone."""
        return self._card.transcoder_set

    @property
    def done(self) -> tuple[LoggedEdit, ...]:
        """The author's edits that can be undone, the last one last."""
        return self._known.done

    @property
    def undone(self) -> tuple[LoggedEdit, ...]:
        """The author's edits that can be redone, the next one last."""
        return self._known.undone

    def do(self, command: Command) -> Edit | None:
        """Make an edit; None when it changes nothing.

        Raises AnnotationError when it makes no sense and StoreError when it cannot be kept.
        """
        return self._write(lambda desk: carry_out(desk, command))

    def undo(self) -> Edit | None:
        """Take the author's last edit back; None when there is none. Raises StoreError."""
        return self._write(lambda desk: revert(desk, EditKind.UNDO))

    def redo(self) -> Edit | None:
        """Make the author's last undone edit again; None when there is none. Raises StoreError."""
        return self._write(lambda desk: revert(desk, EditKind.REDO))

    def other_prunings(self) -> list[StoredGraph]:
        """Graphs in the store of the same prompt and transcoders, the one edited last first."""
        return self._database.read(lambda each: other_prunings(each, self._card))

    def offers(self) -> list[StoredGraph]:
        """Other prunings whose annotations this graph could take over.

        None once this graph has edits of its own, or an offer was taken or declined.
        """
        key = self._card.key
        if self._database.read(lambda each: has_edits(each, key) or carried_from(each, key)):
            return []
        return self.other_prunings()

    def carrying(self, source: StoredGraph) -> CarryOver:
        """The edit that takes over what the store has of another pruning; not made yet."""
        annotations = self._database.read(lambda each: annotations_of(each, source.key))
        return self.carrying_from(annotations, source.slug)

    def carrying_from(self, annotations: Annotations, name: str) -> CarryOver:
        """The edit that takes over these annotations of the graph called ``name``."""
        return CarryOver(annotations, self._nodes, name)

    def carry_over(self, command: CarryOver, key: str) -> CarryReport:
        """Take over what fits of the graph with ``key``; what fitted and what did not."""
        report = command.report(self.annotations)
        self.do(command)
        self._database.write(lambda each: remember_carrying(each, self._card, key))
        return report

    def decline(self) -> None:
        """Do not offer anything for this graph again."""
        self._database.write(lambda each: remember_carrying(each, self._card, "declined"))

    def has_news(self) -> bool:
        """Whether ``refresh`` may have something to tell; cheap, and safe in any thread."""
        told = not (self._heard or self._conflicts)
        return not told or self._database.read(last_edit, patient=False) != self._known.seen

    def look(self) -> None:
        """Take up what others did; ``refresh`` tells it later."""
        self._take(self._database.read(self._caught_up, patient=False))

    def refresh(self) -> News | None:
        """Take up what others did; None when nothing of it is about this graph."""
        self.look()
        if not (self._heard or self._conflicts):
            return None
        news = News(tuple(self._heard), tuple(self._conflicts))
        self._heard.clear()
        self._conflicts.clear()
        return news

    def _caught_up(self, connection: Connection) -> KnownState:
        return catch_up(connection, self._place, self._author, self._known, self._written)

    def _write(self, work: Callable[[Desk], Made]) -> Edit | None:
        token, before = new_token(), self._known

        def in_transaction(connection: Connection) -> Made:
            now = self._caught_up(connection)
            desk = Desk(connection, self._card, self._place, self._author, token, before, now)
            return work(desk)

        made = self._database.write(in_transaction, token)
        self._take(made.state)
        if made.edit:
            for entry, value in entries(made.edit.change):
                self._written[entry] = (made.state.seen, value)
        return made.edit

    def _take(self, state: KnownState) -> None:
        self._heard += state.heard
        self._conflicts += state.conflicts
        self._known = replace(state, heard=(), conflicts=(), authors={})
