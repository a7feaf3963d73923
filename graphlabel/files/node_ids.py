"""Node ids and feature numbers as the field's tools write them."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphlabel.graph import Node, NodeKind
from graphlabel.graph.pairing import cantor, cantor_inverse

__all__ = ["cantor", "cantor_inverse", "feature_index", "new_node_ids"]

_FEATURE_ID = (
    re.compile(r"^\d+_(\d+)_-?\d+$"),
    re.compile(r"^\d+_(?:cro|lor)_(\d+)_\d+$"),
    re.compile(r"^intermediate_\d+_\d+_(\d+)$"),
)


def feature_index(node_id: str, fallback: int | None) -> int:
    """A feature's index, from its node id where the id says so, else ``fallback`` (or -1)."""
    for pattern in _FEATURE_ID:
        match = pattern.match(node_id)
        if match:
            return int(match[1])
    return -1 if fallback is None else fallback


def new_node_ids(nodes: Sequence[Node], n_layers: int) -> tuple[str, ...]:
    """Ids in circuit-tracer's form, made unique.

    circuit-tracer gives the error of layer L the id ``0_{L}_{pos}``, which a layer-0 feature may
    have as well; such an error is called ``error_{L}_{pos}`` here so that no tool loses either.
    """
    taken = {_feature_id(node) for node in nodes if node.is_feature}
    ids = []
    for node in nodes:
        kind, layer, feature, position = node.key
        if kind is NodeKind.FEATURE:
            ids.append(_feature_id(node))
        elif kind is NodeKind.ERROR:
            plain = f"0_{layer}_{position}"
            ids.append(f"error_{layer}_{position}" if plain in taken else plain)
        elif kind is NodeKind.TOKEN:
            ids.append(f"E_{feature}_{position}")
        else:
            ids.append(f"{n_layers + 1}_{feature}_{position}")
    return tuple(ids)


def _feature_id(node: Node) -> str:
    return f"{node.key.layer}_{node.key.feature}_{node.key.position}"
