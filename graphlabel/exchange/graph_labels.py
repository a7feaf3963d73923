"""The labels a graph file holds, and a graph file with the labels of a store."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import replace

from graphlabel.annotation import Label, LabelTarget, Origin, Provenance, Scope
from graphlabel.exchange.given import Given
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKey, NodeKind, graph_key
from graphlabel.records import TranscoderSet
from graphlabel.store import NewLabel, StoredLabel


def labels_of_graph(document: GraphDocument, given: Given) -> Iterator[NewLabel]:
    """Every label of a graph's features, and those that people gave to other nodes.

    A label that graphlabel wrote keeps its scope. A bare ``clerp`` holds wherever its feature
    fires if the graph names its transcoders and calls the feature the same at every place that has
    a label, else at its occurrence; ``given.scope`` decides for all of those.
    """
    owner = given.transcoder_set or TranscoderSet.of(document.graph.source)
    key = graph_key(document.graph)
    everywhere = _features_of_one_name(document) if owner else frozenset()
    seen: set[LabelTarget] = set()
    for target, label in document.annotations.labels.items():
        if isinstance(target, NodeKey) and not _is_worth_keeping(target, label):
            continue
        if _is_bare(label) and isinstance(target, NodeKey):
            chosen = given.scope or (
                Scope.FEATURE if target.feature_key in everywhere else Scope.OCCURRENCE
            )
            if chosen is Scope.FEATURE and target.kind is NodeKind.FEATURE:
                target = target.feature_key
        if target in seen:
            continue
        seen.add(target)
        yield NewLabel(target, replace(label, provenance=_made(label, given)), owner, key)


def _is_bare(label: Label) -> bool:
    return label.provenance.origin is Origin.FILE


def _is_worth_keeping(key: NodeKey, label: Label) -> bool:
    """Tools name tokens, errors and logits by rule; only people's names for them say something."""
    return key.kind is NodeKind.FEATURE or not _is_bare(label)


def _made(label: Label, given: Given) -> Provenance:
    """Who made a label; the importer may know whose a bare one is."""
    if not _is_bare(label):
        return label.provenance
    origin = given.origin or (Origin.PERSON if given.author else Origin.FILE)
    return replace(label.provenance, origin=origin, author=given.author)


def _features_of_one_name(document: GraphDocument) -> frozenset[FeatureKey]:
    """The features whose labelled occurrences are all called the same."""
    names: dict[FeatureKey, set[str]] = defaultdict(set)
    for target, label in document.annotations.labels.items():
        if isinstance(target, NodeKey):
            names[target.feature_key].add(label.text)
    return frozenset(key for key, texts in names.items() if len(texts) == 1)


def with_labels(
    document: GraphDocument, labels: Iterable[StoredLabel]
) -> tuple[GraphDocument, int]:
    """The document with the stored labels that are about its nodes, and how many these are.

    Labels of features must be of the graph's own transcoder set, others of this very graph. A
    person's label in the file gives way to another person's only.
    """
    graph, source = document.graph, document.graph.source
    key, owner = graph_key(graph), TranscoderSet.of(source)
    features = {node.key.feature_key for node in graph.nodes if node.is_feature}
    labelled, count = dict(document.annotations.labels), 0
    for stored in labels:
        target, of = stored.target, stored.transcoder_set
        if isinstance(target, FeatureKey):
            same = stored.graph == key if of is None else bool(owner and of.matches(owner))
            fits = same and target in features
        else:
            fits = stored.graph == key and target in graph.index_of
        before = labelled.get(target)
        if not fits or not stored.label.text or _outranks(before, stored.label):
            continue
        labelled[target] = stored.label
        count += 1
    _drop_hidden(labelled, document)
    return document.annotated(replace(document.annotations, labels=labelled)), count


def _outranks(before: Label | None, new: Label) -> bool:
    person = Origin.PERSON
    return (
        before is not None
        and before.provenance.origin is person
        and new.provenance.origin is not person
    )


def _drop_hidden(labelled: dict[LabelTarget, Label], document: GraphDocument) -> None:
    """Take out bare labels of occurrences that would hide a label of their feature."""
    for node in document.graph.nodes:
        here, everywhere = labelled.get(node.key), labelled.get(node.key.feature_key)
        if here is not None and everywhere is not None and _is_bare(here):
            del labelled[node.key]
