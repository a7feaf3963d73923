"""Writing graph JSON that circuit-tracer's and Neuronpedia's frontends open."""

from __future__ import annotations

import gzip
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from graphlabel._version import __version__
from graphlabel.annotation import Annotations, Origin
from graphlabel.atomic import write_bytes
from graphlabel.errors import GraphFileError
from graphlabel.files import extension
from graphlabel.files.document import GraphDocument
from graphlabel.files.node_ids import cantor, new_node_ids
from graphlabel.files.q_params import write_q_params
from graphlabel.graph import AttributionGraph, Node, NodeKind

FEATURE_TYPES = {
    NodeKind.FEATURE: "cross layer transcoder",
    NodeKind.ERROR: "mlp reconstruction error",
    NodeKind.TOKEN: "embedding",
    NodeKind.LOGIT: "logit",
}
"""``feature_type`` by node kind; every transcoder feature has the first one, per-layer or not."""


def new_document(graph: AttributionGraph, slug: str) -> GraphDocument:
    """A document for a graph that no file holds yet."""
    return GraphDocument(
        graph=graph,
        annotations=Annotations(),
        node_ids=new_node_ids(graph.nodes, graph.n_layers),
        slug=slug,
    )


def write_graph(
    document: GraphDocument, path: Path, *, settings: Mapping[str, Any] | None = None
) -> None:
    """Write a document in the form it was read in; gzipped when the name ends in ``.gz``.

    Fields that are not ours stay as they were; nodes and links keep their order. ``settings``
    (``generation_settings`` and ``pruning_settings``) go into the metadata. Raises GraphFileError
    when the file cannot be written; what was there before is then still there.
    """
    data = encode_graph(document, settings or {})
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    write_bytes(path, data, GraphFileError)


def encode_graph(document: GraphDocument, settings: Mapping[str, Any]) -> bytes:
    """The file's bytes: UTF-8 JSON, one node or link a line."""
    encoder = msgspec.json.Encoder()
    metadata = encoder.encode({**_metadata(document), **settings})
    q_params = encoder.encode(write_q_params(document))
    nodes = b",\n".join(encoder.encode(node) for node in _nodes(document))
    links = b",\n".join(encoder.encode(link) for link in _links(document))
    rest = b"".join(
        b",\n%b:%b" % (encoder.encode(name), encoder.encode(value))
        for name, value in document.residue.top.items()
    )
    return b'{"metadata":%b,\n"qParams":%b,\n"nodes":[\n%b\n],\n"links":[\n%b\n]%b}\n' % (
        metadata,
        q_params,
        nodes,
        links,
        rest,
    )


def _metadata(document: GraphDocument) -> dict[str, Any]:
    graph = document.graph
    ours = extension.write_metadata(
        extension.FileMetadata(graph.source, graph.token_ids, graph.n_layers, graph.scores)
    )
    if document.residue.metadata:
        return {**document.residue.metadata, extension.FIELD: ours}
    return {
        "slug": document.slug,
        "scan": graph.source.model or "unknown",
        "transcoder_list": [graph.source.transcoders] if graph.source.transcoders else [],
        "prompt_tokens": list(graph.tokens),
        "prompt": graph.prompt,
        "schema_version": 1,
        "info": {"generator": {"name": "graphlabel", "version": __version__}},
        extension.FIELD: ours,
    }


def _nodes(document: GraphDocument) -> list[dict[str, Any]]:
    residue, graph = document.residue, document.graph
    written = []
    for place, node in enumerate(graph.nodes):
        ours = extension.write_node(document.annotations, node.key)
        if residue.nodes:
            raw = dict(residue.nodes[place])
            raw["clerp"] = _clerp(document, node, raw.get("clerp"))
        else:
            raw = new_node(document, place, node)
            raw["clerp"] = _clerp(document, node, None)
        raw.pop(extension.FIELD, None)
        if ours and not _only_what_was_read(document, node):
            raw[extension.FIELD] = ours
        written.append(raw)
    return written


def _only_what_was_read(document: GraphDocument, node: Node) -> bool:
    """Whether a node carries nothing but the label its file came with."""
    now = document.annotations
    label = now.label_of(node.key)
    plain = label is None or label.provenance.origin is Origin.FILE
    annotated = now.routing_of(node.key) or node.key in now.notes or node.key in now.reviews
    return plain and not annotated


def _clerp(document: GraphDocument, node: Node, read: object) -> Any:
    label = document.annotations.label_of(node.key)
    before = document.residue.annotations
    if before is not None and before.label_of(node.key) == label:
        return read if read is not None else ""
    text = label.text if label else ""
    if node.key.kind is NodeKind.LOGIT:  # every frontend splits a logit's clerp at "(p="
        plain = f'Output "{node.text}" (p={node.probability or 0.0:.3f})'
        return f"[{text}] {plain}" if text else plain
    return text


def new_node(document: GraphDocument, place: int, node: Node) -> dict[str, Any]:
    """A node's fields in circuit-tracer's form, without a label."""
    kind, layer, feature, position = node.key
    n_layers = document.graph.n_layers
    number, shown_layer, js_id = {
        NodeKind.FEATURE: (cantor(layer, max(feature, 0)), str(layer), f"{layer}_{feature}-0"),
        NodeKind.ERROR: (-1, str(layer), f"{layer}_{position}-0"),
        NodeKind.TOKEN: (position, "E", f"E_{feature}-{position}"),
        NodeKind.LOGIT: (feature, str(n_layers + 1), f"L_{feature}-{position}"),
        NodeKind.OTHER: (feature, str(layer), f"{layer}_{feature}-0"),
    }[kind]
    return {
        "node_id": document.node_ids[place],
        "feature": number,
        "layer": shown_layer,
        "ctx_idx": position,
        "feature_type": FEATURE_TYPES.get(kind, "unknown"),
        "token_prob": node.probability or 0.0,
        "is_target_logit": kind is NodeKind.LOGIT,
        "run_idx": 0,
        "reverse_ctx_idx": 0,
        "jsNodeId": js_id,
        "clerp": "",
        "influence": node.influence,
        "activation": node.activation,
    }


def _links(document: GraphDocument) -> list[Mapping[str, Any]]:
    edges, ids, residue = document.graph.edges, document.node_ids, document.residue
    rows = zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)
    links: list[Mapping[str, Any]] = [
        {"source": ids[source], "target": ids[target], "weight": weight}
        for source, target, weight in rows
    ]
    for place, extra in residue.link_fields.items():
        links[place] = {**links[place], **extra}
    return [*links, *residue.dangling_links]
