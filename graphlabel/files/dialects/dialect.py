"""What a dialect of graph JSON decides; circuit-tracer's form unless overridden."""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from graphlabel.files.fields import Fields
from graphlabel.graph import NO_FEATURE, GraphSource, NodeKind

KINDS = {
    "cross layer transcoder": NodeKind.FEATURE,
    "per layer transcoder": NodeKind.FEATURE,
    "transcoder": NodeKind.FEATURE,
    "mlp reconstruction error": NodeKind.ERROR,
    "embedding": NodeKind.TOKEN,
    "logit": NodeKind.LOGIT,
}
"""Node kinds by ``feature_type``; any other type is kept as OTHER."""

_LABELLED_BY_CLERP = (NodeKind.FEATURE, NodeKind.OTHER)
_LOOKED_AT = 2000


@dataclass(frozen=True)
class Head:
    """What tells dialects apart: the metadata and the beginning of the nodes."""

    metadata: Mapping[str, Any]
    nodes: Iterable[Mapping[str, Any]]

    def texts(self, name: str) -> Iterable[str]:
        """A field of the first 2,000 nodes, where it is a text."""
        for place, node in enumerate(self.nodes):
            if place >= _LOOKED_AT:
                return
            value = node.get(name)
            if isinstance(value, str):
                yield value

    @property
    def info(self) -> Mapping[str, Any]:
        """The metadata's ``info``, empty when there is none."""
        info = self.metadata.get("info")
        return info if isinstance(info, dict) else {}

    @property
    def generator(self) -> str:
        """The name of the program that made the file, in lower case."""
        generator = self.info.get("generator")
        name = generator.get("name") if isinstance(generator, dict) else None
        return name.lower() if isinstance(name, str) else ""


class Dialect(ABC):
    """How one tool writes a graph. The base reads circuit-tracer's form, which most others vary."""

    name = ""
    """The dialect in words."""
    pins_by_js_id = False
    """Whether qParams name nodes by jsNodeId; node ids otherwise."""
    _feature_id = re.compile(r"^\d+_(\d+)_-?\d+$", re.ASCII)
    _token_id = re.compile(r"^E_(\d+)_", re.ASCII)

    @abstractmethod
    def matches(self, head: Head) -> bool:
        """Whether a file is written in this dialect."""

    def kind(self, feature_type: str) -> NodeKind:
        """The kind of node a ``feature_type`` stands for."""
        return KINDS.get(feature_type, NodeKind.OTHER)

    def n_layers(self, metadata: Fields) -> int | None:
        """The number of layers if the file says so; else it follows from the nodes."""
        return None

    def feature(self, node: Fields, kind: NodeKind, schema: object) -> int:
        """The ``feature`` of a node's key.

        The feature's index, -1 for errors, the token id of embeddings, the vocabulary id of
        logits. ``schema`` is the metadata's ``schema_version``.
        """
        if kind is NodeKind.FEATURE or kind is NodeKind.OTHER:
            index = _index(self._feature_id, node)
            return self.decoded(node, _number(node), schema) if index is None else index
        if kind is NodeKind.TOKEN:
            index = _index(self._token_id, node)
            return _number(node) or 0 if index is None else index
        number = _number(node) if kind is NodeKind.LOGIT else None
        return NO_FEATURE if number is None else number

    def decoded(self, node: Fields, number: int | None, schema: object) -> int:
        """A feature's index by its ``feature`` number, where the node id does not tell it."""
        return NO_FEATURE if number is None else number

    def influences(self, stated: Sequence[float | None]) -> Sequence[float | None]:
        """The nodes' influences as cumulative shares: low means important."""
        return stated

    def label(self, node: Mapping[str, Any], kind: NodeKind) -> str:
        """The label a node came with; empty when it has none."""
        clerp = node.get("clerp")
        if kind in _LABELLED_BY_CLERP and isinstance(clerp, str) and clerp.strip():
            return clerp
        return ""

    def source(self, metadata: Fields) -> GraphSource:
        """The model and the transcoders as far as the file names them."""
        details = metadata.raw.get("feature_details")
        listed = metadata.raw.get("transcoder_list")
        scan = metadata.raw.get("scan", "")
        name = ""
        if isinstance(details, dict) and isinstance(details.get("neuronpedia_source_set"), str):
            name = details["neuronpedia_source_set"]
        elif isinstance(listed, list) and listed:
            name = ",".join(str(item) for item in listed)
        elif isinstance(scan, list):
            name = ",".join(str(item) for item in scan)
        # circuit-tracer's "custom-" names come from a hash that changes with every process
        known = isinstance(scan, str) and not (name and scan.startswith("custom-"))
        return GraphSource(model=scan if known else "", transcoders=name)


def _index(pattern: re.Pattern[str], node: Fields) -> int | None:
    match = pattern.match(node.text("node_id"))
    return int(match[1]) if match and len(match[1]) < 19 else None


def _number(node: Fields) -> int | None:
    stated = node.raw.get("feature")
    return stated if type(stated) is int and abs(stated) < 2**62 else None
