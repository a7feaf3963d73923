"""A graph as a file holds it: the graph, its annotations, and what only the file knows."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

from graphlabel.annotation import Annotations
from graphlabel.files.q_params import Names, SupernodeRow
from graphlabel.graph import AttributionGraph, NodeKey


@dataclass(frozen=True, eq=False)
class Residue:
    """Everything of the file that the model of a graph has no room for, kept for writing back."""

    top: Mapping[str, Any] = field(default_factory=dict)
    """Top-level fields besides metadata, qParams, nodes and links."""
    metadata: Mapping[str, Any] = field(default_factory=dict)
    q_params: Mapping[str, Any] = field(default_factory=dict)
    nodes: Sequence[Mapping[str, Any]] = ()
    """Each node's fields as read, in order."""
    link_fields: Mapping[int, Mapping[str, Any]] = field(default_factory=dict)
    """Extra fields of links, by the edge's place."""
    dangling_links: Sequence[Mapping[str, Any]] = ()
    """Links that name no node."""
    unresolved_pins: Sequence[str] = ()
    unresolved_members: Mapping[str, Sequence[str]] = field(default_factory=dict)
    """Supernode members that name no node, by supernode."""
    annotations: Annotations | None = None
    """The annotations as read, to tell what a person changed."""
    slug: str = ""
    """The slug as read, or the file's name."""
    names: Names | None = None
    """What the file calls its nodes."""
    supernode_rows: Sequence[SupernodeRow] = ()
    """The supernodes to the letter."""
    data: bytes = b""
    """The whole file, unpacked: what nobody changes is written back from here, to the letter.

    Empty for documents that are put together otherwise; the fields above are then written.
    """


@dataclass(frozen=True, eq=False)
class GraphDocument:
    """An attribution graph with its annotations and the ids its file gives the nodes."""

    graph: AttributionGraph
    annotations: Annotations
    node_ids: tuple[str, ...]
    slug: str
    dialect: str = "graphlabel"
    """Which tool's form the file has, in words."""
    residue: Residue = field(default_factory=Residue)

    def annotated(self, annotations: Annotations) -> GraphDocument:
        """The same document with other annotations."""
        return replace(self, annotations=annotations)

    @cached_property
    def place_of_id(self) -> dict[str, int]:
        """Where each id's node stands; the first one when two share an id."""
        places: dict[str, int] = {}
        for place, node_id in enumerate(self.node_ids):
            places.setdefault(node_id, place)
        return places

    @cached_property
    def id_of_key(self) -> dict[NodeKey, str]:
        """Each node's id in the file."""
        nodes = self.graph.nodes
        return {nodes[place].key: node_id for place, node_id in enumerate(self.node_ids)}
