"""Where the evidence of a graph's features is likely to be, for ``info`` and for errors."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from graphlabel.files import GraphDocument

_ANY = "a folder, a file, https://… or neuronpedia:MODEL/SET"


def evidence_place(document: GraphDocument) -> str | None:
    """What to do for the evidence of a graph's features; None when its transcoders do not tell."""
    from graphlabel.evidence.whereabouts import likely_place

    source = document.graph.source
    return likely_place(
        source.model,
        source.transcoders,
        on_neuronpedia=document.dialect.startswith("neuronpedia"),
    )


def missing_features(graph: object) -> str:
    """What to say when ``--features`` is missing, for the graph that was named, if one was."""
    place = _place_of(Path(graph)) if isinstance(graph, str | Path) else None
    if place is None:
        return f"--features is missing; say where the features' evidence is: {_ANY}"
    return f"--features is missing; for {graph}: {place}"


def _place_of(graph: Path) -> str | None:
    from graphlabel.errors import GraphLabelError
    from graphlabel.files import read_graph

    if not graph.is_file():
        return None
    try:
        return evidence_place(read_graph(graph))
    except GraphLabelError:
        return None
