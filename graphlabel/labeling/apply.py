"""Labelling a graph's features by tier."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from graphlabel.annotation import (
    Annotations,
    Origin,
    Provenance,
    Scope,
    SetLabel,
    Several,
    Tier,
)
from graphlabel.graph import AttributionGraph, FeatureKey, NodeKey, NodeKind
from graphlabel.labeling.labeler import Labeler
from graphlabel.labeling.long_tail import mark_labels
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class LabelingReport:
    """What a run labelled and what is left."""

    labelled: int
    """Features that got a label in this run."""
    kept: int
    """Routed features whose label by a person or from the file was kept."""
    without_evidence: int
    """Routed tier-1 features the source does not have."""
    unnamed: int
    """Tier-1 features the method had nothing to say of."""
    waiting: dict[Tier, list[NodeKey]]
    """Unlabelled nodes of tiers 2 and 3, one per feature, most influential first."""
    only_at_top: int = 0
    """Labels made in this run that the weaker examples do not bear out."""


def label_tier_one(
    graph: AttributionGraph,
    annotations: Annotations,
    find: Callable[[FeatureKey], FeatureRecord | None],
    labeler: Labeler,
    *,
    scope: Scope,
    time: str,
) -> tuple[Annotations, LabelingReport]:
    """Label every tier-1 feature; labels by people and from the file are kept.

    A label that holds only at the top of the feature's activations is marked in its routing's
    notes.
    """
    commands: list[SetLabel] = []
    named: dict[FeatureKey, tuple[FeatureRecord, str]] = {}
    kept = missing = unnamed = 0
    for key, nodes in _by_feature(graph).items():
        routing = annotations.routings.get(key)
        if routing is None or routing.tier is not Tier.COUNTER:
            continue
        labels = [annotations.label_of(node) for node in nodes]
        if all(label and label.provenance.origin is not Origin.MACHINE for label in labels):
            kept += 1
            continue
        record = find(key)
        if record is None:
            missing += 1
            continue
        proposal = labeler.label(record, routing)
        if proposal is None:
            unnamed += 1
            continue
        provenance = Provenance(
            Origin.MACHINE,
            author="graphlabel",
            method=labeler.name,
            time=time,
            score=round(proposal.trust, 4),
        )
        commands.append(SetLabel(tuple(nodes), proposal.text, provenance, scope))
        named[key] = (record, proposal.text)
    labelled = Several("label tier 1", commands).patch(annotations).apply(annotations)
    labelled, fragile = mark_labels(labelled, named)
    waiting = {tier: waiting_nodes(graph, labelled, tier) for tier in (Tier.MODEL, Tier.PERSON)}
    return labelled, LabelingReport(len(commands), kept, missing, unnamed, waiting, fragile)


def waiting_nodes(graph: AttributionGraph, annotations: Annotations, tier: Tier) -> list[NodeKey]:
    """The most influential unlabelled node of every feature of a tier, most influential first."""
    found: dict[FeatureKey, NodeKey] = {}
    ranked = sorted(
        graph.places(NodeKind.FEATURE), key=lambda place: graph.nodes[place].influence or 0.0
    )
    for place in ranked:
        key = graph.nodes[place].key
        routing = annotations.routing_of(key)
        if routing and routing.tier is tier and annotations.label_of(key) is None:
            found.setdefault(key.feature_key, key)
    return list(found.values())


def _by_feature(graph: AttributionGraph) -> dict[FeatureKey, list[NodeKey]]:
    nodes: dict[FeatureKey, list[NodeKey]] = {}
    for key in _feature_nodes(graph):
        nodes.setdefault(key.feature_key, []).append(key)
    return nodes


def _feature_nodes(graph: AttributionGraph) -> Iterable[NodeKey]:
    return (graph.nodes[place].key for place in graph.places(NodeKind.FEATURE))
