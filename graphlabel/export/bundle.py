"""What stands beside graph JSON when its features' evidence goes with it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec

from graphlabel.atomic import write_bytes
from graphlabel.errors import ExportError
from graphlabel.export.feature_json import feature_numbers, write_feature_files
from graphlabel.export.interchange import LOCAL_FEATURES, frontend_document, has_own_numbers
from graphlabel.export.options import ExportOptions
from graphlabel.files import GraphDocument

GRAPH_LIST = "graph-metadata.json"
GRAPH_FORMATS = ("same", "neuronpedia", "circuit-tracer")


def write_bundle(
    document: GraphDocument, to: str, path: Path, options: ExportOptions
) -> GraphDocument:
    """Write the evidence that goes with graph JSON into ``features`` beside it.

    Gives the document back, under the name by which circuit-tracer's server will look for it.
    Does nothing without evidence, and for other formats. Raises ExportError when something cannot
    be written.
    """
    if to == "circuit-tracer" and path.name == GRAPH_LIST:
        raise ExportError(f"{GRAPH_LIST} is the list of the graphs; name another file")
    if options.features is None or to not in GRAPH_FORMATS:
        return document
    if to == "circuit-tracer":
        if path.suffix != ".json":
            raise ExportError(
                f"{path.name} would not be found: circuit-tracer's server reads SLUG.json; "
                "name a file that ends in .json"
            )
        document = replace(document, slug=path.stem)
    as_read = to == "same" or has_own_numbers(document)
    numbers = feature_numbers(document, as_read=as_read)
    folder = path.parent / "features"
    found = write_feature_files(numbers, options.features, folder, options.report)
    if not found:
        raise ExportError(
            f"{options.features.name} has none of the graph's {len(numbers)} features; check "
            "that it belongs to the graph's transcoders"
        )
    return document


def list_graph(document: GraphDocument, path: Path, options: ExportOptions) -> None:
    """Add a written graph to the list of circuit-tracer's frontend, in place of one of its name.

    Raises ExportError when the file is no such list or cannot be written.
    """
    slug, listing = path.stem, path.parent / GRAPH_LIST
    own = frontend_document(document).residue.metadata.get("scan", "")
    graphs: list[Any] = []
    if listing.exists():
        try:
            listed = msgspec.json.decode(listing.read_bytes(), type=dict[str, Any])["graphs"]
            graphs = [each for each in listed if each["slug"] != slug]
        except (OSError, msgspec.MsgspecError, KeyError, TypeError) as error:
            raise ExportError(f"{listing} is no list of graphs; move it away") from error
    entry = {
        "slug": slug,
        "scan": own if options.features is None else LOCAL_FEATURES,
        "prompt_tokens": list(document.graph.tokens),
        "prompt": document.graph.prompt,
        "title_prefix": "",
    }
    data = msgspec.json.format(msgspec.json.encode({"graphs": [*graphs, entry]}), indent=2)
    write_bytes(listing, data + b"\n", ExportError)
