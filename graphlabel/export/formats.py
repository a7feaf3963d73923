"""The export formats, by name."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from graphlabel.errors import ExportError
from graphlabel.export import interchange, tables
from graphlabel.files import GraphDocument


class ExportFormat(NamedTuple):
    """A format a graph can be exported to."""

    name: str
    suffix: str
    description: str
    write: Callable[[GraphDocument, Path], None]


FORMATS: dict[str, ExportFormat] = {
    each.name: each
    for each in (
        ExportFormat(
            "same", ".json", "the form the graph was read in, with annotations", interchange.same
        ),
        ExportFormat(
            "neuronpedia", ".json", "opens on Neuronpedia with labels", interchange.neuronpedia
        ),
        ExportFormat(
            "circuit-tracer",
            ".json",
            "opens in circuit-tracer's frontend with labels",
            interchange.circuit_tracer,
        ),
        ExportFormat(
            "graphml", ".graphml", "nodes and links for Gephi, yEd, networkx", interchange.graphml
        ),
        ExportFormat("csv", ".csv", "a table of nodes, tiers, scores and labels", tables.csv_table),
        ExportFormat("jsonl", ".jsonl", "the same table, one JSON object a line", tables.jsonl),
    )
}
"""Every export format by the name ``--to`` takes."""


def export_graph(document: GraphDocument, to: str, path: Path) -> None:
    """Write a document in the format named ``to``; raises ExportError naming the formats."""
    chosen = FORMATS.get(to)
    if chosen is None:
        raise ExportError(f"there is no format “{to}”; choose one of {', '.join(FORMATS)}")
    chosen.write(document, path)
