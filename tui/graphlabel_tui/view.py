"""What is shown of an open graph: threshold, filter, order, counts, what to review next."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from graphlabel.annotation import (
    Annotations,
    Tier,
)
from graphlabel.errors import GraphError
from graphlabel.graph import AttributionGraph, Node, NodeKey, NodeKind, node_influence
from graphlabel.graph.influence import cumulative_share
from graphlabel_tui.commands import COMMANDS, Command
from graphlabel_tui.filters import Facts, NodeFilter
from graphlabel_tui.in_sight import Sight, Texts
from graphlabel_tui.orders import LASTING, order_key
from graphlabel_tui.review import START, Stage, Waiting, review_queue
from graphlabel_tui.session import Session

HELD = 64
"""So many lists of neighbours are kept."""

SLACK = 0.002
"""Files pruned at 0.8 hold nodes at 0.8003; the threshold 0.80 shows them."""


class Counts(NamedTuple):
    """How far the work has come."""

    features: int
    labelled: int
    await_model: int
    await_person: int


class Neighbour(NamedTuple):
    """A node at the other end of an edge."""

    place: int
    weight: float


def shown_influence(graph: AttributionGraph) -> tuple[float | None, ...]:
    """Every node's influence as the file states it, computed from the links when it does not."""
    stated = tuple(node.influence for node in graph.nodes)
    if not graph.nodes or any(value is not None for value in stated):
        return stated
    weights = np.zeros(len(graph))
    for place in graph.places(NodeKind.LOGIT):
        weights[place] = graph.nodes[place].probability or 1.0
    try:
        scores = node_influence(graph.edges.matrix(len(graph)), weights)
    except GraphError:
        return stated
    return tuple(float(value) for value in cumulative_share(scores))


@dataclass
class View:
    """The session and how it is looked at."""

    session: Session
    threshold: float = 1.0
    hide_errors: bool = False
    density: float = 0.8
    """Edges that together carry this share of a node's absolute input (output) are shown."""
    query: str = ""
    sort: str = "influence"
    """One of the orders of ``orders.py``."""
    reverse: bool = False
    quantile: int = 0
    commands: Sequence[Command] = COMMANDS
    """The commands with the keys this person gave them."""
    _visited: Waiting = field(default=START, repr=False)

    def __post_init__(self) -> None:
        """Look at everything."""
        self.influence = shown_influence(self.graph)
        keys = (self.node(place).key for place in self.graph.places(NodeKind.FEATURE))
        self._features = [(key, key.feature_key) for key in keys]
        self._sight = Sight(self.graph, self.influence)
        self._texts = Texts(self.session.document)
        self._order: tuple[object, Annotations | None, list[int]] | None = None
        self._rows: tuple[object, object, object, list[int]] | None = None
        self._counted: tuple[Annotations, Counts] | None = None
        self._held_neighbours: dict[tuple[int, bool], list[Neighbour]] = {}
        known = [value for value in self.influence if value is not None]
        self.highest = max(known, default=1.0)
        self.step = 0.05 if self.highest > 0.5 else 0.01
        self.threshold = self._rounded_up(self.highest)

    def _rounded_up(self, value: float) -> float:
        return round(float(np.ceil((value - SLACK) / self.step)) * self.step, 4)

    @property
    def graph(self) -> AttributionGraph:
        """The graph itself."""
        return self.session.graph

    def node(self, place: int) -> Node:
        """A node by its place."""
        return self.graph.nodes[place]

    def prepare(self) -> None:
        """Work out what the filter and the neighbours need; may be called from any thread."""
        self._texts.of(self.session.annotations)
        if len(self.graph):
            self.graph.edges.into(0)
            self.graph.edges.out_of(0)

    # What is in sight

    def move_threshold(self, steps: int) -> None:
        """Show nodes of more (positive) or less influence."""
        value = round(self.threshold + steps * self.step, 4)
        self.threshold = max(self.step, min(self._rounded_up(self.highest), value))

    def visible(self) -> tuple[int, ...]:
        """Places of the nodes in sight, in the graph's order; the selected one always is."""
        session = self.session
        pinned = session.annotations.pinned
        return self._sight.places(self.threshold + SLACK, self.hide_errors, pinned, session.place)

    # The table

    def text(self, place: int) -> str:
        """What words of the filter match against."""
        return self._texts.of(self.session.annotations)[place]

    def rows(self) -> list[int]:
        """Places of the nodes in sight that pass the filter, sorted."""
        session = self.session
        visible, order = self.visible(), self._ordered()
        state = (self.query, session.annotations, tuple(session.marked))
        held = self._rows
        if held is None or held[0] is not visible or held[1] is not order or held[2] != state:
            shown = set(visible)
            places = [place for place in order if place in shown]
            if self.query.strip():
                places = NodeFilter(self.query, self._facts()).keep(places)
            held = self._rows = (visible, order, state, places)
        return held[3]

    def _ordered(self) -> list[int]:
        """All places as the table sorts them."""
        session = self.session
        edits = None if self.sort in LASTING else session.annotations
        marked = tuple(session.marked) if self.sort == "marked" else ()
        held = (self.sort, self.reverse, marked)
        if self._order is None or self._order[0] != held or self._order[1] is not edits:
            key = order_key(
                self.sort, self.graph, session.annotations, self.influence, session.marked
            )
            places = sorted(range(len(self.graph)), key=key, reverse=self.reverse)
            self._order = held, edits, places
        return self._order[2]

    def _facts(self) -> Facts:
        session = self.session
        return Facts(
            self.graph.nodes, session.annotations, self.text, self.influence.__getitem__,
            session.marked, session.author,
        )  # fmt: skip

    # Counts and review

    def counts(self) -> Counts:
        """How many features there are, are labelled, and await a model or a person."""
        annotations = self.session.annotations
        held = self._counted
        if (
            held is None
            or held[0].labels is not annotations.labels
            or held[0].routings is not annotations.routings
        ):
            held = self._counted = (annotations, self._count())
        return held[1]

    def _count(self) -> Counts:
        labels, routings = self.session.annotations.labels, self.session.annotations.routings
        open_ = [
            feature
            for key, feature in self._features
            if feature not in labels and key not in labels
        ]
        tiers = Counter(routings[feature].tier for feature in open_ if feature in routings)
        labelled = len(self._features) - len(open_)
        return Counts(len(self._features), labelled, tiers[Tier.MODEL], tiers[Tier.PERSON])

    def review_queue(self) -> list[Waiting]:
        """Features that need a look, the most urgent first."""
        return review_queue(self.graph, self.influence, self.session.annotations)

    def next_for_review(self) -> NodeKey | None:
        """The next feature to look at, going round; None when everything is reviewed.

        While some await a label, those with labels to accept wait behind them.
        """
        queue = self.review_queue()
        if not queue:
            return None
        waiting = [item for item in queue if item.stage < Stage.UNACCEPTED] or queue
        self._visited = next((item for item in waiting if item > self._visited), waiting[0])
        return self.node(self._visited.place).key

    # Neighbours

    def move_density(self, steps: int) -> None:
        """Show more (positive) or fewer edges."""
        self.density = max(0.1, min(1.0, round(self.density + steps * 0.1, 1)))

    def parents(self, place: int) -> list[Neighbour]:
        """Where a node's input comes from, strongest first."""
        return self._neighbours(place, into=True)

    def children(self, place: int) -> list[Neighbour]:
        """Where a node's output goes, strongest first."""
        return self._neighbours(place, into=False)

    def _neighbours(self, place: int, *, into: bool) -> list[Neighbour]:
        held = self._held_neighbours.get((place, into))
        if held is None:
            edges = self.graph.edges
            found = edges.into(place) if into else edges.out_of(place)
            ends = (edges.source if into else edges.target)[found].tolist()
            held = list(map(Neighbour, ends, edges.weight[found].tolist()))
            if len(self._held_neighbours) > HELD:
                self._held_neighbours.clear()
            self._held_neighbours[place, into] = held
        return held

    def seen(self, found: list[Neighbour]) -> list[Neighbour]:
        """The neighbours without the error nodes, while those are hidden."""
        if not self.hide_errors:
            return found
        kind = NodeKind.ERROR
        return [each for each in found if self.node(each.place).key.kind is not kind]

    def dense(self, found: list[Neighbour]) -> list[Neighbour]:
        """The strongest edges that carry ``density`` of the absolute weight of all of them."""
        sizes = np.cumsum(np.abs(np.array([each.weight for each in found], dtype=np.float64)))
        if not found or not sizes[-1]:
            return found
        # a hair less, so that rounding never asks for an edge too many
        count = int(np.searchsorted(sizes, self.density * sizes[-1] * (1 - 1e-12))) + 1
        return found[:count]

    def strongest(self, place: int) -> NodeKey | None:
        """The node at the other end of a node's strongest edge (out; in for a logit)."""
        found = self.seen(self.children(place))[:1] or self.seen(self.parents(place))[:1]
        return self.node(found[0].place).key if found else None

    def supernode_members(self) -> dict[str, list[int]]:
        """Every supernode's members, as places."""
        index = self.graph.index_of
        return {
            group.name: [index[key] for key in group.members if key in index]
            for group in self.session.annotations.supernodes
        }

    def used_labels(self) -> list[str]:
        """Labels already used in this graph, the most frequent first."""
        seen: dict[str, int] = {}
        for label in self.session.annotations.labels.values():
            seen[label.text] = seen.get(label.text, 0) + 1
        return sorted(seen, key=lambda text: (-seen[text], text.casefold()))
