"""``graphlabel export``."""

from __future__ import annotations

from typing import Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, OutputFile


def export(
    graph: GraphFile,
    to: Annotated[
        str,
        typer.Option(
            help="same, neuronpedia, circuit-tracer, graphml, csv or jsonl.", metavar="FORMAT"
        ),
    ],
    output: OutputFile,
    json: JsonFlag = False,
) -> None:
    """Write an annotated graph in a form that other tools open."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.export import export_graph
    from graphlabel.files import read_graph

    document = read_graph(graph)
    export_graph(document, to, output)
    if json:
        print_json({"file": str(output), "format": to, "bytes": output.stat().st_size})
    else:
        note(f"wrote {output} ({to})")
