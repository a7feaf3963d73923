"""Graph JSON that other tools open: the file's own form, Neuronpedia's, circuit-tracer's."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from graphlabel._version import __version__
from graphlabel.annotation import Annotations, Supernode, unique_name
from graphlabel.errors import ExportError, GraphFileError
from graphlabel.export.options import ExportOptions
from graphlabel.files import GraphDocument, Residue
from graphlabel.files.extension import FIELD
from graphlabel.files.node_ids import new_node_ids
from graphlabel.files.writer import encode_graph, new_node
from graphlabel.graph import Node, NodeKind

LOCAL_FEATURES = "./data/features"
"""The ``scan`` with which circuit-tracer's server finds feature JSON beside the graphs."""
_PROBABILITY = re.compile(r"\(p=[^()]*\)")
_AS_READ = ("is_target_logit", "run_idx", "reverse_ctx_idx")


def same(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """The form the document was read in."""
    yield _encoded(document)


def neuronpedia(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """A file that satisfies Neuronpedia's schema, with what else it shows of a graph."""
    made = frontend_document(document)
    if options.features_url:
        metadata = dict(made.residue.metadata)
        metadata["feature_details"] = {"feature_json_base_url": options.features_url}
        made = replace(made, residue=replace(made.residue, metadata=metadata))
    yield _encoded(made)


def circuit_tracer(document: GraphDocument, options: ExportOptions) -> Iterator[bytes]:
    """A file that circuit-tracer's frontend opens."""
    made = frontend_document(document)
    metadata = dict(made.residue.metadata)
    if options.features is not None:
        metadata |= {"scan": LOCAL_FEATURES, "transcoder_list": []}
    nodes = [
        {
            **node,
            "feature": -1 if node["feature"] is None else node["feature"],
            "layer": str(node["layer"]),
        }
        for node in made.residue.nodes
    ]
    yield _encoded(replace(made, residue=replace(made.residue, metadata=metadata, nodes=nodes)))


def _encoded(document: GraphDocument) -> bytes:
    try:
        return encode_graph(document, {})
    except GraphFileError as error:
        raise ExportError(str(error)) from error


def frontend_document(document: GraphDocument) -> GraphDocument:
    """The document as both frontends understand it.

    Node ids are unique, features have Cantor numbers, supernodes have names no node has, logits'
    ``clerp`` keeps its ``(p=…)``; labels stand in ``clerp`` and not in ``clerps``, whose form each
    frontend expects differently. Fields the frontends do not know stay as they were; links and
    members that name no node go.
    """
    ids = _unique_ids(document)
    named = replace(document, node_ids=ids, annotations=_renamed(document.annotations, ids))
    residue = document.residue
    nodes = [_node(named, place, node) for place, node in enumerate(document.graph.nodes)]
    before = residue.annotations
    q_params = {
        "pinnedIds": [],
        "supernodes": [],
        "linkType": "both",
        "clickedId": "",
        "sg_pos": "",
    }
    return replace(
        named,
        residue=Residue(
            top=residue.top,
            metadata=_metadata(document),
            q_params=q_params,
            nodes=nodes,
            link_fields=residue.link_fields,
            # so that labels nobody touched are written as they were read
            annotations=Annotations(labels=before.labels) if before else None,
        ),
    )


def has_own_numbers(document: GraphDocument) -> bool:
    """Whether feature numbers mean something only to their publisher (Anthropic's graphs)."""
    return document.dialect.startswith("anthropic")


def _unique_ids(document: GraphDocument) -> tuple[str, ...]:
    """The file's ids, with other ones for errors that share theirs with a feature."""
    seen, ids = Counter(document.node_ids), list(document.node_ids)
    if max(seen.values(), default=1) == 1:
        return document.node_ids
    fresh = new_node_ids(document.graph.nodes, document.graph.n_layers)
    for place, node in enumerate(document.graph.nodes):
        if seen[ids[place]] > 1 and node.key.kind is NodeKind.ERROR:
            ids[place] = fresh[place]
    taken: set[str] = set()
    for place, node_id in enumerate(ids):
        ids[place] = unique_name(node_id, taken)
        taken.add(ids[place])
    return tuple(ids)


def _renamed(annotations: Annotations, ids: tuple[str, ...]) -> Annotations:
    """Supernodes by names that no node id and no other supernode has."""
    taken, groups = set(ids), []
    for group in annotations.supernodes:
        name = unique_name(group.name, taken)
        taken.add(name)
        groups.append(Supernode(name, group.members))
    return replace(annotations, supernodes=tuple(groups))


def _metadata(document: GraphDocument) -> dict[str, Any]:
    graph, read = document.graph, document.residue.metadata
    kept = {name: value for name, value in read.items() if name != FIELD}
    listed = [graph.source.transcoders] if graph.source.transcoders else []
    kept.setdefault("transcoder_list", listed)
    if not read:
        kept["info"] = {"generator": {"name": "graphlabel", "version": __version__}}
    if not has_own_numbers(document):
        kept["schema_version"] = 1
    return {
        **kept,
        "slug": document.slug,
        "scan": graph.source.model or graph.source.transcoders or "unknown",
        "prompt_tokens": list(graph.tokens),
        "prompt": graph.prompt,
    }


def _node(document: GraphDocument, place: int, node: Node) -> dict[str, Any]:
    read = dict(document.residue.nodes[place]) if document.residue.nodes else {}
    read.pop(FIELD, None)
    fresh = new_node(document, place, node)
    if node.key.kind in (NodeKind.OTHER, NodeKind.ERROR):
        fresh |= {
            name: read[name] for name in ("feature", "feature_type", "jsNodeId") if name in read
        }
    if isinstance(read.get("feature"), int) and (has_own_numbers(document) or node.key.feature < 0):
        fresh["feature"] = read["feature"]
    if has_own_numbers(document):
        # Neuronpedia looks pins of these graphs up among jsNodeIds
        fresh["jsNodeId"] = document.node_ids[place]
    fresh |= {name: read[name] for name in _AS_READ if name in read}
    fresh["clerp"] = _clerp(node, read.get("clerp"))
    return {**read, **fresh}


def _clerp(node: Node, read: object) -> str:
    text = read if isinstance(read, str) else ""
    if node.key.kind is NodeKind.LOGIT and not _PROBABILITY.search(text):
        return f'Output "{node.text}" (p={node.probability or 0.0:.3f})'
    return text
