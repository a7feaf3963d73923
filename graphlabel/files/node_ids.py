"""Node ids and feature numbers as the field's tools write them."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.graph import NO_FEATURE, Node, NodeKind
from graphlabel.graph.pairing import cantor, cantor_inverse

__all__ = ["cantor", "cantor_inverse", "new_node_ids"]


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
        elif kind is NodeKind.ERROR and feature == NO_FEATURE:
            plain = f"0_{layer}_{position}"
            ids.append(f"error_{layer}_{position}" if plain in taken else plain)
        elif kind is NodeKind.ERROR:  # another error of the same place: of attention, say
            ids.append(f"error_{layer}_{position}_{-feature}")
        elif kind is NodeKind.TOKEN:
            ids.append(f"E_{feature}_{position}")
        elif kind is NodeKind.OTHER:
            ids.append(f"{layer}_other_{feature}_{position}")
        else:
            ids.append(f"{n_layers + 1}_{feature}_{position}")
    return tuple(ids)


def _feature_id(node: Node) -> str:
    return f"{node.key.layer}_{node.key.feature}_{node.key.position}"
