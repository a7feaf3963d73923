"""Labels out of graph files, and into them."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from graphlabel.annotation import Label, Origin, Provenance, Scope
from graphlabel.exchange import Given, labels_of_graph, with_labels
from graphlabel.files import GraphDocument, graph_from_bytes, read_graph
from graphlabel.graph import FeatureKey, NodeKey, NodeKind, graph_key
from graphlabel.records import TranscoderSet
from graphlabel.store import LabelState, NewLabel, StoredLabel
from tests.conftest import real
from tests.files.strategies import node

NP, OWNER = "neuronpedia", TranscoderSet("m", "clt")
ONE, OTHER = FeatureKey(1, 5), FeatureKey(2, 6)
ADA = Provenance(Origin.PERSON, "ada")


def document(transcoders: str = "clt") -> GraphDocument:
    """Feature 1/5 at two places, called the same; 2/6 at two places, called differently."""
    places = [(1, 5, 1, "city"), (1, 5, 2, "city"), (2, 6, 1, "state"), (2, 6, 2, "capital")]
    nodes = [{**node(NP, "feature", layer, index, at), "clerp": text} for layer, index, at, text in places]  # fmt: skip
    nodes += [
        node(NP, "token", 0, 1, 1),
        {**node(NP, "logit", 4, 7, 1), "clerp": 'Output "x" (p=0.5)'},
    ]
    details = {"feature_details": {"neuronpedia_source_set": transcoders}} if transcoders else {}
    metadata: dict[str, Any] = {"slug": "s", "scan": "m", "prompt": "a b c", "prompt_tokens": ["a", "b", "c"],
                                "schema_version": 1, "info": {"create_time_ms": 1}, **details}  # fmt: skip
    raw = {"metadata": metadata, "qParams": {}, "nodes": nodes, "links": []}
    return graph_from_bytes(json.dumps(raw).encode(), "test")


def stored(target: Any, text: str, made: Provenance = ADA, graph: str = "", owner: Any = OWNER) -> StoredLabel:  # fmt: skip
    scope = Scope.FEATURE if isinstance(target, FeatureKey) else Scope.OCCURRENCE
    return StoredLabel(1, target, Label(text, scope, made), LabelState.CURRENT, owner, graph)


def said(labels: list[NewLabel]) -> dict[Any, str]:
    return {each.target: each.label.text for each in labels}


def at(key: FeatureKey, position: int) -> NodeKey:
    return NodeKey(NodeKind.FEATURE, *key, position)


def test_a_feature_called_the_same_everywhere_is_labelled_everywhere() -> None:
    found = list(labels_of_graph(document(), Given()))
    assert said(found) == {ONE: "city", at(OTHER, 1): "state", at(OTHER, 2): "capital"}
    assert {each.transcoder_set for each in found} == {OWNER}
    assert {each.graph for each in found} == {graph_key(document().graph)}
    assert {each.label.provenance.origin for each in found} == {Origin.FILE}


def test_the_importer_decides_about_bare_labels() -> None:
    only_here = list(labels_of_graph(document(), Given(scope=Scope.OCCURRENCE)))
    assert len(only_here) == 4
    everywhere = list(labels_of_graph(document(), Given(scope=Scope.FEATURE, author="ada")))
    assert said(everywhere) == {ONE: "city", OTHER: "state"}
    assert {each.label.provenance for each in everywhere} == {ADA}


def test_without_a_set_labels_hold_where_they_are() -> None:
    assert len(list(labels_of_graph(document(""), Given()))) == 4
    assert said(list(labels_of_graph(document(""), Given(OWNER))))[ONE] == "city"


def test_labels_with_provenance_keep_it() -> None:
    read = document()
    logit = next(each.key for each in read.graph.nodes if each.key.kind is NodeKind.LOGIT)
    mine = {ONE: Label("by ada", Scope.FEATURE, ADA), logit: Label("big", Scope.OCCURRENCE, ADA)}
    labelled = read.annotated(replace(read.annotations, labels=mine))
    found = list(labels_of_graph(labelled, Given(author="bob", scope=Scope.OCCURRENCE)))
    assert {each.target: each.label for each in found} == mine


def test_stored_labels_go_into_a_graph() -> None:
    read = document()
    key = graph_key(read.graph)
    labels = [
        stored(ONE, "town"),
        stored(at(OTHER, 1), "the state", graph=key),
        stored(at(OTHER, 2), "elsewhere", graph="other graph"),
        stored(OTHER, "of another set", owner=TranscoderSet("m", "other")),
        stored(FeatureKey(9, 9), "not in the graph"),
    ]
    labelled, count = with_labels(read, labels)
    shown = {
        n.key: label.text
        for n in read.graph.nodes
        if (label := labelled.annotations.label_of(n.key))
    }
    assert count == 2
    assert [shown[at(ONE, 1)], shown[at(ONE, 2)]] == ["town", "town"]
    assert [shown[at(OTHER, 1)], shown[at(OTHER, 2)]] == ["the state", "capital"]


@pytest.mark.parametrize("origin", [Origin.MACHINE, Origin.FILE])
def test_a_person_s_label_in_the_file_stays(origin: Origin) -> None:
    read = document()
    mine = read.annotated(
        replace(read.annotations, labels={ONE: Label("ada's", Scope.FEATURE, ADA)})
    )
    kept, count = with_labels(mine, [stored(ONE, "machine's", Provenance(origin))])
    assert (count, kept.annotations.labels[ONE].text) == (0, "ada's")
    replaced, count = with_labels(mine, [stored(ONE, "bob's", Provenance(Origin.PERSON, "bob"))])
    assert (count, replaced.annotations.labels[ONE].text) == (1, "bob's")


def test_labels_of_a_real_graph_fit_another_of_its_set() -> None:
    puppy = read_graph(real("graphs/neuronpedia/puppy-clt.json"))
    bare = read_graph(real("graphs/circuit-tracer/ice-clt-hp.json"))
    labels = [
        StoredLabel(n, each.target, each.label, LabelState.CURRENT, each.transcoder_set, each.graph)
        for n, each in enumerate(labels_of_graph(puppy, Given()))
    ]
    labelled, count = with_labels(bare, labels)
    assert not bare.annotations.labels
    assert count == len(labelled.annotations.labels) > 10
