"""The attribution graph: nodes, edges, and what they were computed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from jaxtyping import Int64

from graphlabel.errors import GraphError
from graphlabel.graph.edges import Edges
from graphlabel.graph.nodes import Node, NodeKey, NodeKind

GONE = -1
"""The place of what is in a graph no more."""


@dataclass(frozen=True, slots=True)
class GraphSource:
    """What a graph was computed from: the model and the transcoders, with their revisions."""

    model: str = ""
    """The model's name, hub id or folder name."""
    model_revision: str = ""
    """A commit of the hub or a digest of the weights; empty when the file does not say."""
    transcoders: str = ""
    """The transcoder set's name: a source set, release, hub id or folder name."""
    transcoders_revision: str = ""


@dataclass(frozen=True, slots=True)
class GraphScores:
    """How much of the computation the transcoders explain (Ameisen et al. 2025)."""

    replacement: float
    """Share of end-to-end influence that starts at tokens rather than at errors."""
    completeness: float
    """Influence-weighted share of each node's inputs that is no error."""


@dataclass(frozen=True, eq=False)
class AttributionGraph:
    """The attribution graph of one prompt. Nodes are referred to by their place in ``nodes``."""

    prompt: str
    tokens: tuple[str, ...]
    """The prompt's tokens as text, the first special token (BOS) included."""
    nodes: tuple[Node, ...]
    edges: Edges
    n_layers: int
    source: GraphSource = field(default_factory=GraphSource)
    token_ids: tuple[int, ...] = ()
    scores: GraphScores | None = None

    def __post_init__(self) -> None:
        """Refuse edges that lead nowhere."""
        if len(self.edges) and (
            min(self.edges.source.min(), self.edges.target.min()) < 0
            or max(self.edges.source.max(), self.edges.target.max()) >= len(self.nodes)
        ):
            raise GraphError("an edge names a node that the graph does not have")

    def __len__(self) -> int:
        return len(self.nodes)

    @cached_property
    def index_of(self) -> dict[NodeKey, int]:
        """Where each key stands in ``nodes``."""
        return {node.key: place for place, node in enumerate(self.nodes)}

    @cached_property
    def _by_kind(self) -> dict[NodeKind, list[int]]:
        found: dict[NodeKind, list[int]] = {kind: [] for kind in NodeKind}
        for place, node in enumerate(self.nodes):
            found[node.key.kind].append(place)
        return found

    def places(self, kind: NodeKind) -> Iterator[int]:
        """The places of all nodes of a kind, in order."""
        return iter(self._by_kind[kind])

    def count(self, kind: NodeKind) -> int:
        """How many nodes of a kind there are."""
        return len(self._by_kind[kind])

    @cached_property
    def unexplained(self) -> Int64[np.ndarray, " nodes"]:
        """Where each node's outgoing links go while no feature counts as explained.

        To itself, for a feature to the error of its layer and position, or GONE without one.
        """
        places = np.arange(len(self.nodes), dtype=np.int64)
        for place in self.places(NodeKind.FEATURE):
            key = self.nodes[place].key
            error = NodeKey(NodeKind.ERROR, key.layer, -1, key.position)
            places[place] = self.index_of.get(error, GONE)
        return places
