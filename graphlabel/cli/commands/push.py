"""``graphlabel push``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import GraphFile, JsonFlag, ServerOption, StoreOption, TrustPickle

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument


def push(
    graph: GraphFile,
    model: Annotated[
        str, typer.Option(help="Neuronpedia's name of the model; by default the graph's.")
    ] = "",
    slug: Annotated[str, typer.Option(help="Name of the graph there; by default its own.")] = "",
    name: Annotated[str, typer.Option(help="Title of the subgraph.")] = "",
    overwrite: Annotated[
        str | None, typer.Option(help="Replace this subgraph of yours.", metavar="ID")
    ] = None,
    subgraph_only: Annotated[
        bool, typer.Option("--subgraph-only", help="The graph is there already.")
    ] = False,
    store: StoreOption = None,
    server: ServerOption = None,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Upload a graph to Neuronpedia and save its pins, supernodes and labels as a subgraph.

    The API key comes from NEURONPEDIA_API_KEY.
    """
    from graphlabel.cli.console import note, print_json
    from graphlabel.cli.pipeline import with_stored_edits
    from graphlabel.files import link_to, read_graph, subgraph_of
    from graphlabel.neuronpedia import Neuronpedia, check_names, save_subgraph, upload_graph

    document, _ = with_stored_edits(read_graph(graph, trust_pickle=trust_pickle), store)
    model, slug = model or document.graph.source.model, slug or document.slug
    check_names(model, slug)
    exported = document if subgraph_only else for_neuronpedia(document, model, slug)
    pinned, supernodes, clerps = subgraph_of(exported)
    saved = None
    with Neuronpedia(server) as client:
        page = f"{client.base_url}/{model}/graph?slug={slug}"
        if not subgraph_only:
            page = upload_graph(client, exported.residue.data, slug)
        if pinned or supernodes or clerps:
            saved = save_subgraph(
                client, model, slug, name=name, pinned=pinned, supernodes=supernodes,
                clerps=clerps, overwrite=overwrite,
            )  # fmt: skip
    if json:
        print_json({"page": page, "link": link_to(exported, page), "subgraph": saved,
                    "pinned": len(pinned), "supernodes": len(supernodes),
                    "labels": len(clerps)})  # fmt: skip
        return
    note(page)
    if saved:
        counts = f"{len(pinned)} pinned nodes, {len(supernodes)} supernodes, {len(clerps)} labels"
        note(f"  subgraph {saved}: {counts}")


def for_neuronpedia(document: GraphDocument, model: str, slug: str) -> GraphDocument:
    """The document as the export to Neuronpedia has it, under another model and slug."""
    import tempfile

    from graphlabel.cli.remote import with_metadata
    from graphlabel.export import export_graph
    from graphlabel.files import graph_from_bytes

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "graph.json"
        export_graph(document, "neuronpedia", path)
        data = with_metadata(path.read_bytes(), scan=model, slug=slug)
    exported = graph_from_bytes(data, "the exported graph", slug)
    return exported.annotated(document.annotations)
