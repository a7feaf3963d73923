"""``graphlabel export``."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import FileOnly, GraphFile, JsonFlag, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument

WHERE_SHOWN = {
    "neuronpedia": "once uploaded, with pins and supernodes",
    "circuit-tracer": "once served, with pins and supernodes",
}


def export(
    graph: GraphFile,
    to: Annotated[
        str,
        typer.Option(
            help="same, neuronpedia, circuit-tracer, html, svg, png, mermaid, graphml, gexf, dot, "
            "csv, jsonl or parquet.",
            metavar="FORMAT",
        ),
    ],
    output: Annotated[
        Path,
        typer.Option(
            "-o",
            "--output",
            help="File to write or replace; - for standard output.",
            metavar="FILE",
        ),
    ],
    features: Annotated[
        str | None,
        typer.Option(
            "--with-features",
            "--features",
            help="Feature source whose evidence goes along (graph JSON, html).",
            metavar="SOURCE",
        ),
    ] = None,
    link: Annotated[
        str | None,
        typer.Option(help="Apply a link's pins, supernodes and labels first.", metavar="URL"),
    ] = None,
    features_url: Annotated[
        str,
        typer.Option(help="Where you will serve the feature JSON (neuronpedia).", metavar="URL"),
    ] = "",
    dark: Annotated[bool, typer.Option("--dark", help="Dark picture (svg, png).")] = False,
    any_set: Annotated[
        bool, typer.Option("--any-set", help="Take evidence of another transcoder set.")
    ] = False,
    store: StoreOption = None,
    file_only: FileOnly = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Write an annotated graph in a form that other tools open."""
    from graphlabel.cli.console import note, print_json, progress
    from graphlabel.cli.pipeline import source_for, with_stored_edits
    from graphlabel.cli.remote import with_link
    from graphlabel.errors import UsageError
    from graphlabel.export import ExportOptions, export_format, export_graph, export_text
    from graphlabel.files import parse_link, read_graph

    chosen = export_format(to)
    if features and not chosen.takes_evidence:
        raise UsageError(f"{to} holds no evidence; leave out --with-features")
    if features_url and to != "neuronpedia":
        raise UsageError(f"--features-url is for neuronpedia; {to} has no place for it")
    if dark and to not in ("svg", "png"):
        raise UsageError(f"--dark is for svg and png; {to} has no theme of its own")
    to_stream = str(output) == "-"
    if to_stream and (json or (features and to != "html")):
        raise UsageError("only the file itself goes to standard output; name a file with -o")
    shared = parse_link(link) if link else None
    document, edited = read_graph(graph, trust_pickle=trust_pickle), False
    if not file_only:
        document, edited = with_stored_edits(document, store)
    if shared:
        document = with_link(document, shared, quiet=json)
    source = source_for(document, features, any_set=any_set) if features else None
    with progress("export", quiet=json or source is None) as report:
        options = ExportOptions(source, features_url, dark, report)
        if to_stream:
            chunks = export_text(document, to, options)
            sys.stdout.buffer.writelines(chunks)
            sys.stdout.buffer.flush()
            return
        export_graph(document, to, output, options)
    address = _address(document, to, output)
    if json:
        frontend = {"link": address} if address else {}
        print_json({"file": str(output), "format": to, "bytes": output.stat().st_size, **frontend})
    else:
        beside = " and features/ beside it" if source and to != "html" else ""
        edits = ", with edits from the annotation store" if edited else ""
        note(f"wrote {output}{beside} ({to}{edits})")
        if address:
            note(f"  {WHERE_SHOWN[to]}: {address}")


def _address(document: GraphDocument, to: str, output: Path) -> str | None:
    """Where the export's frontend shows its pins and supernodes."""
    if to not in WHERE_SHOWN:
        return None
    import os

    from graphlabel.export import address_of
    from graphlabel.neuronpedia import BASE_URL, BASE_URL_VARIABLE

    site = os.environ.get(BASE_URL_VARIABLE) or BASE_URL
    return address_of(document, to, output, site.rstrip("/"))
