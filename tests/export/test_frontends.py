"""Graph JSON in the frontends' terms, and feature JSON where they look for it."""

from __future__ import annotations

import functools
import gzip
import json
import zlib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from graphlabel.annotation import History, Supernode
from graphlabel.errors import ExportError
from graphlabel.export import ExportOptions, export_graph
from graphlabel.files import GraphDocument, read_graph
from graphlabel.files.node_ids import cantor, cantor_inverse
from graphlabel.graph import NodeKind
from tests.conftest import real, real_graphs
from tests.export.documents import Evidence, document

read_once = functools.cache(read_graph)
FORMS = ["neuronpedia", "circuit-tracer"]


def opened(made: GraphDocument, to: str, folder: Path, options: ExportOptions | None = None) -> Any:
    export_graph(made, to, folder / "g.json", options)
    return json.loads((folder / "g.json").read_text())


def check_opens(raw: Any) -> None:
    """What both frontends rely on, read from their sources."""
    ids = [node["node_id"] for node in raw["nodes"]]
    assert len(set(ids)) == len(ids)
    q_params = raw["qParams"]
    names = [group[0] for group in q_params["supernodes"]]
    assert len(set(names) | set(ids)) == len(names) + len(ids)
    assert {each for group in q_params["supernodes"] for each in group[1:]} <= set(ids)
    assert set(q_params["pinnedIds"]) <= set(ids)
    assert "clerps" not in q_params
    assert isinstance(raw["metadata"]["scan"], str)
    for node in raw["nodes"]:
        assert isinstance(node["clerp"], str)
        if node["feature_type"] == "logit":
            float(node["clerp"].split("(p=")[1].split(")")[0])
    assert {link["source"] for link in raw["links"]} | {
        link["target"] for link in raw["links"]
    } <= set(ids)


@pytest.mark.parametrize("to", FORMS)
def test_labels_supernodes_and_numbers(to: str, tmp_path: Path) -> None:
    raw = opened(document(), to, tmp_path)
    check_opens(raw)
    assert [node["node_id"] for node in raw["nodes"]] == [
        "0_1_1",
        "1_7_1",
        "error_1_1",
        "E_1_0",
        "E_6_1",
        "3_9_1",
    ]
    assert raw["nodes"][0]["clerp"] == "Dallas"
    assert raw["nodes"][1]["feature"] == cantor(1, 7)
    assert raw["nodes"][5]["clerp"] == 'Output " Austin" (p=0.900)'
    assert raw["qParams"]["supernodes"] == [["the city", "0_1_1"]]
    assert raw["metadata"]["schema_version"] == 1


@pytest.mark.parametrize("to", FORMS)
@pytest.mark.parametrize("path", real_graphs(), ids=lambda path: path.stem)
def test_real_graphs_open(to: str, path: Path, tmp_path: Path) -> None:
    made = read_once(path)
    raw = opened(made, to, tmp_path)
    check_opens(raw)
    again = read_graph(tmp_path / "g.json")
    assert len(raw["nodes"]) == len(made.graph)
    assert len(raw["links"]) == len(made.graph.edges)
    assert [len(group.members) for group in again.annotations.supernodes] == [
        len(group.members) for group in made.annotations.supernodes
    ]
    if raw["metadata"].get("schema_version") == 1:
        for node, read in zip(raw["nodes"], made.graph.nodes, strict=True):
            if read.is_feature and read.key.feature >= 0:
                assert cantor_inverse(node["feature"]) == read.key.feature_key


def test_neuronpedia_s_schema_is_satisfied(tmp_path: Path) -> None:
    schema = real("../spec/graph-schema.json")
    jsonschema = pytest.importorskip("jsonschema")
    for made in (document(), *map(read_once, real_graphs()[::3])):
        jsonschema.validate(opened(made, "neuronpedia", tmp_path), json.loads(schema.read_text()))


def test_anthropic_s_graphs_keep_their_numbers(tmp_path: Path) -> None:
    """Neuronpedia looks pins of these graphs up among jsNodeIds."""
    made = read_graph(real("graphs/anthropic/opposite_of_small.json"))
    raw = opened(made, "neuronpedia", tmp_path)
    features = {node["feature"] for node in raw["nodes"]}
    assert features == {node["feature"] for node in made.residue.nodes}
    js_ids = {node["jsNodeId"] for node in raw["nodes"]}
    assert set(raw["qParams"]["pinnedIds"]) <= js_ids
    assert "schema_version" not in raw["metadata"]


@pytest.mark.parametrize("to", FORMS)
def test_a_supernode_named_like_a_node_gets_another_name(to: str, tmp_path: Path) -> None:
    made = document()
    group = Supernode("0_1_1", (made.graph.nodes[0].key,))
    raw = opened(made.annotated(replace(made.annotations, supernodes=(group,))), to, tmp_path)
    check_opens(raw)
    assert raw["qParams"]["supernodes"] == [["0_1_1 (2)", "0_1_1"]]


@pytest.mark.parametrize("to", FORMS)
def test_ids_that_two_nodes_share_are_told_apart(to: str, tmp_path: Path) -> None:
    """An error of layer 1 has the id of feature 1 of layer 0 (circuit-tracer's issue 78)."""
    made = document()
    shared = tuple(
        "0_1_1" if node.key.kind is NodeKind.ERROR else made.node_ids[place]
        for place, node in enumerate(made.graph.nodes)
    )
    raw = opened(replace(made, node_ids=shared), to, tmp_path)
    check_opens(raw)
    assert [node["node_id"] for node in raw["nodes"]][:3] == ["0_1_1", "1_7_1", "error_1_1"]
    assert raw["links"][-1]["source"] == "error_1_1"


def test_feature_json_lies_where_circuit_tracer_looks(tmp_path: Path) -> None:
    raw = opened(document(), "circuit-tracer", tmp_path, ExportOptions(features=Evidence()))
    assert (raw["metadata"]["slug"], raw["metadata"]["scan"]) == ("g", "./data/features")
    listed = json.loads((tmp_path / "graph-metadata.json").read_text())["graphs"]
    assert [each["slug"] for each in listed] == ["g"]
    feature = json.loads((tmp_path / "features" / f"{cantor(0, 1)}.json").read_text())
    index = json.loads(gzip.decompress((tmp_path / "features" / "index.json.gz").read_bytes()))
    start, stop = index["0"]["offsets"][1:3]
    record = (tmp_path / "features" / index["0"]["filename"]).read_bytes()[start:stop]
    assert int.from_bytes(record[:4], "little") == len(record) - 4
    assert json.loads(zlib.decompress(record[4:])) == feature
    example = feature["examples_quantiles"][0]["examples"][0]
    assert example["train_token_ind"] == 2  # the special first token is no peak
    assert len(feature["quantile_values"]) == 100
    assert feature["quantile_values"][-1] == 2.0
    assert feature["quantile_values"][74] == pytest.approx(1.0)


def test_circuit_tracer_s_server_finds_a_graph_without_features(tmp_path: Path) -> None:
    raw = opened(document(), "circuit-tracer", tmp_path)
    (listed,) = json.loads((tmp_path / "graph-metadata.json").read_text())["graphs"]
    assert listed["slug"] == "g"
    assert listed["scan"] == raw["metadata"]["scan"] != "./data/features"
    with pytest.raises(ExportError, match="name another file"):
        export_graph(document(), "circuit-tracer", tmp_path / "graph-metadata.json")


def test_a_list_of_graphs_grows(tmp_path: Path) -> None:
    options = ExportOptions(features=Evidence())
    for name in ("a.json", "b.json", "a.json"):
        export_graph(document(), "circuit-tracer", tmp_path / name, options)
    listed = json.loads((tmp_path / "graph-metadata.json").read_text())["graphs"]
    assert [each["slug"] for each in listed] == ["b", "a"]
    (tmp_path / "graph-metadata.json").write_text("[1]")
    with pytest.raises(ExportError, match="no list of graphs"):
        export_graph(document(), "circuit-tracer", tmp_path / "a.json", options)
    with pytest.raises(ExportError, match=r"ends in \.json"):
        export_graph(document(), "circuit-tracer", tmp_path / "a.json.gz", options)


def test_neuronpedia_is_told_where_features_are(tmp_path: Path) -> None:
    url = "https://example.org/features"
    raw = opened(document(), "neuronpedia", tmp_path, ExportOptions(Evidence(), url))
    assert raw["metadata"]["feature_details"] == {"feature_json_base_url": url}
    number = raw["nodes"][0]["feature"]
    feature = json.loads((tmp_path / "features" / f"{number}.json").read_text())
    schema = real("../spec/feature-details-schema.json")
    pytest.importorskip("jsonschema").validate(feature, json.loads(schema.read_text()))


def test_the_same_form_names_features_as_its_file_does(tmp_path: Path) -> None:
    made = document()
    export_graph(made, "same", tmp_path / "read.json")
    raw = json.loads((tmp_path / "read.json").read_text())
    raw["nodes"][0]["feature"] = 4711
    (tmp_path / "read.json").write_text(json.dumps(raw))
    opened(read_graph(tmp_path / "read.json"), "same", tmp_path, ExportOptions(Evidence()))
    assert (tmp_path / "features" / "4711.json").is_file()


def test_evidence_of_another_graph_is_refused(tmp_path: Path) -> None:
    class Nothing(Evidence):
        def get(self, key: object) -> None:
            return None

    with pytest.raises(ExportError, match="none of the graph's 2 features"):
        opened(document(), "neuronpedia", tmp_path, ExportOptions(features=Nothing()))
    assert not (tmp_path / "g.json").exists()


def test_an_edit_of_a_read_graph_is_exported(tmp_path: Path) -> None:
    from graphlabel.annotation import Group, SetLabel
    from tests.export.documents import ME

    made = read_graph(real("graphs/neuronpedia/gemma-small-big-en.json"))
    key = next(node.key for node in made.graph.nodes if node.is_feature)
    history = History(made.annotations)
    history.do(SetLabel((key,), "mine", ME))
    history.do(Group("mine too", (key,)))
    for to in FORMS:
        raw = opened(made.annotated(history.annotations), to, tmp_path)
        check_opens(raw)
        place = made.graph.index_of[key]
        assert raw["nodes"][place]["clerp"] == "mine"
        assert raw["qParams"]["supernodes"][-1] == ["mine too", raw["nodes"][place]["node_id"]]
        assert len(raw["qParams"]["supernodes"]) == 6


@pytest.mark.parametrize("to", FORMS)
def test_attention_features_stay_what_they_are(to: str, tmp_path: Path) -> None:
    """Neuronpedia's lorsa graphs: layers are numbers, ``feature`` may be null, extra fields."""
    raw = opened(document(), "same", tmp_path)
    traced = {
        "pair_wise_contributors": [],
        "top_q_marginal_contributors": [],
        "top_k_marginal_contributors": [],
    }
    lorsa = {
        "node_id": "0_lor_5_1", "feature": 5, "layer": 0, "ctx_idx": 1, "feature_type": "lorsa",
        "jsNodeId": "0_lor_5-0", "clerp": "attends", "qk_tracing_results": traced,
    }  # fmt: skip
    bias = {
        **lorsa,
        "node_id": "0_error_attn_1",
        "feature": None,
        "feature_type": "lorsa error",
        "clerp": "",
    }
    raw["nodes"] += [lorsa, bias]
    raw["qk_only_nodes"] = {"x": {"node_id": "x"}}
    (tmp_path / "lorsa.json").write_text(json.dumps(raw))
    again = opened(read_graph(tmp_path / "lorsa.json"), to, tmp_path)
    check_opens(again)
    assert [node["feature_type"] for node in again["nodes"][-2:]] == ["lorsa", "lorsa error"]
    assert again["nodes"][-2]["clerp"] == "attends"
    assert again["nodes"][-2]["qk_tracing_results"] == traced
    assert again["qk_only_nodes"] == raw["qk_only_nodes"]
    assert again["nodes"][-1]["feature"] == (None if to == "neuronpedia" else -1)
