"""``graphlabel export``."""

from __future__ import annotations

from typing import Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, OutputFile, StoreOption


def export(
    graph: GraphFile,
    to: Annotated[
        str,
        typer.Option(
            help="same, neuronpedia, circuit-tracer, graphml, csv or jsonl.", metavar="FORMAT"
        ),
    ],
    output: OutputFile,
    store: StoreOption = None,
    file_only: Annotated[
        bool, typer.Option("--file-only", help="Leave out edits that are only in the store.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Write an annotated graph in a form that other tools open."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.pipeline import with_stored_edits
    from graphlabel.export import export_graph
    from graphlabel.files import read_graph

    document, edited = read_graph(graph), False
    if not file_only:
        document, edited = with_stored_edits(document, store)
    export_graph(document, to, output)
    if json:
        print_json({"file": str(output), "format": to, "bytes": output.stat().st_size})
    else:
        note(f"wrote {output} ({to}{', with edits from the annotation store' if edited else ''})")
