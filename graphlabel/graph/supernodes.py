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
    # no other edge has a say, and in a large graph they are a small part
    taken = edges.into_any(np.flatnonzero(group >= 0).tolist())
    from_, to, weight = edges.source[taken], edges.target[taken], edges.weight[taken]
    magnitude = np.abs(weight)
    source_group, target_group = group[from_], group[to]
    total = np.bincount(to, magnitude, minlength=n_nodes)
    outside = source_group != target_group
    external = np.bincount(to[outside], magnitude[outside], minlength=n_nodes)
    share = np.divide(external, total, out=np.zeros(n_nodes), where=total > 0)
    grouped = group >= 0
    share_sum = np.bincount(group[grouped], share[grouped], minlength=len(names))
    chosen = outside & (source_group >= 0)
    target = to[chosen]
    node_weight = share[target] / np.maximum(share_sum[target_group[chosen]], 1e-300)
    value = weight[chosen] / np.maximum(external[target], 1e-300) * node_weight
    pair = source_group[chosen] * len(names) + target_group[chosen]
    pairs, place_of = np.unique(pair, return_inverse=True)
    sums = np.bincount(place_of, value, minlength=len(pairs))
    found = [
        SupernodeEdge(names[i // len(names)], names[i % len(names)], float(weight))
        for i, weight in zip(pairs.tolist(), sums.tolist(), strict=True)
    ]
    return sorted(found, key=lambda edge: (-abs(edge.weight), edge.source, edge.target))
