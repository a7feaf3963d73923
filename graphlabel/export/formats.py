"""The export formats, by name."""

from __future__ import annotations

import gzip
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from graphlabel.atomic import replacing
from graphlabel.errors import ExportError
from graphlabel.export import interchange, mermaid, networks, page, pictures, tables
from graphlabel.export.bundle import list_graph, write_bundle
from graphlabel.export.options import ExportOptions
from graphlabel.files import GraphDocument
from graphlabel.files.writer import PICKLES


class ExportFormat(NamedTuple):
    """A format a graph can be exported to."""

    name: str
    suffix: str
    description: str
    chunks: Callable[[GraphDocument, ExportOptions], Iterator[bytes]]
    """The file's bytes, piece by piece."""
    is_text: bool = True
    takes_evidence: bool = False


_ALL = (
    ExportFormat("same", ".json", "the form it was read in", interchange.same, takes_evidence=True),
    ExportFormat(
        "neuronpedia",
        ".json",
        "opens on Neuronpedia with labels",
        interchange.neuronpedia,
        takes_evidence=True,
    ),
    ExportFormat(
        "circuit-tracer",
        ".json",
        "opens in circuit-tracer's frontend with labels",
        interchange.circuit_tracer,
        takes_evidence=True,
    ),
    ExportFormat("graphml", ".graphml", "nodes and links for yEd, networkx", networks.graphml),
    ExportFormat("csv", ".csv", "a table of nodes, tiers, scores and labels", tables.csv_table),
    ExportFormat("jsonl", ".jsonl", "the same table, one JSON object a line", tables.jsonl),
    ExportFormat("parquet", ".parquet", "the same table for pandas", tables.parquet, is_text=False),
    ExportFormat("html", ".html", "a page to look around in", page.html, takes_evidence=True),
    ExportFormat("svg", ".svg", "the picture of the supernodes", pictures.svg),
    ExportFormat("png", ".png", "the same picture as pixels", pictures.png, is_text=False),
    ExportFormat("mermaid", ".mmd", "the supernodes for Markdown", mermaid.mermaid),
    ExportFormat("gexf", ".gexf", "nodes and links for Gephi", networks.gexf),
    ExportFormat("dot", ".dot", "nodes and links for Graphviz", networks.dot),
)

FORMATS: dict[str, ExportFormat] = {each.name: each for each in _ALL}
"""Every export format by the name ``--to`` takes."""


def export_format(name: str) -> ExportFormat:
    """The format of a name; raises ExportError naming the formats."""
    chosen = FORMATS.get(name)
    if chosen is None:
        raise ExportError(f"there is no format “{name}”; choose one of {', '.join(FORMATS)}")
    return chosen


def export_graph(
    document: GraphDocument, to: str, path: Path, options: ExportOptions | None = None
) -> None:
    """Write a document in the format named ``to``, gzipped when the name ends in ``.gz``.

    The file is replaced when all of it is written; with evidence, graph JSON comes with a folder
    ``features`` beside it, circuit-tracer's always with the list of graphs that its server reads.
    Raises ExportError naming the formats, or why it cannot be written, such as under a name that
    stands for another format; what was there before is then still there.
    """
    chosen, options = export_format(to), options or ExportOptions()
    _check_name(chosen, path)
    document = write_bundle(document, to, path, options)
    with replacing(path, ExportError) as temporary, temporary.open("wb") as file:
        if path.suffix == ".gz":
            with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as compressed:
                compressed.writelines(chosen.chunks(document, options))
        else:
            file.writelines(chosen.chunks(document, options))
    if to == "circuit-tracer" and path.suffix == ".json":
        list_graph(document, path, options)


def _check_name(chosen: ExportFormat, path: Path) -> None:
    """Refuse a name that other programs would take for another format's, or for a pickle."""
    suffix = (path.with_suffix("") if path.suffix == ".gz" else path).suffix.lower()
    others = {each.suffix for each in _ALL if each.suffix not in (chosen.suffix, ".json")}
    if suffix in others or suffix in PICKLES:
        raise ExportError(
            f"{path} is no name for {chosen.name} ({chosen.description}): other programs take "
            f"{suffix} for something else; name a {chosen.suffix}"
        )


def export_text(
    document: GraphDocument, to: str, options: ExportOptions | None = None
) -> Iterator[bytes]:
    """A document in a text format, piece by piece; raises ExportError for other formats."""
    chosen = export_format(to)
    if not chosen.is_text:
        raise ExportError(f"{to} is no text, so it does not go to standard output; name a file")
    return chosen.chunks(document, options or ExportOptions())
