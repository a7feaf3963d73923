"""Where a frontend shows an exported graph with its pins and supernodes."""

from __future__ import annotations

from pathlib import Path
from urllib.parse import quote

from graphlabel.export.interchange import frontend_document
from graphlabel.files import GraphDocument, link_to

LOCAL_SERVER = "http://localhost:8041"
"""Where ``circuit-tracer start-server`` listens unless told otherwise."""


def address_of(document: GraphDocument, to: str, path: Path, neuronpedia: str) -> str | None:
    """The address that shows an export to ``neuronpedia`` or ``circuit-tracer`` as annotated.

    Labels are in the file itself; the address names pins and supernodes, by the file's ids.
    ``path`` is the exported file, ``neuronpedia`` the site's address. None for other formats, and
    where nothing is pinned or grouped.
    """
    shown = document.annotations
    if not (shown.pinned or shown.supernodes):
        return None
    if to == "circuit-tracer":
        slug = path.name.removesuffix(".gz").removesuffix(".json")
        page = f"{LOCAL_SERVER}/index.html?slug={quote(slug)}"
    elif to == "neuronpedia" and document.graph.source.model:
        model = quote(document.graph.source.model, safe="")
        page = f"{neuronpedia}/{model}/graph?slug={quote(document.slug)}"
    else:
        return None
    return link_to(frontend_document(document), page, labels=False)
