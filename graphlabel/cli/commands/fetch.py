"""``graphlabel fetch``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlabel.cli.options import JsonFlag, ServerOption


def fetch(
    graph: Annotated[
        str, typer.Argument(help="The graph: MODEL/SLUG, or a link to it.", metavar="MODEL/SLUG")
    ],
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="File to write; SLUG.json by default.", metavar="FILE"),
    ] = None,
    server: ServerOption = None,
    json: JsonFlag = False,
) -> None:
    """Fetch a graph from Neuronpedia, with the annotations of the link when it is one."""
    from graphlabel.atomic import write_bytes
    from graphlabel.cli.commands.info import facts
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.pipeline import check_writable
    from graphlabel.cli.remote import fetched, free_path, named_graph, with_link
    from graphlabel.errors import GraphFileError
    from graphlabel.files import graph_from_bytes, write_graph

    link = named_graph(graph)
    path = output or free_path(Path(f"{link.slug}.json"))
    check_writable(path)
    data = fetched(link, server, quiet=json)
    read = graph_from_bytes(data, f"{link.model}/{link.slug}", link.slug)
    document = with_link(read, link, quiet=json)
    if document is read and path.suffix != ".gz":
        write_bytes(path, data, GraphFileError)
    else:
        write_graph(document, path)
    if json:
        print_json({"file": str(path), **facts(document)})
    else:
        note(f"wrote {path}: {len(document.graph)} nodes, {len(document.graph.edges)} links")
        note(f"next: graphlabel open {path}")
