"""Edges between supernodes: how member edges aggregate."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np

from graphlabel.graph.edges import Edges


class SupernodeEdge(NamedTuple):
    """An aggregated, signed edge between two supernodes."""

    source: str
    target: str
    weight: float


def supernode_edges(
    edges: Edges, members: Mapping[str, Sequence[int]], *, n_nodes: int
) -> list[SupernodeEdge]:
    """Aggregate edges between groups of nodes, strongest first.

    For a link s→t of weight w with t in supernode T: ext(t) = Σ |incoming w to t| without sources
    in T; wt(t) = ext(t)/total(t), normalised over T's members; edge(S, T) = Σ w/ext(t)·wt(t);
    self-links are dropped (the formula of Anthropic's, circuit-tracer's and Neuronpedia's
    frontends). A node in no group takes no part as a source, but counts in ext and total.
    """
    group = np.full(n_nodes, -1, dtype=np.int64)
    names = list(members)
    for place, name in enumerate(names):
        group[list(members[name])] = place
    magnitude = np.abs(edges.weight)
    source_group, target_group = group[edges.source], group[edges.target]
    total = np.bincount(edges.target, magnitude, minlength=n_nodes)
    outside = (source_group != target_group) | (target_group < 0)
    external = np.bincount(edges.target[outside], magnitude[outside], minlength=n_nodes)
    share = np.divide(external, total, out=np.zeros(n_nodes), where=total > 0)
    grouped = group >= 0
    share_sum = np.bincount(group[grouped], share[grouped], minlength=len(names))
    chosen = (target_group >= 0) & (source_group >= 0) & (source_group != target_group)
    target = edges.target[chosen]
    node_weight = share[target] / np.maximum(share_sum[target_group[chosen]], 1e-300)
    value = edges.weight[chosen] / np.maximum(external[target], 1e-300) * node_weight
    pair = source_group[chosen] * len(names) + target_group[chosen]
    pairs, place_of = np.unique(pair, return_inverse=True)
    sums = np.bincount(place_of, value, minlength=len(pairs))
    found = [
        SupernodeEdge(names[i // len(names)], names[i % len(names)], float(weight))
        for i, weight in zip(pairs.tolist(), sums.tolist(), strict=True)
    ]
    return sorted(found, key=lambda edge: (-abs(edge.weight), edge.source, edge.target))
