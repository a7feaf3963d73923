"""A graph file's contents as the checks see them: lenient, and open to be put right."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from graphlabel.errors import GraphFileError
from graphlabel.files.dialects import Dialect, Head, dialect_of
from graphlabel.files.fields import Fields
from graphlabel.graph import TOKEN_LAYER, NodeKind

LOGIT_LAYER = 1 << 62
"""Logits stand above every layer, whatever number their file gives them."""


class Contents:
    """The parts of a file, and what the checks look up in them."""

    def __init__(self, raw: dict[str, Any]) -> None:
        self.raw = raw
        self.metadata: dict[str, Any] = raw.setdefault("metadata", {})
        self.q_params: dict[str, Any] = raw.setdefault("qParams", {})
        self.nodes: list[dict[str, Any]] = raw["nodes"]
        self.links: list[dict[str, Any]] = raw["links"]
        self.dialect: Dialect = dialect_of(Head(self.metadata, self.nodes))
        self.kinds = [self._kind(node) for node in self.nodes]
        self.layers = [
            self._layer(node, kind) for node, kind in zip(self.nodes, self.kinds, strict=True)
        ]
        self.places: dict[str, list[int]] = defaultdict(list)
        """The places of nodes by their ids."""
        for place, node in enumerate(self.nodes):
            node_id = node.get("node_id")
            if isinstance(node_id, (str, int)):
                self.places[str(node_id)].append(place)
        self.js_ids = {str(node["jsNodeId"]) for node in self.nodes if node.get("jsNodeId")}

    def _kind(self, node: dict[str, Any]) -> NodeKind:
        feature_type = node.get("feature_type")
        return self.dialect.kind(feature_type if isinstance(feature_type, str) else "")

    def _layer(self, node: dict[str, Any], kind: NodeKind) -> int | None:
        if kind is NodeKind.TOKEN:
            return TOKEN_LAYER
        if kind is NodeKind.LOGIT:
            return LOGIT_LAYER
        try:
            return Fields(node, "node").integer("layer")
        except GraphFileError:
            return None

    def names_a_node(self, name: object) -> bool:
        """Whether an id of qParams names a node."""
        return isinstance(name, (str, int)) and (str(name) in self.places or name in self.js_ids)

    def node(self, place: int) -> str:
        """A node as problems name it."""
        node_id = str(self.nodes[place].get("node_id", ""))[:60]
        return f"node {place} ({node_id})" if node_id else f"node {place}"

    def link(self, number: int) -> str:
        """A link as problems name it."""
        ends = (str(self.links[number].get(end, "?"))[:40] for end in ("source", "target"))
        return f"link {number} ({' → '.join(ends)})"
