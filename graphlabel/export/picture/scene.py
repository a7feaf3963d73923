"""What the picture shows: boxes of nodes, and the strongest aggregated edges between them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from graphlabel.annotation import FeatureClass
from graphlabel.errors import GraphError
from graphlabel.export.picture.text import shortened
from graphlabel.files import GraphDocument
from graphlabel.graph import (
    AttributionGraph,
    Node,
    NodeKind,
    SupernodeEdge,
    node_influence,
    supernode_edges,
)
from graphlabel.inert import inert

MOST_FEATURES = 12
"""How many of the most influential features stand in when nothing is pinned or grouped."""
MOST_BOXES = 200
"""More supernodes and pinned nodes than these are left out, and the picture says so."""
MOST_TOKENS = 8
MOST_LABEL = 300
"""Longer labels are cut here; three lines of them are drawn."""
MOST_TOKEN = 20
MOST_LOGITS = 3
LEAST_SHARE = 0.04
"""Edges below this share of the strongest one are left out, and tokens with no stronger edge."""

GLYPHS = {
    FeatureClass.INPUT: "▼",
    FeatureClass.OUTPUT: "▲",
    FeatureClass.CROSS: "◆",
    FeatureClass.OBSCURE: "○",
}


@dataclass(frozen=True)
class Box:
    """A box of the picture: a supernode, or one node."""

    name: str
    """Unique in the picture."""
    label: str
    detail: str
    """What stands below the label: members and layers, or the node's place."""
    kind: NodeKind
    members: tuple[int, ...]
    """Places in the graph's node list."""
    layer: float
    """Mean layer of the members; tokens are below 0."""
    position: float
    """Mean position in the prompt."""
    is_group: bool
    context: bool = False
    """Shown although nobody pinned or grouped it."""


@dataclass(frozen=True)
class Scene:
    """Everything to draw."""

    boxes: tuple[Box, ...]
    edges: tuple[SupernodeEdge, ...]
    """By falling strength; weights are signed shares of the target's input."""
    n_edges: int
    """How many edges there are, drawn or not."""
    shown: str
    """What was chosen to be shown, in words."""


def scene_of(document: GraphDocument) -> Scene:
    """The supernodes and the pinned nodes outside them, with tokens and logits for context.

    When nothing is pinned or grouped: the most influential features. Raises nothing; a graph
    without nodes makes an empty scene.
    """
    chosen, shown = _chosen(document)
    chosen += _context(document, chosen)
    members = {box.name: box.members for box in chosen}
    edges = supernode_edges(document.graph.edges, members, n_nodes=len(document.graph))
    return Scene(tuple(chosen), _strongest(edges, len(chosen)), len(edges), shown)


def _chosen(document: GraphDocument) -> tuple[list[Box], str]:
    graph, annotations = document.graph, document.annotations
    boxes: list[Box] = []
    taken: set[int] = set()
    for group in annotations.supernodes:
        places = [graph.index_of[key] for key in group.members if key in graph.index_of]
        places = [place for place in places if place not in taken]
        taken.update(places)
        if places:
            boxes.append(_group(graph, group.name, places))
    pinned = [graph.index_of[key] for key in annotations.pinned if key in graph.index_of]
    alone = [place for place in dict.fromkeys(pinned) if place not in taken]
    if boxes or alone:
        counts = ((len(boxes), "supernode"), (len(alone), "pinned node"))
        shown = ", ".join(_count(n, what) for n, what in counts if n)
        singles = [_single(document, p) for p in alone[: max(MOST_BOXES - len(boxes), 0)]]
        drawn = [*boxes[:MOST_BOXES], *singles]
        left = len(boxes) + len(alone) - len(drawn)
        return drawn, shown + (f", {left:,} of them left out" if left else "")
    top = _most_influential(graph)
    shown = f"nothing is pinned or grouped: the {_count(len(top), 'most influential feature')}"
    return [_single(document, place) for place in top], shown


def _count(n: int, what: str) -> str:
    return f"{n} {what}{'' if n == 1 else 's'}"


def _group(graph: AttributionGraph, name: str, places: Sequence[int]) -> Box:
    nodes = [graph.nodes[place] for place in places]
    kinds = {node.key.kind for node in nodes}
    kind = kinds.pop() if len(kinds) == 1 else NodeKind.FEATURE
    layers = sorted({node.key.layer for node in nodes if node.key.layer >= 0})
    what = _count(len(nodes), "node" if len(kinds) else kind.value)
    if kind is NodeKind.FEATURE and layers:
        what += f" · L{layers[0]}" + (f"–{layers[-1]}" if len(layers) > 1 else "")
    if kind is NodeKind.LOGIT:
        what += f" · p = {sum(node.probability or 0.0 for node in nodes):.2f}"
    return Box(
        f"group:{name}",
        shortened(inert(name), MOST_LABEL),
        what,
        kind,
        tuple(places),
        fmean(node.key.layer for node in nodes),
        fmean(node.key.position for node in nodes),
        is_group=True,
    )


def _single(document: GraphDocument, place: int, *, context: bool = False) -> Box:
    node = document.graph.nodes[place]
    key = node.key
    label = document.annotations.label_of(key)
    text = label.text if label else ""
    detail = _detail(document, node, labelled=bool(label))
    if key.kind in (NodeKind.TOKEN, NodeKind.LOGIT):
        text = f"{text}: {node.text}" if text else node.text or str(key.feature)
    return Box(
        f"node:{place}",
        inert(shortened(text, MOST_LABEL)).strip()
        or (f"L{key.layer} #{key.feature}" if node.is_feature else "␣"),
        detail,
        key.kind,
        (place,),
        float(key.layer),
        float(key.position),
        is_group=False,
        context=context,
    )


def _detail(document: GraphDocument, node: Node, *, labelled: bool) -> str:
    kind, layer, feature, position = node.key
    if kind is NodeKind.TOKEN:
        return f"token {position}"
    if kind is NodeKind.LOGIT:
        return "" if node.probability is None else f"p = {node.probability:.2f}"
    if kind is NodeKind.ERROR:
        return f"L{layer} error @{position}"
    routing = document.annotations.routing_of(node.key)
    glyph = f"{GLYPHS[routing.feature_class]} " if routing and node.is_feature else ""
    # without a label, the feature's number stands in its place
    number = f"L{layer} #{feature} " if labelled or not node.is_feature else ""
    at = shortened(inert(node.text).strip(), MOST_TOKEN)
    return f"{glyph}{number}@{at or position}"


def _most_influential(graph: AttributionGraph) -> list[int]:
    """The features that reach the logits most through the graph's links, strongest first.

    Where the links form a cycle, those with the lowest cumulative share in the file.
    """
    features = list(graph.places(NodeKind.FEATURE))
    weights = np.zeros(len(graph))
    for place in graph.places(NodeKind.LOGIT):
        weights[place] = graph.nodes[place].probability or 1e-6
    try:
        influence = node_influence(graph.edges.matrix(len(graph)), weights)
    except GraphError:
        shares = [node.influence for node in graph.nodes]
        influence = np.array([-1.0 if share is None else -share for share in shares])
    return sorted(features, key=lambda place: -influence[place])[:MOST_FEATURES]


def _context(document: GraphDocument, boxes: Sequence[Box]) -> list[Box]:
    """Logits when no box is one, and the tokens that reach a box most when no box is one."""
    graph, kinds = document.graph, {box.kind for box in boxes}
    added: list[Box] = []
    if NodeKind.LOGIT not in kinds:
        ranked = sorted(
            graph.places(NodeKind.LOGIT), key=lambda p: -(graph.nodes[p].probability or 0.0)
        )
        likely = [p for p in ranked if (graph.nodes[p].probability or 0.0) >= 0.05] or ranked[:1]
        added += [_single(document, place, context=True) for place in likely[:MOST_LOGITS]]
    if NodeKind.TOKEN not in kinds:
        added += [
            _single(document, place, context=True)
            for place in _felt_tokens(graph, {box.name: box.members for box in (*boxes, *added)})
        ]
    return added


def _felt_tokens(graph: AttributionGraph, members: Mapping[str, Sequence[int]]) -> list[int]:
    """The tokens with the strongest edges into the boxes, in the order of the prompt."""
    tokens = list(graph.places(NodeKind.TOKEN))
    groups = {**members, **{f"token:{place}": (place,) for place in tokens}}
    strength = dict.fromkeys(tokens, 0.0)
    for edge in supernode_edges(graph.edges, groups, n_nodes=len(graph)):
        if edge.source.startswith("token:") and edge.target in members:
            place = int(edge.source.removeprefix("token:"))
            strength[place] = max(strength[place], abs(edge.weight))
    least = LEAST_SHARE * max(strength.values(), default=0.0)
    ranked = sorted((p for p in tokens if strength[p] > least), key=lambda p: -strength[p])
    return sorted(ranked[:MOST_TOKENS], key=lambda place: graph.nodes[place].key.position)


def _strongest(edges: Sequence[SupernodeEdge], n_boxes: int) -> tuple[SupernodeEdge, ...]:
    """The strongest edges, about two a box, and every box's strongest one in and out."""
    if not edges:
        return ()
    least = LEAST_SHARE * abs(edges[0].weight)
    room = 2 * n_boxes + 6
    kept = {place for place, edge in enumerate(edges[:room]) if abs(edge.weight) >= least}
    kept |= _firsts(edge.source for edge in edges) | _firsts(edge.target for edge in edges)
    return tuple(edges[place] for place in sorted(kept) if abs(edges[place].weight) >= least / 4)


def _firsts(names: Iterable[str]) -> set[int]:
    seen: dict[str, int] = {}
    for place, name in enumerate(names):
        seen.setdefault(name, place)
    return set(seen.values())
