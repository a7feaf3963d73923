"""An open graph: the document, its evidence, its edits, and what is selected. No Textual here."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from graphlabel.annotation import (
    Annotations,
    CarryReport,
    Command,
    Edit,
    History,
    Origin,
    Provenance,
    Routing,
    Scope,
)
from graphlabel.errors import GraphLabelError, StoreError
from graphlabel.evidence import FeatureSource
from graphlabel.files import GraphDocument, write_graph
from graphlabel.graph import AttributionGraph, FeatureKey, Node, NodeKey, graph_key
from graphlabel.records import FeatureRecord, TranscoderSet
from graphlabel.store import GraphHistory, LabelFilter, News, Store, StoredGraph, user_name

MOST_KNOWN_LABELS = 5000
"""The store's newest labels that completions are made of."""


@dataclass
class Session:
    """One graph being worked on.

    Every edit goes through ``do``, ``undo`` or ``redo``, and is in the store when they return.
    ``save`` writes the graph file.
    """

    document: GraphDocument
    path: Path
    store: Store | None = None
    source: FeatureSource | None = None
    author: str = ""
    selected: NodeKey | None = None
    marked: dict[NodeKey, None] = field(default_factory=dict)
    """Nodes chosen together, in the order they were chosen; edits apply to them."""
    saved: Annotations | None = None
    """The annotations as the file has them."""
    places: tuple[str, ...] = ()
    """Where the evidence is, as named on the command line."""

    def __post_init__(self) -> None:
        """Take up the stored edits of this graph."""
        self.author = self.author or user_name()
        self.key = graph_key(self.graph)
        self.saved = self.document.annotations
        self.history: History | GraphHistory = (
            self._stored_history(self.store) if self.store else History(self.document.annotations)
        )
        self._records: dict[FeatureKey, FeatureRecord | None] = {}
        self._compared: tuple[Annotations | None, Annotations | None, bool] = (None, None, True)
        self._back: list[NodeKey] = []
        self._forward: list[NodeKey] = []
        self.evidence_error: GraphLabelError | None = None

    @property
    def graph(self) -> AttributionGraph:
        """The graph itself."""
        return self.document.graph

    @property
    def annotations(self) -> Annotations:
        """The annotations as they are now."""
        return self.history.annotations

    @property
    def is_saved(self) -> bool:
        """Whether the file has everything that was edited."""
        now, saved, same = self._compared
        if now is not self.annotations or saved is not self.saved:
            same = self.annotations == self.saved
            self._compared = self.annotations, self.saved, same
        return same

    @property
    def place(self) -> int | None:
        """Where the selected node stands in the graph."""
        return None if self.selected is None else self.graph.index_of.get(self.selected)

    @property
    def targets(self) -> tuple[NodeKey, ...]:
        """What an edit applies to: the marked nodes, or the selected one."""
        if self.marked:
            return tuple(self.marked)
        return () if self.selected is None else (self.selected,)

    def node(self, key: NodeKey) -> Node:
        """A node by its key."""
        return self.graph.nodes[self.graph.index_of[key]]

    def record(self, key: FeatureKey) -> FeatureRecord | None:
        """A feature's evidence, or None; a source that fails leaves ``evidence_error``."""
        if key not in self._records:
            try:
                self._records[key] = self.source.get(key) if self.source else None
            except GraphLabelError as error:
                self.evidence_error = error
                self._records[key] = None
        return self._records[key]

    def use_evidence(self, source: FeatureSource, places: tuple[str, ...]) -> None:
        """Read the features' evidence from another source."""
        self.source, self.places = source, places
        self.forget_evidence()

    def forget_evidence(self) -> None:
        """Ask the source again for what was asked before."""
        self._records.clear()
        self.evidence_error = None

    def take_routings(self, routings: Mapping[FeatureKey, Routing]) -> None:
        """Have these routings too. They are a result, no edit; may raise StoreError."""
        self.document = self.document.annotated(self.document.annotations.with_routings(routings))
        if self.store:
            self.history = self._stored_history(self.store)
        elif isinstance(self.history, History):
            self.history.annotations = self.history.annotations.with_routings(routings)

    def provenance(self) -> Provenance:
        """The provenance of a label typed now by the person at the keyboard."""
        time = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
        return Provenance(Origin.PERSON, author=self.author, time=time)

    def do(self, command: Command) -> Edit | None:
        """Make an edit and keep it; None when it changes nothing.

        Raises AnnotationError when it makes no sense and StoreError when it cannot be kept; the
        annotations are then as before.
        """
        return self.history.do(command)

    def undo(self) -> Edit | None:
        """Take your last edit back; None when there is none. A StoreError changes nothing."""
        return self.history.undo()

    def redo(self) -> Edit | None:
        """Make the undone edit again; None when there is none. A StoreError changes nothing."""
        return self.history.redo()

    def has_news(self) -> bool:
        """Whether others wrote to the store since the last look; may be called from any thread."""
        return isinstance(self.history, GraphHistory) and self.history.has_news()

    def refresh(self) -> News | None:
        """Take up what others did to this graph; None when they did nothing. May raise StoreError.

        What they did, and which edits met, is told once.
        """
        return self.history.refresh() if isinstance(self.history, GraphHistory) else None

    def offers(self) -> list[StoredGraph]:
        """Other prunings of this prompt's graph whose annotations could be carried over."""
        return self.history.offers() if isinstance(self.history, GraphHistory) else []

    def carry_over(self, source: StoredGraph) -> CarryReport | None:
        """Take over another pruning's annotations as one edit; what fits and what does not."""
        if not isinstance(self.history, GraphHistory):
            return None
        return self.history.carry_over(self.history.carrying(source), source.key)

    def decline(self) -> None:
        """Do not offer to carry anything over to this graph again."""
        if isinstance(self.history, GraphHistory):
            self.history.decline()

    @property
    def has_identity(self) -> bool:
        """Whether the graph names its transcoders, so that labels can hold in other graphs too."""
        if isinstance(self.history, GraphHistory):
            return self.history.transcoder_set is not None
        return TranscoderSet.of(self.graph.source) is not None

    def fitting(self, scope: Scope) -> Scope:
        """The scope a label can have here: without a transcoder set it is of this occurrence."""
        return scope if self.has_identity else Scope.OCCURRENCE

    def known_labels(self) -> list[str]:
        """Labels the store has of this transcoder set, the most frequent first.

        May be called from any thread; raises StoreError.
        """
        if self.store is None or not isinstance(self.history, GraphHistory):
            return []
        wanted = LabelFilter(transcoder_set=self.history.transcoder_set)
        found = self.store.labels(wanted, limit=MOST_KNOWN_LABELS)
        texts = Counter(each.label.text for each in found if not each.removed)
        return [text for text, _ in texts.most_common()]

    def select(self, key: NodeKey) -> None:
        """Select a node, remembering where one came from."""
        if key == self.selected:
            return
        if self.selected is not None:
            self._back.append(self.selected)
        self._forward.clear()
        self.selected = key

    def back(self) -> bool:
        """Select the node that was selected before; False when there is none."""
        return self._travel(self._back, self._forward)

    def forward(self) -> bool:
        """Undo ``back``; False when there is nothing to go forward to."""
        return self._travel(self._forward, self._back)

    def _travel(self, from_: list[NodeKey], to: list[NodeKey]) -> bool:
        if not from_ or self.selected is None:
            return False
        to.append(self.selected)
        self.selected = from_.pop()
        return True

    def mark(self, keys: Iterable[NodeKey]) -> None:
        """Add nodes to the marked ones, or take them out when all are marked already."""
        chosen = list(keys)
        if all(key in self.marked for key in chosen):
            for key in chosen:
                self.marked.pop(key)
        else:
            self.marked.update(dict.fromkeys(chosen))

    def latest(self) -> GraphDocument:
        """The document with every edit, other windows' included."""
        if isinstance(self.history, GraphHistory):
            # a store that is away shall not keep anybody from saving
            with suppress(StoreError):
                self.history.look()
        return self.document.annotated(self.annotations)

    def save(self, path: Path | None = None) -> Path:
        """Write the annotated graph, other windows' edits included; raises GraphFileError."""
        target = path or self.path
        document = self.latest()
        write_graph(document, target)
        if target == self.path:
            self.saved = document.annotations
        return target

    def _stored_history(self, store: Store) -> GraphHistory:
        document = self.document
        return store.history(self.graph, document.annotations, document.slug, self.author)

    def close(self) -> None:
        """Let go of the store."""
        if self.store:
            self.store.close()
