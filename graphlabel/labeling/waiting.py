"""Which features of a graph wait for a label, most influential first."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphlabel.annotation import Annotations, Origin, Tier
from graphlabel.errors import GraphError
from graphlabel.graph import AttributionGraph, FeatureKey, NodeKey, NodeKind, node_influence
from graphlabel.labeling.context import graph_context
from graphlabel.labeling.evidence import Evidence
from graphlabel.records import FeatureRecord

Find = Callable[[FeatureKey], FeatureRecord | None]
"""Looks a feature's evidence up; None where the source does not have it."""


@dataclass(frozen=True, slots=True)
class Pending:
    """The features of a tier that a machine may label."""

    evidence: Mapping[FeatureKey, Evidence]
    nodes: Mapping[FeatureKey, tuple[NodeKey, ...]]
    kept: int = 0
    without_evidence: int = 0


def pending(
    graph: AttributionGraph,
    annotations: Annotations,
    find: Find,
    tier: Tier,
    *,
    in_graph: bool = False,
) -> Pending:
    """What is to be labelled in a tier, most influential first.

    Features are left out whose every node has a label by a person or from the file, and those
    without evidence. ``in_graph``: with the place each has in the graph.
    """
    evidence: dict[FeatureKey, Evidence] = {}
    nodes_of = _nodes_by_feature(graph)
    kept = missing = 0
    for key, nodes in nodes_of.items():
        routing = annotations.routings.get(key)
        if routing is None or routing.tier is not tier:
            continue
        if all(_is_kept(annotations, node) for node in nodes):
            kept += 1
            continue
        record = find(key)
        if record is None:
            missing += 1
            continue
        context = graph_context(graph, annotations, nodes) if in_graph else None
        evidence[key] = Evidence(record, routing, context)
    return Pending(evidence, {key: nodes_of[key] for key in evidence}, kept, missing)


def waiting_nodes(graph: AttributionGraph, annotations: Annotations, tier: Tier) -> list[NodeKey]:
    """The most influential unlabelled node of every feature of a tier, most influential first."""
    found: list[NodeKey] = []
    for key, nodes in _nodes_by_feature(graph).items():
        routing = annotations.routings.get(key)
        unlabelled = [node for node in nodes if annotations.label_of(node) is None]
        if routing and routing.tier is tier and unlabelled:
            found.append(unlabelled[0])
    return found


def _is_kept(annotations: Annotations, node: NodeKey) -> bool:
    label = annotations.label_of(node)
    return label is not None and label.provenance.origin is not Origin.MACHINE


def _nodes_by_feature(graph: AttributionGraph) -> dict[FeatureKey, tuple[NodeKey, ...]]:
    """The nodes of each feature; features and nodes by falling influence."""
    ranks = _ranks(graph)
    nodes: dict[FeatureKey, tuple[NodeKey, ...]] = {}
    for place in sorted(graph.places(NodeKind.FEATURE), key=lambda place: ranks[place]):
        key = graph.nodes[place].key
        nodes[key.feature_key] = (*nodes.get(key.feature_key, ()), key)
    return nodes


def _ranks(graph: AttributionGraph) -> Sequence[float]:
    """Low for influential nodes: the file's influence, else as the edges have it."""
    if any(node.influence is not None for node in graph.nodes if node.is_feature):
        return [1.0 if node.influence is None else node.influence for node in graph.nodes]
    logits = {place: graph.nodes[place].probability for place in graph.places(NodeKind.LOGIT)}
    weights = np.zeros(len(graph))
    weights[list(logits)] = [1.0 if share is None else share for share in logits.values()]
    try:
        influence: list[float] = node_influence(graph.edges.matrix(len(graph)), weights).tolist()
    except GraphError:  # a cycle: nobody can tell
        return [1.0] * len(graph)
    return [-each for each in influence]
