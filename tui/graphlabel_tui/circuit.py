"""The simplified circuit of an open graph: boxes, edges, scores, and how they changed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from graphlabel.annotation import Annotations
from graphlabel.errors import GraphError
from graphlabel.export.picture.scene import Scene, scene_of
from graphlabel.files import GraphDocument
from graphlabel.graph import AttributionGraph, GraphScores, NodeKey, link_scores, subgraph_scores


class Scored(NamedTuple):
    """Scores of what is pinned, or of the whole graph where nothing is; None: undefined."""

    scores: GraphScores | None
    of_subgraph: bool


@dataclass(frozen=True, eq=False)
class Circuit:
    """The supernode graph of one state of the annotations; equal to itself alone."""

    annotations: Annotations
    scene: Scene | None
    """None where nothing is pinned or grouped."""
    scored: Scored


def circuit_of(document: GraphDocument, annotations: Annotations, held: Circuit | None) -> Circuit:
    """The circuit of some annotations; what ``held`` has and is still true is taken over."""
    if held is not None and held.annotations.pinned == annotations.pinned:
        scored = held.scored
    else:
        scored = scored_of(document.graph, annotations.pinned)
    if not (annotations.supernodes or annotations.pinned):
        return Circuit(annotations, None, scored)
    return Circuit(annotations, scene_of(document.annotated(annotations)), scored)


def scored_of(graph: AttributionGraph, pinned: tuple[NodeKey, ...]) -> Scored:
    """Scores of the pinned subgraph, or of the whole graph when nothing of it is pinned."""
    known = [key for key in pinned if key in graph.index_of]
    try:
        scores = subgraph_scores(graph, known) if known else link_scores(graph)
    except GraphError:
        scores = None  # a cycle: influence is undefined
    return Scored(scores, bool(known))


def score_words(scored: Scored) -> str:
    """The scores in a line: ``pinned: replacement .71 completeness .88``."""
    what = "pinned" if scored.of_subgraph else "whole graph"
    if scored.scores is None:
        return f"{what}: no scores"
    values = scored.scores
    return f"{what}: replacement {share(values.replacement)} completeness " + share(
        values.completeness
    )


class Part(NamedTuple):
    """How one score changed."""

    words: str
    rise: float


def change_parts(before: Scored, after: Scored) -> list[Part]:
    """How an edit changed the scores, one part a score; empty where it cannot be said."""
    if before.scores is None or after.scores is None:
        return []
    names = ("replacement", "completeness")
    pairs = [(getattr(before.scores, name), getattr(after.scores, name)) for name in names]
    return [
        Part(f"{name} {share(old)} → {share(new)}", new - old)
        for name, (old, new) in zip(names, pairs, strict=True)
    ]


def share(value: float) -> str:
    """A share in three characters: ``.88``."""
    return f"{value:.2f}".removeprefix("0")
