"""Replacement and completeness of a graph's links, whole and reduced to a pinned subgraph."""

from __future__ import annotations

from collections.abc import Collection

import numpy as np
from jaxtyping import Int64
from scipy import sparse

from graphlabel.graph.graph import GONE, AttributionGraph, GraphScores
from graphlabel.graph.influence import scores_of
from graphlabel.graph.nodes import NodeKey, NodeKind


def link_scores(graph: AttributionGraph) -> GraphScores | None:
    """Scores of the links a graph holds, as Neuronpedia shows them for the whole graph.

    A traced graph's own ``scores`` belong to the full matrix; these belong to what pruning left.
    None where the scores have no meaning: a node of another tool's kind (attention features), no
    logit with a probability. Raises GraphError when the links form a cycle.
    """
    return _scores(graph, np.arange(len(graph), dtype=np.int64))


def subgraph_scores(graph: AttributionGraph, pinned: Collection[NodeKey]) -> GraphScores | None:
    """Scores of the graph when only the pinned features count as explained.

    Neuronpedia's definition: each feature that is not pinned is merged into the error of its layer
    and position, which takes over its outgoing links (signed weights add up); its incoming links
    go. Where the graph has no such error, the feature goes altogether. Tokens and logits always
    stay, pinned or not. A cross-layer feature is merged at the layer it reads from, although its
    links also carry what it wrote to later layers.

    None when nothing is pinned (then the subgraph is the whole graph: ``link_scores``) and where
    ``link_scores`` is None. Raises GraphError when the links form a cycle.
    """
    return _scores(graph, _merged(graph, frozenset(pinned))) if pinned else None


def _merged(graph: AttributionGraph, pinned: frozenset[NodeKey]) -> Int64[np.ndarray, " nodes"]:
    """Where each node's outgoing links go: itself, the error it is merged into, or GONE."""
    place = graph.unexplained.copy()
    explained = [graph.index_of[key] for key in pinned if key in graph.index_of]
    place[explained] = explained
    return place


def _scores(graph: AttributionGraph, place: Int64[np.ndarray, " nodes"]) -> GraphScores | None:
    n = len(graph)
    weights = np.array([node.probability or 0.0 for node in graph.nodes], dtype=np.float64)
    if not weights.any() or graph.count(NodeKind.OTHER):
        return None
    edges = graph.edges
    source = place[edges.source]
    kept = (source != GONE) & (place[edges.target] == edges.target)
    adjacency = sparse.csr_array(
        (edges.weight[kept], (edges.target[kept], source[kept])), shape=(n, n), dtype=np.float64
    )
    tokens, errors = (
        np.fromiter(graph.places(kind), np.int64) for kind in (NodeKind.TOKEN, NodeKind.ERROR)
    )
    return scores_of(adjacency, weights, tokens=tokens, errors=errors)
