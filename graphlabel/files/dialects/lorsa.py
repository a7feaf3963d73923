"""Neuronpedia's graphs with attention features (lorsa)."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from graphlabel.files.dialects.dialect import Head
from graphlabel.files.dialects.neuronpedia import Neuronpedia
from graphlabel.files.fields import Fields
from graphlabel.graph import NodeKind

ATTENTION_ERROR = -2
"""The ``feature`` of attention errors' keys, beside -1 of the MLP error of the same place."""


class Lorsa(Neuronpedia):
    """Ids ``{layer}_cro_{index}_{position}`` and ``{layer}_lor_…``; layers are whole numbers.

    ``qk_tracing_results`` of nodes and the top-level ``qk_only_nodes`` are kept as they are.
    """

    name = "neuronpedia (lorsa)"
    _feature_id = re.compile(r"^\d+_(?:cro|lor)_(\d+)_\d+$", re.ASCII)
    _known = re.compile(r"^\d+_(?:cro|lor|error_attn|error_mlp)_", re.ASCII)

    def matches(self, head: Head) -> bool:
        """Some node has an id or a type that only such graphs have."""
        return any(map(self._known.match, head.texts("node_id"))) or any(
            text in ("lorsa", "lorsa error") for text in head.texts("feature_type")
        )

    def kind(self, feature_type: str) -> NodeKind:
        """Attention errors are errors; attention features are of a kind of their own."""
        return NodeKind.ERROR if feature_type == "lorsa error" else super().kind(feature_type)

    def feature(self, node: Fields, kind: NodeKind, schema: object) -> int:
        """As in circuit-tracer; attention errors are told from MLP errors."""
        if kind is NodeKind.ERROR and node.raw.get("feature_type") == "lorsa error":
            return ATTENTION_ERROR
        return super().feature(node, kind, schema)

    def label(self, node: Mapping[str, Any], kind: NodeKind) -> str:
        """The clerp, unless it is the name every node gets: ``F{feature}``, or a bias's hook."""
        text = super().label(node, kind)
        if text == f"F{node.get('feature')}" or node.get("feature_type") in ("bias", "unknown"):
            return ""
        return text
