"""What the page knows, as plain values; every text is inert."""

from __future__ import annotations

from typing import Any

from graphlabel.export.options import ExportOptions
from graphlabel.export.picture import Scene
from graphlabel.export.picture.text import shortened
from graphlabel.export.tables import node_rows
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey
from graphlabel.inert import inert
from graphlabel.records import ActivationExample, FeatureRecord

MOST_LINKS = 8
"""So many of the strongest links in and out of each node are listed."""
TOP_EXAMPLES = 10
OTHER_EXAMPLES = 3
AROUND = 24
"""Tokens shown on either side of an example's peak."""
MOST_TEXT = 2000


def page_data(document: GraphDocument, scene: Scene, options: ExportOptions) -> dict[str, Any]:
    """Prompt, boxes, nodes with their links, and the evidence of every feature that has some."""
    graph, features = document.graph, options.features
    evidence: list[Any] = []
    place_of: dict[FeatureKey, int | None] = {}
    nodes = []
    for place, row in enumerate(node_rows(document)):
        node = graph.nodes[place]
        if node.is_feature and features is not None and node.key.feature_key not in place_of:
            options.report("evidence", place, len(graph))
            record = features.get(node.key.feature_key)
            place_of[node.key.feature_key] = len(evidence) if record else None
            if record:
                evidence.append(_record(record))
        described = {name: _inert(cell) for name, cell in row.items() if cell is not None}
        described["in"] = _links(document, place, into=True)
        described["out"] = _links(document, place, into=False)
        if place_of.get(node.key.feature_key) is not None and node.is_feature:
            described["evidence"] = place_of[node.key.feature_key]
        nodes.append(described)
    return {
        "tokens": [_inert(token) for token in graph.tokens],
        "boxes": [list(box.members) for box in scene.boxes],
        "nodes": nodes,
        "evidence": evidence,
        "source": inert(features.name) if features else None,
    }


def _inert(value: object) -> object:
    if not isinstance(value, str):
        return value
    return inert(shortened(value, MOST_TEXT))


def _links(document: GraphDocument, place: int, *, into: bool) -> list[tuple[int, float]]:
    edges = document.graph.edges
    found = (edges.into if into else edges.out_of)(place)[:MOST_LINKS]
    others = (edges.source if into else edges.target)[found].tolist()
    weights = edges.weight[found].tolist()
    return [(other, _short(weight)) for other, weight in zip(others, weights, strict=True)]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def _record(record: FeatureRecord) -> dict[str, Any]:
    quantiles = []
    for number, quantile in enumerate(record.quantiles):
        shown = quantile.examples[: OTHER_EXAMPLES if number else TOP_EXAMPLES]
        examples = [_example(example) for example in shown if example.tokens]
        if examples:
            quantiles.append({"name": inert(quantile.name), "examples": examples})
    return {
        "quantiles": quantiles,
        "top": [inert(effect.token) for effect in record.top_logits[:12]],
        "bottom": [inert(effect.token) for effect in record.bottom_logits[:12]],
        "density": record.density,
        "max": record.max_activation,
        "explanations": [
            _inert(f"{each.text} ({each.method or each.model})") for each in record.explanations
        ],
    }


def _example(example: ActivationExample) -> dict[str, Any]:
    ordinary = len(example.special) < len(example.tokens)
    peak = example.peak if ordinary else 0
    start, stop = max(peak - AROUND, 0), peak + AROUND + 1
    return {
        "tokens": [_inert(token) for token in example.tokens[start:stop]],
        "acts": [_short(value) for value in example.activations[start:stop]],
        "peak": peak - start,
        "cut": [start > 0, stop < len(example.tokens)],
    }
