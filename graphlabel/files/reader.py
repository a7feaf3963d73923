"""Reading graph JSON of circuit-tracer, Neuronpedia, Anthropic and graphlabel."""

from __future__ import annotations

import math
import re
from collections import defaultdict
from pathlib import Path
from typing import Any

from graphlabel.errors import GraphFileError
from graphlabel.files import extension
from graphlabel.files.document import GraphDocument, Residue
from graphlabel.files.node_ids import feature_index
from graphlabel.files.q_params import read_q_params
from graphlabel.files.raw import Fields, read_json
from graphlabel.graph import (
    NO_FEATURE,
    TOKEN_LAYER,
    AttributionGraph,
    Edges,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
)

KINDS = {
    "cross layer transcoder": NodeKind.FEATURE,
    "per layer transcoder": NodeKind.FEATURE,
    "transcoder": NodeKind.FEATURE,
    "mlp reconstruction error": NodeKind.ERROR,
    "embedding": NodeKind.TOKEN,
    "logit": NodeKind.LOGIT,
}
"""Node kinds by ``feature_type``; any other type is kept as OTHER."""

# a person's own text may stand before, with quotes of its own
_LOGIT_TEXT = re.compile(r'.*(?:Output|Logit|output:) "(.*)" \(p=', re.DOTALL)
_QUOTED = re.compile(r'"(.*)" \(p=', re.DOTALL)
_LINK_FIELDS = frozenset({"source", "target", "weight"})


def read_graph(path: Path) -> GraphDocument:
    """The graph in a JSON file (gzipped or not); raises GraphFileError in one line."""
    raw = read_json(path)
    top = Fields(raw, str(path))
    if not isinstance(raw.get("nodes"), list) or not isinstance(raw.get("links"), list):
        raise GraphFileError(f"{path} is no graph file: it has no “nodes” and “links” lists")
    metadata = top.fields("metadata")
    ours = extension.read_metadata(metadata.raw.get(extension.FIELD))
    tokens = tuple(str(token) for token in metadata.items("prompt_tokens"))
    fields = [Fields(node, f"node {place}") for place, node in enumerate(raw["nodes"])]
    nodes, n_layers = _nodes(fields, tokens, ours.n_layers)
    node_ids = tuple(node.text("node_id") for node in fields)
    edges, link_fields, dangling = _edges(raw["links"], nodes, node_ids)
    graph = AttributionGraph(
        prompt=metadata.text("prompt", ""),
        tokens=tokens,
        nodes=nodes,
        edges=edges,
        n_layers=n_layers,
        source=ours.source or _source(metadata),
        token_ids=ours.token_ids,
        scores=ours.scores,
    )
    q_params = top.fields("qParams")
    js_ids = [str(node.raw.get("jsNodeId", "")) for node in fields]
    pins = read_q_params(q_params, [node.key for node in nodes], node_ids, js_ids)
    annotations = extension.read_annotations(
        [node.key for node in nodes], [node.raw for node in fields], pins.annotations
    )
    rest = {k: v for k, v in raw.items() if k not in ("metadata", "qParams", "nodes", "links")}
    return GraphDocument(
        graph=graph,
        annotations=annotations,
        node_ids=node_ids,
        slug=metadata.text("slug", path.stem),
        dialect=_dialect(metadata, fields),
        residue=Residue(
            top=rest,
            metadata=metadata.raw,
            q_params=q_params.raw,
            nodes=[node.raw for node in fields],
            link_fields=link_fields,
            dangling_links=dangling,
            unresolved_pins=pins.unresolved_pins,
            unresolved_members=pins.unresolved_members,
            annotations=annotations,
        ),
    )


def _nodes(
    fields: list[Fields], tokens: tuple[str, ...], n_layers: int | None
) -> tuple[tuple[Node, ...], int]:
    kinds = [KINDS.get(node.text("feature_type"), NodeKind.OTHER) for node in fields]
    layers = [
        TOKEN_LAYER if kind is NodeKind.TOKEN else node.integer("layer")
        for node, kind in zip(fields, kinds, strict=True)
    ]
    if n_layers is None:
        inner = (NodeKind.FEATURE, NodeKind.ERROR, NodeKind.OTHER)
        highest = [layer for layer, kind in zip(layers, kinds, strict=True) if kind in inner]
        n_layers = max(highest, default=0) + 1
    nodes: list[Node] = []
    seen: set[NodeKey] = set()
    for node, kind, layer in zip(fields, kinds, layers, strict=True):
        key = _key(node, kind, n_layers if kind is NodeKind.LOGIT else layer)
        while key in seen:  # opaque ids: several nodes of one kind, layer and position
            key = key._replace(feature=min(key.feature, NO_FEATURE) - 1)
        seen.add(key)
        nodes.append(
            Node(
                key,
                text=_text(node, kind, key.position, tokens),
                activation=node.number("activation") if kind is not NodeKind.LOGIT else None,
                influence=node.number("influence"),
                probability=node.number("token_prob") if kind is NodeKind.LOGIT else None,
            )
        )
    return tuple(nodes), n_layers


def _key(node: Fields, kind: NodeKind, layer: int) -> NodeKey:
    position = node.integer("ctx_idx")
    number = node.raw.get("feature")
    stated = number if isinstance(number, int) and not isinstance(number, bool) else None
    if kind is NodeKind.ERROR:
        return NodeKey(kind, layer, NO_FEATURE, position)
    if kind is NodeKind.TOKEN:
        match = re.match(r"^E_(\d+)_", node.text("node_id"))
        return NodeKey(kind, layer, int(match[1]) if match else stated or 0, position)
    if kind is NodeKind.LOGIT:
        return NodeKey(kind, layer, NO_FEATURE if stated is None else stated, position)
    return NodeKey(kind, layer, feature_index(node.text("node_id"), stated), position)


def _text(node: Fields, kind: NodeKind, position: int, tokens: tuple[str, ...]) -> str:
    if kind is NodeKind.LOGIT:
        clerp = node.text("clerp", "") if node.raw.get("clerp") is not None else ""
        match = _LOGIT_TEXT.match(clerp) or _QUOTED.search(clerp)
        return match[1] if match else clerp
    return tokens[position] if 0 <= position < len(tokens) else ""


def _edges(
    links: list[Any], nodes: tuple[Node, ...], node_ids: tuple[str, ...]
) -> tuple[Edges, dict[int, dict[str, Any]], list[dict[str, Any]]]:
    places: dict[str, list[int]] = defaultdict(list)
    for place, node_id in enumerate(node_ids):
        places[node_id].append(place)
    shared = {node_id for node_id, found in places.items() if len(found) > 1}
    source: list[int] = []
    target: list[int] = []
    weight: list[float] = []
    extra: dict[int, dict[str, Any]] = {}
    dangling: list[dict[str, Any]] = []
    seen: set[tuple[int, int]] = set()
    for number, link in enumerate(links):
        try:
            head, tail, value = link["source"], link["target"], link["weight"]
            from_, to = places.get(head), places.get(tail)
            value = float(value)
        except (TypeError, KeyError, ValueError, OverflowError) as error:
            raise GraphFileError(
                f"link {number} needs a source, a target and a weight that is a number"
            ) from error
        if not math.isfinite(value):
            raise GraphFileError(f"link {number} has the weight {value}; re-trace the graph")
        if not from_ or not to:
            dangling.append(link)
            continue
        start, end = from_[0], to[0]
        if shared and (head in shared or tail in shared):
            start, end = _disambiguate(from_, to, nodes, seen)
        if len(link) > 3:
            extra[len(weight)] = {k: v for k, v in link.items() if k not in _LINK_FIELDS}
        source.append(start)
        target.append(end)
        weight.append(value)
    return Edges.of(source, target, weight), extra, dangling


def _disambiguate(
    from_: list[int], to: list[int], nodes: tuple[Node, ...], seen: set[tuple[int, int]]
) -> tuple[int, int]:
    """Choose between nodes that share an id: edges rise in layer, and nothing enters an error."""
    choices = [
        (start, end)
        for end in to
        if len(to) == 1 or nodes[end].key.kind is not NodeKind.ERROR
        for start in from_
        if nodes[start].key.layer < nodes[end].key.layer
    ] or [(from_[0], to[0])]
    chosen = next((pair for pair in choices if pair not in seen), choices[0])
    seen.add(chosen)
    return chosen


def _source(metadata: Fields) -> GraphSource:
    scan = metadata.raw.get("scan", "")
    details = metadata.raw.get("feature_details")
    listed = metadata.raw.get("transcoder_list")
    name = ""
    if isinstance(details, dict) and isinstance(details.get("neuronpedia_source_set"), str):
        name = details["neuronpedia_source_set"]
    elif isinstance(listed, list) and listed:
        name = ",".join(str(item) for item in listed)
    model = scan if isinstance(scan, str) else ",".join(str(item) for item in scan or [])
    return GraphSource(model=model, transcoders=name)


def _dialect(metadata: Fields, nodes: list[Fields]) -> str:
    if extension.FIELD in metadata.raw:
        return "graphlabel"
    ids = [node.raw.get("node_id", "") for node in nodes[:2000]]
    if any("_lor_" in node_id or "_cro_" in node_id for node_id in ids):
        return "neuronpedia (lorsa)"
    if any(node_id.startswith("intermediate_") for node_id in ids):
        return "eleutherai attribute"
    info = metadata.raw.get("info")
    if isinstance(info, dict) and ("neuronpedia" in str(info) or "create_time_ms" in info):
        return "neuronpedia"
    if "schema_version" in metadata.raw or "node_threshold" in metadata.raw:
        return "circuit-tracer"
    return "anthropic"
