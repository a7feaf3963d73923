"""Labels in qParams ``clerps``: Neuronpedia's form by occurrence, circuit-tracer's by feature.

Neuronpedia writes an array of ``["{layer}_{feature}_{position}", label]``, circuit-tracer a JSON
*text* of ``[feature, label]``; layer and feature are as the nodes have them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import msgspec

from graphlabel.annotation import LabelTarget
from graphlabel.graph import NodeKey, NodeKind

_NAMED = (NodeKind.FEATURE, NodeKind.OTHER)


class Clerps(NamedTuple):
    """What ``clerps`` say."""

    labels: dict[LabelTarget, str]
    """Labels by occurrence (a node's key) or by feature."""
    unknown: int
    """How many entries name no node or feature of the graph."""


def read_clerps(
    value: object, keys: Sequence[NodeKey], nodes: Sequence[Mapping[str, Any]]
) -> Clerps:
    """The labels in either form; what is no label at all is passed over."""
    pairs = list(_pairs(value))
    if not pairs:
        return Clerps({}, 0)
    occurrences = {
        occurrence_id(node): key for key, node in reversed(list(zip(keys, nodes, strict=True)))
    }
    features: dict[str, dict[LabelTarget, None]] = defaultdict(dict)
    for key, node in zip(keys, nodes, strict=True):
        if key.kind in _NAMED:
            features[str(node.get("feature"))][key.feature_key] = None
    found: dict[LabelTarget, str] = {}
    for name, label in pairs:
        if name in occurrences:
            found[occurrences[name]] = label
        else:
            found.update(dict.fromkeys(features.get(name, ()), label))
    unknown = sum(name not in occurrences and name not in features for name, _ in pairs)
    return Clerps(found, unknown)


def occurrence_id(node: Mapping[str, Any]) -> str:
    """How Neuronpedia's frontend names an occurrence: the node's layer, feature and position."""
    return f"{node.get('layer')}_{node.get('feature')}_{node.get('ctx_idx')}"


def _pairs(value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, str):
        try:
            value = msgspec.json.decode(value)
        except (msgspec.DecodeError, RecursionError, UnicodeError):
            return
    if not isinstance(value, list):
        return
    for item in value:
        match item:
            case [str() | int() as name, str(label)] if label.strip():
                yield str(name), label
