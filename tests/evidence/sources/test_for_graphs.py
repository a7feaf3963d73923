"""Which evidence a graph may have: of its own transcoder set, never of another."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.cli.pipeline import feature_flags, feature_keys, source_for, source_for_reading
from graphlabel.errors import EvidenceError
from graphlabel.evidence import parts_of
from graphlabel.files import GraphDocument, new_document
from graphlabel.graph import (
    AttributionGraph,
    Edges,
    FeatureKey,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
)
from graphlabel.records import TranscoderSet

OURS = GraphSource(model="google/m-2b", transcoders="set-16k")
UNSTATED = GraphSource()


def document(source: GraphSource) -> GraphDocument:
    """A graph of three features."""
    nodes = tuple(Node(NodeKey(NodeKind.FEATURE, 3, feature, 0)) for feature in (1, 2, 200))
    graph = AttributionGraph("p", ("p",), nodes, Edges.of([], [], []), 5, source)
    return new_document(graph, "g")


def batches(folder: Path, *owners: tuple[str, str]) -> str:
    """SAEDashboard batches of some sets, with feature 1 of layer 3."""
    folder.mkdir()
    for number, (model, name) in enumerate(owners):
        feature = {"feature_index": 1, "activations": []}
        value = {"model_id": model, "layer": 3, "sae_set": name, "features": [feature]}
        (folder / f"batch-{number}.json").write_text(json.dumps(value))
    return str(folder)


def test_evidence_of_the_graphs_own_set(tmp_path: Path) -> None:
    place = batches(tmp_path / "both", ("m-2b", "set-16k"), ("m-2b", "other"))
    source = source_for(document(OURS), [place])
    assert source.transcoder_set == TranscoderSet("m-2b", "set-16k")
    mixed = source_for(document(OURS), [place], any_set=True)
    assert len(parts_of(mixed)) == 2


@pytest.mark.parametrize("owner", [("m-2b", "other"), ("m-9b", "set-16k")])
def test_evidence_of_another_set_is_refused(tmp_path: Path, owner: tuple[str, str]) -> None:
    ours, other = batches(tmp_path / "a", ("m-2b", "set-16k")), batches(tmp_path / "b", owner)
    for places in ([other], [ours, other]):
        with pytest.raises(EvidenceError, match="--any-set") as raised:
            source_for(document(OURS), places)
        assert f"{owner[0]} ▸ {owner[1]}" in str(raised.value)
        record = source_for(document(OURS), places, any_set=True).get(FeatureKey(3, 1))
        assert record is not None
        owners = {("m-2b", "set-16k") if place == ours else owner for place in places[:1]}
        assert record.transcoder_set == TranscoderSet(*owners.pop())


def test_a_graph_that_does_not_say_gets_one_set_only(tmp_path: Path) -> None:
    one, two = batches(tmp_path / "a", ("m", "s")), batches(tmp_path / "b", ("m", "t"))
    assert source_for(document(UNSTATED), [one]).transcoder_set == TranscoderSet("m", "s")
    with pytest.raises(EvidenceError, match="of m ▸ s and of m ▸ t"):
        source_for(document(UNSTATED), [one, two])
    source_for(document(UNSTATED), [one, two], any_set=True)
    only_model = document(GraphSource(model="m-2b"))
    with pytest.raises(EvidenceError, match="is of m-2b"):
        source_for(only_model, [one])
    with pytest.raises(EvidenceError, match="no feature source is named"):
        source_for(only_model, [])


def test_features_told_apart_by_hook_point_need_to_be_chosen(tmp_path: Path) -> None:
    prompt = {"generation_prompt": '\nExample 1: <<x>>\nActivations: ("x" : 2)\n'}
    for name in ("layers.3.mlp_feature1", "layers.3.attn_feature1"):
        (tmp_path / f"{name}.json").write_text(json.dumps(prompt))
    with pytest.raises(EvidenceError, match="--any-set"):
        source_for(document(OURS), [str(tmp_path)])
    with pytest.raises(EvidenceError, match="--any-set"):
        source_for(document(UNSTATED), [str(tmp_path)])


def test_the_workbench_never_waits_for_a_server(neuronpedia) -> None:
    said: list[str] = []
    place = "neuronpedia:m-2b/set-16k"
    graph = document(OURS)
    source = source_for_reading(graph, [place], any_set=False, offline=False, say=said.append)
    asked = len(neuronpedia.requests)
    found = [source.get(key) is not None for key in feature_keys(graph)]
    assert (found, said, asked) == ([True, True, False], [], 1)
    assert source.get(FeatureKey(4, 4)) is None
    assert len(neuronpedia.requests) == asked


def test_the_workbench_opens_without_its_server(neuronpedia) -> None:
    said: list[str] = []
    neuronpedia.failures.append((403, {}))
    places = ["neuronpedia:m-2b/set-16k", str(atlas.INDEX_FOLDER)]
    source = source_for_reading(
        document(OURS), places, any_set=True, offline=False, say=said.append
    )
    assert "NEURONPEDIA_API_KEY" in said[0]
    assert source.get(FeatureKey(2, 200)) is not None


def test_flags_can_be_pasted() -> None:
    assert (
        feature_flags(["a b", "neuronpedia:m/s"]) == "--features 'a b' --features neuronpedia:m/s"
    )
