"""Writing graph JSON that circuit-tracer's and Neuronpedia's frontends open."""

from __future__ import annotations

import gzip
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from graphlabel._version import __version__
from graphlabel.annotation import Annotations, Label, Origin
from graphlabel.atomic import write_bytes
from graphlabel.errors import GraphFileError
from graphlabel.files import extension
from graphlabel.files.clerps import read_clerps
from graphlabel.files.document import GraphDocument
from graphlabel.files.node_ids import cantor, new_node_ids
from graphlabel.files.q_params_writer import changed_q_params
from graphlabel.files.raw import raw_items
from graphlabel.graph import AttributionGraph, Node, NodeKey, NodeKind

FEATURE_TYPES = {
    NodeKind.FEATURE: "cross layer transcoder",
    NodeKind.ERROR: "mlp reconstruction error",
    NodeKind.TOKEN: "embedding",
    NodeKind.LOGIT: "logit",
}
"""``feature_type`` by node kind; every transcoder feature has the first one, per-layer or not."""

PICKLES = (".pt", ".pth", ".pkl")
"""Suffixes by which other programs would take a graph for a pickle."""
_encode = msgspec.json.Encoder().encode
_fields = msgspec.json.Decoder(dict[str, msgspec.Raw])


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
    if path.suffix in PICKLES:
        raise GraphFileError(f"{path} would be a pickle; graphs are written as JSON, name a .json")
    data = encode_graph(document, settings or {})
    if path.suffix == ".gz":
        data = gzip.compress(data, mtime=0)
    write_bytes(path, data, GraphFileError)


def encode_graph(document: GraphDocument, settings: Mapping[str, Any] | None = None) -> bytes:
    """The file's bytes: UTF-8 JSON, those that were read when nothing changed."""
    settings = settings or {}
    if document.residue.data:
        return _encode_changes(document, settings)
    metadata = document.residue.metadata or _new_metadata(document)
    parts = {
        "metadata": _encode({**metadata, extension.FIELD: _our_metadata(document), **settings}),
        "qParams": _encode({**document.residue.q_params, **changed_q_params(document)}),
        "nodes": _lines([_encode(node) for node in _new_nodes(document)]),
        "links": _lines([_encode(link) for link in _new_links(document)]),
    }
    return _object(parts | {name: _encode(it) for name, it in document.residue.top.items()})


def _encode_changes(document: GraphDocument, settings: Mapping[str, Any]) -> bytes:
    """The file as it was read, to the letter, but for what a person changed."""
    residue = document.residue
    parts: dict[str, Any] = dict(_fields.decode(residue.data))
    nodes = raw_items.decode(parts["nodes"])
    changed = _changed_nodes(document)
    for place, node in changed.items():
        nodes[place] = msgspec.Raw(_encode(node))
    if changed:
        parts["nodes"] = _lines(nodes)
    metadata: dict[str, Any] = dict(settings)
    if document.slug != residue.slug:
        metadata["slug"] = document.slug
    ours, read = _our_metadata(document), residue.metadata.get(extension.FIELD)
    if _says_something(document) and ours != read:
        metadata[extension.FIELD] = ours
    q_params = changed_q_params(document)
    if "clerps" in residue.q_params and _stale_clerps(document):
        q_params["clerps"] = None
    if not (changed or metadata or q_params):
        return residue.data
    if metadata:
        parts["metadata"] = _merged(parts["metadata"] if residue.metadata else b"{}", metadata)
    if q_params:
        parts["qParams"] = _merged(parts["qParams"] if residue.q_params else b"{}", q_params)
    return _object(parts)


def node_objects(document: GraphDocument) -> list[dict[str, Any]]:
    """The node objects of the document's file, in order, as they would be written."""
    if not document.residue.data:
        return list(_new_nodes(document))
    nodes = [dict(node) for node in document.residue.nodes]
    for place, node in _changed_nodes(document).items():
        nodes[place] = node
    return nodes


def _merged(part: bytes | msgspec.Raw, changes: Mapping[str, Any]) -> bytes:
    """A JSON object with some fields replaced (dropped where the new value is None)."""
    fields: dict[str, Any] = dict(_fields.decode(part))
    for name, value in changes.items():
        if value is None:
            fields.pop(name, None)
        else:
            fields[name] = _encode(value)
    body = b",".join(b"%b:%b" % (_encode(name), bytes(value)) for name, value in fields.items())
    return b"{%b}" % body


def _object(parts: Mapping[str, Any]) -> bytes:
    lines = b",\n".join(b"%b:%b" % (_encode(name), bytes(part)) for name, part in parts.items())
    return b"{%b}\n" % lines


def _lines(items: Sequence[Any]) -> bytes:
    return b"[\n%b\n]" % b",\n".join(map(bytes, items))


def _our_metadata(document: GraphDocument) -> Any:
    graph = document.graph
    return extension.write_metadata(
        extension.FileMetadata(graph.source, graph.token_ids, graph.n_layers, graph.scores)
    )


def _says_something(document: GraphDocument) -> bool:
    """Whether our metadata is worth adding: it was there, or some node has a field of ours."""
    if extension.FIELD in document.residue.metadata:
        return True
    return any(
        not _only_what_was_read(document, node)
        and extension.write_node(document.annotations, node.key)
        for node in document.graph.nodes
    )


def _new_metadata(document: GraphDocument) -> dict[str, Any]:
    graph = document.graph
    return {
        "slug": document.slug,
        "scan": graph.source.model or graph.source.transcoders or "unknown",
        "transcoder_list": [graph.source.transcoders] if graph.source.transcoders else [],
        "prompt_tokens": list(graph.tokens),
        "prompt": graph.prompt,
        "schema_version": 1,
        "info": {"generator": {"name": "graphlabel", "version": __version__}},
    }


def _changed_nodes(document: GraphDocument) -> dict[int, dict[str, Any]]:
    """The nodes that are not as they were read, by place."""
    stale = _stale_clerps(document)
    changed = {}
    for place, node in enumerate(document.graph.nodes):
        read = document.residue.nodes[place]
        written = dict(read)
        label = document.annotations.label_of(node.key)
        if node.key in stale or label != _label_read(document, node):
            written["clerp"] = _clerp(document, node)
        written.pop(extension.FIELD, None)
        ours = extension.write_node(document.annotations, node.key)
        if ours and not _only_what_was_read(document, node):
            written[extension.FIELD] = ours
        if written != read:
            changed[place] = written
    return changed


def _label_read(document: GraphDocument, node: Node) -> Label | None:
    before = document.residue.annotations
    return before.label_of(node.key) if before else None


def _stale_clerps(document: GraphDocument) -> set[NodeKey]:
    """The nodes labelled by qParams' clerps, once a label of one of them has changed.

    The frontends prefer those clerps, so the labels then move to the nodes' own.
    """
    residue, before = document.residue, document.residue.annotations
    value = residue.q_params.get("clerps")
    if not value or before is None or before.labels == document.annotations.labels:
        return set()
    nodes = document.graph.nodes
    targets = read_clerps(value, [node.key for node in nodes], residue.nodes).labels
    named = [node for node in nodes if node.key in targets or node.key.feature_key in targets]
    if all(document.annotations.label_of(n.key) == before.label_of(n.key) for n in named):
        return set()
    return {node.key for node in named}


def _new_nodes(document: GraphDocument) -> Iterator[dict[str, Any]]:
    """Node objects that no file has to the letter: from given fields, or all new."""
    given = document.residue.nodes
    for place, node in enumerate(document.graph.nodes):
        raw = dict(given[place]) if given else new_node(document, place, node)
        if not given or document.annotations.label_of(node.key) != _label_read(document, node):
            raw["clerp"] = _clerp(document, node)
        raw.pop(extension.FIELD, None)
        ours = extension.write_node(document.annotations, node.key)
        if ours and not _only_what_was_read(document, node):
            raw[extension.FIELD] = ours
        yield raw


def _only_what_was_read(document: GraphDocument, node: Node) -> bool:
    """Whether a node carries nothing but the label its file came with."""
    now = document.annotations
    label = now.label_of(node.key)
    plain = label is None or label.provenance.origin is Origin.FILE
    annotated = (
        now.routing_of(node.key)
        or node.key in now.notes
        or node.key in now.reviews
        or now.verbalizations_of(node.key)
    )
    return plain and not annotated


def _clerp(document: GraphDocument, node: Node) -> str:
    label = document.annotations.label_of(node.key)
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


def _new_links(document: GraphDocument) -> Iterator[dict[str, Any]]:
    edges, ids = document.graph.edges, document.node_ids
    extra = document.residue.link_fields
    rows = zip(edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True)
    for place, (source, target, weight) in enumerate(rows):
        link = {"source": ids[source], "target": ids[target], "weight": weight}
        yield {**link, **extra[place]} if place in extra else link
    yield from map(dict, document.residue.dangling_links)
