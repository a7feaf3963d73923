"""Links by node id, made into columns of edges."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import repeat
from operator import attrgetter

import numpy as np
from jaxtyping import Bool, Float64, Int32

from graphlabel.files.raw import Link
from graphlabel.graph import Edges, Node, NodeKind

NOWHERE = -1
_MOST_CHOICES = 64  # an id shared by more nodes means nothing


def edges_of(
    links: Sequence[Link], nodes: Sequence[Node], node_ids: Sequence[str]
) -> tuple[Edges, list[int]]:
    """The edges between nodes, in the links' order; also the numbers of links that name no node.

    Where an id is shared by several nodes, each link goes to the node it can only mean.
    """
    source, target, weight = columns(links, node_ids)
    counts = Counter(node_ids)
    if len(counts) < len(node_ids):
        shared = {node_id for node_id, count in counts.items() if count > 1}
        _disambiguate(source, target, nodes, node_ids, shared)
    known = (source >= 0) & (target >= 0)
    if known.all():
        return Edges.of(source, target, weight), []
    lost = np.flatnonzero(~known).tolist()
    return Edges.of(source[known], target[known], weight[known]), lost


def columns(
    links: Sequence[Link], node_ids: Sequence[str]
) -> tuple[Int32[np.ndarray, " links"], Int32[np.ndarray, " links"], Float64[np.ndarray, " links"]]:
    """Source, target (places of nodes; -1 where there is none) and weight of every link."""
    places = {node_id: place for place, node_id in reversed(list(enumerate(node_ids)))}

    def look_up(end: str) -> Int32[np.ndarray, " links"]:
        found = map(places.get, map(attrgetter(end), links), repeat(NOWHERE))
        return np.fromiter(found, dtype=np.int32, count=len(links))

    weight = np.fromiter(map(attrgetter("weight"), links), dtype=np.float64, count=len(links))
    return look_up("source"), look_up("target"), weight


def touching(
    source: Int32[np.ndarray, " links"],
    target: Int32[np.ndarray, " links"],
    chosen: Bool[np.ndarray, " nodes"],
) -> list[int]:
    """The numbers of the links with a chosen node at either end."""
    marks = np.append(chosen, False)  # so that NOWHERE, the last place, is never chosen
    return np.flatnonzero(marks[source] | marks[target]).tolist()


def _disambiguate(
    source: Int32[np.ndarray, " links"],
    target: Int32[np.ndarray, " links"],
    nodes: Sequence[Node],
    node_ids: Sequence[str],
    shared: set[str],
) -> None:
    """Choose, in place, between nodes that share an id."""
    sharers: dict[str, list[int]] = defaultdict(list)
    for place, node_id in enumerate(node_ids):
        if node_id in shared:
            sharers[node_id].append(place)
    chosen = np.zeros(len(nodes), dtype=bool)
    chosen[[place for places in sharers.values() for place in places]] = True
    seen: set[tuple[int, int]] = set()
    for number in touching(source, target, chosen):
        start, end = int(source[number]), int(target[number])
        if start < 0 or end < 0:
            continue
        from_ = sharers.get(node_ids[start], [start])
        to = sharers.get(node_ids[end], [end])
        source[number], target[number] = _choose(from_, to, nodes, seen)


def _choose(
    from_: list[int], to: list[int], nodes: Sequence[Node], seen: set[tuple[int, int]]
) -> tuple[int, int]:
    """The pair a link can mean: edges rise in layer, nothing enters an error, no pair twice."""
    if len(from_) * len(to) > _MOST_CHOICES:
        return from_[0], to[0]
    fallback: tuple[int, int] | None = None
    for end in to:
        if len(to) > 1 and nodes[end].key.kind is NodeKind.ERROR:
            continue
        for start in from_:
            if nodes[start].key.layer >= nodes[end].key.layer:
                continue
            if (start, end) not in seen:
                seen.add((start, end))
                return start, end
            fallback = fallback or (start, end)
    return fallback or (from_[0], to[0])
