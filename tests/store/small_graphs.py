"""Small graphs and the people who annotate them."""

from __future__ import annotations

from graphlabel.annotation import Origin, Provenance
from graphlabel.graph import AttributionGraph, Edges, GraphSource, Node, NodeKey, NodeKind
from graphlabel.records import TranscoderSet

N_FEATURES = 6
KEYS = tuple(NodeKey(NodeKind.FEATURE, 0, number, 1) for number in range(N_FEATURES))
SET = TranscoderSet("small", "transcoders", "r1")
SOURCE = GraphSource("small", "", "transcoders", "r1")

ADA = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z")
BOB = Provenance(Origin.PERSON, "bob", time="2026-01-01T00:00:00Z")
MACHINE = Provenance(Origin.MACHINE, "graphlabel", "token_count", time="2026-01-01T00:00:00Z")


def graph_of(
    *,
    tokens: tuple[str, ...] = ("a", "b"),
    keys: tuple[NodeKey, ...] = KEYS,
    source: GraphSource = SOURCE,
) -> AttributionGraph:
    """A graph without edges."""
    return AttributionGraph(
        " ".join(tokens), tokens, tuple(Node(key) for key in keys), Edges.of([], [], []), 1, source
    )


GRAPH = graph_of()
OTHER_PROMPT = graph_of(tokens=("c", "d", "e"))
"""Another prompt's graph with the same features of the same transcoders."""
REPRUNED = graph_of(keys=KEYS[:4])
"""The first prompt's graph with fewer nodes."""
ANONYMOUS = graph_of(tokens=("f", "g"), source=GraphSource())
"""A graph that does not say what it was traced with."""
