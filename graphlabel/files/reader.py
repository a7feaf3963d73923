"""Reading graph files of every dialect."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Mapping, Sequence
from os import PathLike
from pathlib import Path
from typing import Any

import msgspec

from graphlabel.errors import GraphFileError
from graphlabel.files import extension
from graphlabel.files.clerps import read_clerps
from graphlabel.files.dialects import Dialect, Head, dialect_of
from graphlabel.files.document import GraphDocument, Residue
from graphlabel.files.fields import Fields
from graphlabel.files.links import edges_of
from graphlabel.files.nodes import nodes_of
from graphlabel.files.q_params import Names, read_q_params
from graphlabel.files.raw import ZIP_MAGIC, ParsedFile, collector_paused, parse, read_bytes
from graphlabel.graph import AttributionGraph


def read_graph(path: str | PathLike[str], *, trust_pickle: bool = False) -> GraphDocument:
    """The graph in a file: JSON of any dialect, gzipped or not, or circuit-tracer's ``.pt``.

    A ``.pt`` file is a pickle: it may hold tensors, plain containers and circuit-tracer's own two
    classes, unless ``trust_pickle`` allows everything. Raises GraphFileError in one line.
    """
    path = Path(path)
    data = read_bytes(path)
    if data[: len(ZIP_MAGIC)] == ZIP_MAGIC:
        from graphlabel.files.torch_graph import graph_from_pt

        return graph_from_pt(data, str(path), path.stem, trust_pickle=trust_pickle)
    return graph_from_bytes(data, str(path), path.stem)


def graph_from_bytes(data: bytes, where: str, slug: str = "graph") -> GraphDocument:
    """The graph in JSON that is at hand already; ``slug`` serves where the file gives none.

    ``where`` names the file in errors. Raises GraphFileError in one line.
    """
    with collector_paused():
        return _graph_from(parse(data, where), where, slug)


def _graph_from(parsed: ParsedFile, where: str, slug: str) -> GraphDocument:
    metadata = Fields(parsed.metadata or {}, f"{where}'s metadata")
    q_params = Fields(parsed.q_params or {}, f"{where}'s qParams")
    fields = [Fields(node, f"node {place}") for place, node in enumerate(parsed.nodes)]
    raw = [node.raw for node in fields]
    dialect = dialect_of(Head(metadata.raw, raw))
    node_ids = tuple(node.text("node_id") for node in fields)
    graph, dangling = _graph(parsed, metadata, fields, node_ids, dialect)
    keys = [node.key for node in graph.nodes]
    js_ids = [str(node.get("jsNodeId", "")) for node in raw]
    names = Names(keys, node_ids, js_ids, js_first=dialect.pins_by_js_id)
    pins = read_q_params(q_params, names)
    clerps = read_clerps(q_params.raw.get("clerps"), keys, raw).labels
    annotations = extension.read_annotations(keys, raw, pins.annotations, dialect, clerps)
    slug = metadata.text("slug", slug)
    residue = Residue(
        top=parsed.rest,
        metadata=metadata.raw,
        q_params=q_params.raw,
        nodes=raw,
        link_fields=_by_edge(parsed.link_fields, dangling),
        dangling_links=[msgspec.structs.asdict(parsed.links[number]) for number in dangling],
        unresolved_pins=pins.unresolved_pins,
        unresolved_members=pins.unresolved_members,
        annotations=annotations,
        slug=slug,
        names=names,
        supernode_rows=pins.supernode_rows,
        data=parsed.data,
    )
    return GraphDocument(graph, annotations, node_ids, slug, dialect.name, residue)


def _graph(
    parsed: ParsedFile,
    metadata: Fields,
    fields: Sequence[Fields],
    node_ids: Sequence[str],
    dialect: Dialect,
) -> tuple[AttributionGraph, list[int]]:
    """The graph, and the numbers of the links that name no node."""
    ours = extension.read_metadata(metadata.raw.get(extension.FIELD))
    tokens = tuple(_token(token) for token in metadata.items("prompt_tokens"))
    nodes, n_layers = nodes_of(fields, dialect, metadata, tokens, ours.n_layers)
    edges, dangling = edges_of(parsed.links, nodes, node_ids)
    graph = AttributionGraph(
        prompt=metadata.text("prompt", ""),
        tokens=tokens,
        nodes=nodes,
        edges=edges,
        n_layers=n_layers,
        source=ours.source or dialect.source(metadata),
        token_ids=ours.token_ids,
        scores=ours.scores,
    )
    return graph, dangling


def _by_edge(
    fields: Mapping[int, Mapping[str, Any]], dangling: Sequence[int]
) -> dict[int, Mapping[str, Any]]:
    """Fields by link number as fields by the place of the edge."""
    lost = set(dangling)
    return {
        number - bisect(dangling, number): extra
        for number, extra in fields.items()
        if number not in lost
    }


def _token(value: object) -> str:
    if isinstance(value, (dict, list)):
        raise GraphFileError("the metadata's “prompt_tokens” should all be texts")
    return str(value)
