"""Nodes of the graph from a file's node objects."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphlabel.files.dialects import Dialect
from graphlabel.files.fields import Fields
from graphlabel.graph import NO_FEATURE, TOKEN_LAYER, Node, NodeKey, NodeKind

# a person's own text may stand before, with quotes of its own
_LOGIT_TEXT = re.compile(r'.*(?:Output|Logit|output:) "(.*)" \(p=', re.DOTALL)
_QUOTED = re.compile(r'"(.*)" \(p=', re.DOTALL)
# what stands before a logit's token is a short text; longer ones would only cost time
_LONGEST_CLERP = 10_000
_INNER = (NodeKind.FEATURE, NodeKind.ERROR, NodeKind.OTHER)


def nodes_of(
    fields: Sequence[Fields],
    dialect: Dialect,
    metadata: Fields,
    tokens: Sequence[str],
    n_layers: int | None,
) -> tuple[tuple[Node, ...], int]:
    """The nodes in the file's order, and the number of layers (as given, stated, or found).

    Every node gets a key of its own. Raises GraphFileError naming the node that is wrong.
    """
    kinds = [dialect.kind(node.text("feature_type")) for node in fields]
    layers = [
        TOKEN_LAYER if kind is NodeKind.TOKEN else node.integer("layer")
        for node, kind in zip(fields, kinds, strict=True)
    ]
    if n_layers is None:
        n_layers = dialect.n_layers(metadata)
    if n_layers is None:
        highest = [layer for layer, kind in zip(layers, kinds, strict=True) if kind in _INNER]
        n_layers = max(highest, default=0) + 1
    schema = metadata.raw.get("schema_version")
    unique = _UniqueKeys()
    nodes = []
    influences = dialect.influences([node.number("influence") for node in fields])
    for node, kind, layer, influence in zip(fields, kinds, layers, influences, strict=True):
        is_logit, position = kind is NodeKind.LOGIT, node.integer("ctx_idx")
        feature = dialect.feature(node, kind, schema)
        nodes.append(
            Node(
                unique(NodeKey(kind, n_layers if is_logit else layer, feature, position)),
                text=_text(node, kind, position, tokens),
                activation=None if is_logit else node.number("activation"),
                influence=influence,
                probability=node.number("token_prob") if is_logit else None,
            )
        )
    return tuple(nodes), n_layers


class _UniqueKeys:
    """Tells nodes of one kind, layer, feature and position apart by negative features."""

    def __init__(self) -> None:
        self._seen: set[NodeKey] = set()
        self._next: dict[tuple[NodeKind, int, int], int] = {}

    def __call__(self, key: NodeKey) -> NodeKey:
        if key in self._seen:
            place = (key.kind, key.layer, key.position)
            feature = self._next.get(place, NO_FEATURE - 1)
            while key._replace(feature=feature) in self._seen:
                feature -= 1
            self._next[place] = feature - 1
            key = key._replace(feature=feature)
        self._seen.add(key)
        return key


def _text(node: Fields, kind: NodeKind, position: int, tokens: Sequence[str]) -> str:
    if kind is NodeKind.LOGIT:
        clerp = node.text("clerp", "") if node.raw.get("clerp") is not None else ""
        searched = clerp[-_LONGEST_CLERP:]
        match = _LOGIT_TEXT.match(searched) or _QUOTED.search(searched)
        return match[1] if match else clerp
    return tokens[position] if 0 <= position < len(tokens) else ""
