"""Scores of a graph and of its pinned subgraph, side by side."""

from __future__ import annotations

from typing import NamedTuple

from graphlabel.errors import GraphError
from graphlabel.files import GraphDocument
from graphlabel.graph import GraphScores, link_scores, subgraph_scores


class ScorePair(NamedTuple):
    """Scores of the graph's links, whole and reduced to what is pinned; None: undefined."""

    graph: GraphScores | None
    subgraph: GraphScores | None


def score_pair(document: GraphDocument) -> ScorePair:
    """Both scores of a document; None where they have no meaning (nothing pinned, cycles)."""
    try:
        whole = link_scores(document.graph)
        pinned = [key for key in document.annotations.pinned if key in document.graph.index_of]
        return ScorePair(whole, subgraph_scores(document.graph, pinned))
    except GraphError:
        return ScorePair(None, None)


def score_facts(document: GraphDocument) -> dict[str, float | None]:
    """Both scores as plain values, for ``graphlabel info``."""
    whole, part = score_pair(document)
    return {
        "graph_replacement": whole.replacement if whole else None,
        "graph_completeness": whole.completeness if whole else None,
        "subgraph_replacement": part.replacement if part else None,
        "subgraph_completeness": part.completeness if part else None,
    }


def score_caption(document: GraphDocument) -> str:
    """Both scores in a sentence; empty when there are none."""
    whole, part = score_pair(document)
    if whole is None:
        return ""
    said = f"replacement {whole.replacement:.2f}, completeness {whole.completeness:.2f}"
    if part is None:
        return f"Whole graph: {said}"
    return (
        f"Pinned subgraph: replacement {part.replacement:.2f}, completeness "
        f"{part.completeness:.2f} (whole graph: {said})"
    )
