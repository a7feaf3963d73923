"""Exports that other tools open: graph JSON and GraphML."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from graphlabel.atomic import replacing
from graphlabel.errors import ExportError, GraphFileError
from graphlabel.export.tables import node_rows
from graphlabel.files import GraphDocument, Residue, write_graph


def same(document: GraphDocument, path: Path) -> None:
    """The form the document was read in."""
    _write(document, path)


def circuit_tracer(document: GraphDocument, path: Path) -> None:
    """A graph file in circuit-tracer's form: Cantor feature numbers, labels in ``clerp``."""
    _write(_in_new_form(document), path)


def neuronpedia(document: GraphDocument, path: Path) -> None:
    """A graph file that satisfies Neuronpedia's schema; its ids are circuit-tracer's."""
    _write(_in_new_form(document), path)


def _in_new_form(document: GraphDocument) -> GraphDocument:
    from graphlabel.files import new_document

    if not document.residue.nodes or document.dialect == "graphlabel":
        return document
    fresh = new_document(document.graph, document.slug)
    return replace(fresh, annotations=document.annotations, residue=Residue())


def _write(document: GraphDocument, path: Path) -> None:
    try:
        write_graph(document, path)
    except GraphFileError as error:
        raise ExportError(str(error)) from error


def graphml(document: GraphDocument, path: Path) -> None:
    """GraphML by networkx: node columns as in the table, ``weight`` on links."""
    import networkx as nx

    graph: nx.DiGraph[str] = nx.DiGraph(
        prompt=document.graph.prompt, model=document.graph.source.model
    )
    rows = node_rows(document)
    names = _unique([str(row["node_id"]) for row in rows])
    for name, row in zip(names, rows, strict=True):
        graph.add_node(name, **{key: value for key, value in row.items() if value is not None})
    edges = document.graph.edges
    for source, target, weight in zip(
        edges.source.tolist(), edges.target.tolist(), edges.weight.tolist(), strict=True
    ):
        graph.add_edge(names[source], names[target], weight=weight)
    with replacing(path, ExportError) as temporary:
        nx.write_graphml(graph, temporary)


def _unique(names: list[str]) -> list[str]:
    seen: dict[str, int] = {}
    result = []
    for name in names:
        seen[name] = seen.get(name, 0) + 1
        result.append(name if seen[name] == 1 else f"{name}#{seen[name]}")
    return result
