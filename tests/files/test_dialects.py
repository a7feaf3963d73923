"""What each dialect's own ways come to in the graph."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.annotation import Group, History, Origin, Provenance, Scope, SetLabel
from graphlabel.errors import GraphFileError
from graphlabel.files import GraphDocument, graph_from_bytes, read_graph, write_graph
from graphlabel.files.node_ids import cantor
from graphlabel.files.stated_influence import as_cumulative
from graphlabel.graph import FeatureKey, NodeKey, NodeKind
from graphlabel.graph.influence import cumulative_share
from tests.conftest import real
from tests.files.strategies import METADATA, node

FEATURE, ERROR, TOKEN, LOGIT, OTHER = (
    NodeKind.FEATURE, NodeKind.ERROR, NodeKind.TOKEN, NodeKind.LOGIT, NodeKind.OTHER,
)  # fmt: skip


def read(raw: dict[str, Any]) -> GraphDocument:
    return graph_from_bytes(json.dumps(raw).encode(), "test")


def file(dialect: str, nodes: list[dict[str, Any]], **q_params: object) -> dict[str, Any]:
    metadata = {"slug": "s", "scan": "m", "prompt": "ab", "prompt_tokens": ["a", "b", "c"]}
    return {"metadata": {**metadata, **METADATA[dialect]}, "qParams": q_params, "nodes": nodes, "links": []}  # fmt: skip


def keys(document: GraphDocument) -> list[NodeKey]:
    return [each.key for each in document.graph.nodes]


@pytest.mark.parametrize(
    ("path", "dialect", "counts"),
    [
        ("anthropic/opposite_of_small.json", "anthropic", (68, 8, 8, 2)),
        ("circuit-tracer/llama-dallas-austin.json", "circuit-tracer", (188, 52, 8, 10)),
        ("neuronpedia/bee-insect-plt.json", "neuronpedia", (556, 98, 7, 10)),
        ("neuronpedia/puppy-clt.json", "neuronpedia", (372, 100, 10, 10)),
    ],
)
def test_real_graphs_are_known(path: str, dialect: str, counts: tuple[int, ...]) -> None:
    document = read_graph(real(f"graphs/{path}"))
    assert document.dialect == dialect
    assert tuple(map(document.graph.count, (FEATURE, ERROR, TOKEN, LOGIT))) == counts


def test_pins_of_anthropic_s_graphs_are_js_ids() -> None:
    path = real("graphs/anthropic/opposite_of_small.json")
    document = read_graph(path)
    raw = json.loads(path.read_bytes())
    assert len(document.annotations.pinned) == len(raw["qParams"]["pinnedIds"])
    assert not document.residue.unresolved_pins
    assert not document.residue.unresolved_members


def test_new_groups_and_pins_of_anthropic_s_graphs_are_js_ids(tmp_path: Path) -> None:
    nodes = [node("anthropic", "feature", layer, 100 + layer, 1) for layer in range(4)]
    ids = [each["jsNodeId"] for each in nodes]
    assert not set(ids) & {each["node_id"] for each in nodes}
    document = read(file("anthropic", nodes, pinnedIds=ids[:1], supernodes=[["old", *ids[:2]]]))
    history = History(document.annotations)
    first, _, third, fourth = keys(document)
    history.do(Group("old", (third,)))
    history.do(Group("new", (fourth, first)))
    write_graph(document.annotated(history.annotations), tmp_path / "g.json")
    written = json.loads((tmp_path / "g.json").read_bytes())
    assert written["qParams"]["supernodes"] == [["old", ids[1], ids[2]], ["new", ids[3], ids[0]]]
    assert set(written["qParams"]["pinnedIds"]) <= set(ids)
    assert read(written).annotations == history.annotations


def test_a_lorsa_graph_keeps_both_errors_of_a_place() -> None:
    lorsa = "neuronpedia (lorsa)"
    qk = {"pair_wise_contributors": [["a", "b", 1.0]], "top_q_marginal_contributors": [], "top_k_marginal_contributors": []}  # fmt: skip
    nodes = [
        node(lorsa, "feature", 2, 5, 1),
        {**node(lorsa, "attention", 2, 9, 1), "qk_tracing_results": qk},
        node(lorsa, "error", 2, 0, 1),
        node(lorsa, "attention error", 2, 0, 1),
        node(lorsa, "token", 0, 0, 1),
        {**node(lorsa, "error", 1, 0, 1), "feature_type": "bias", "node_id": "1_bias_x_1"},
    ]
    raw = {**file(lorsa, nodes), "qk_only_nodes": {"x": {"node_id": "x"}}}
    document = read(raw)
    assert document.dialect == lorsa
    assert keys(document) == [
        NodeKey(FEATURE, 2, 5, 1), NodeKey(OTHER, 2, 9, 1), NodeKey(ERROR, 2, -1, 1),
        NodeKey(ERROR, 2, -2, 1), NodeKey(TOKEN, -1, 101, 1), NodeKey(OTHER, 1, -1, 1),
    ]  # fmt: skip
    assert document.residue.top == {"qk_only_nodes": {"x": {"node_id": "x"}}}
    assert document.residue.nodes[1]["qk_tracing_results"] == qk


def test_names_every_lorsa_node_gets_are_no_labels() -> None:
    lorsa = "neuronpedia (lorsa)"
    nodes = [node(lorsa, "feature", 2, 5, 1), node(lorsa, "attention", 2, 9, 1)]
    nodes[0]["clerp"] = f"F{cantor(2, 5)}"
    nodes[1]["clerp"] = "copies names"
    labels = read(file(lorsa, nodes)).annotations.labels
    assert [label.text for label in labels.values()] == ["copies names"]


def test_eleutherai_s_ids_and_logit_layer() -> None:
    ea = "eleutherai attribute"
    kinds = [("feature", 2, 5), ("error", 2, 0), ("token", 0, 0), ("logit", 3, 1)]
    nodes = [node(ea, kind, layer, index, 1) for kind, layer, index in kinds]
    document = read(file(ea, nodes))
    assert document.dialect == ea
    assert document.graph.n_layers == 3
    assert keys(document) == [
        NodeKey(FEATURE, 2, 5, 1), NodeKey(ERROR, 2, -1, 1), NodeKey(TOKEN, -1, 0, 1),
        NodeKey(LOGIT, 3, 1, 1),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("metadata", "feature", "index"),
    [
        ({"schema_version": 1}, cantor(3, 77), 77),
        ({}, 300_077, 77),
        ({}, 77, 77),
        ({}, None, -1),
        ({"schema_version": 1}, 10**60, -1),
    ],
)
def test_feature_numbers_serve_where_the_id_is_silent(
    metadata: dict[str, Any], feature: int | None, index: int
) -> None:
    raw = file("no schema", [{**node("no schema", "feature", 3, 0, 1), "node_id": "x", "feature": feature}])  # fmt: skip
    raw["metadata"] |= metadata
    assert keys(read(raw)) == [NodeKey(FEATURE, 3, index, 1)]


def test_a_hash_is_no_model_s_name() -> None:
    raw = file("circuit-tracer", [node("circuit-tracer", "feature", 1, 2, 1)])
    raw["metadata"] |= {"scan": "custom-8812", "transcoder_list": ["a/b", "c/d"]}
    source = read(raw).graph.source
    assert (source.model, source.transcoders) == ("", "a/b,c/d")
    raw["metadata"]["scan"] = ["a/b", "c/d"]
    assert read(raw).graph.source.model == ""


def test_a_repository_is_the_transcoders_name() -> None:
    raw = file("circuit-tracer", [node("circuit-tracer", "feature", 1, 2, 1)])
    raw["metadata"] |= {"scan": "mntss/clt-llama-3.2-1b-524k", "transcoder_list": []}
    source = read(raw).graph.source
    assert (source.model, source.transcoders) == ("", "mntss/clt-llama-3.2-1b-524k")


PAGES = ["https://x.org/m/no", "https://www.neuronpedia.org/other/no", "https://neuronpedia.org/m/clt-hp"]  # fmt: skip


@pytest.mark.parametrize(
    ("info", "name"),
    [
        ({"neuronpedia_source_set": "set", "source_urls": PAGES}, "set"),
        ({"source_urls": PAGES, "transcoder_set": "a/b"}, "clt-hp"),
        ({"source_urls": [7, *PAGES[:2]], "transcoder_set": "a/b"}, "a/b"),
        ({"source_urls": "text", "transcoder_set": ["a"]}, ""),
    ],
)
def test_the_source_set_may_only_be_linked_to(info: dict[str, Any], name: str) -> None:
    raw = file("neuronpedia", [node("neuronpedia", "feature", 1, 2, 1)])
    raw["metadata"].pop("feature_details", None)
    raw["metadata"]["info"] = {**info, "create_time_ms": 1}
    source = read(raw).graph.source
    assert (source.model, source.transcoders) == ("m", name)


def test_nodes_that_share_everything_stay_apart() -> None:
    same = [node("anthropic", "error", 2, 5, 1) for _ in range(3)]
    assert [key.feature for key in keys(read(file("anthropic", same)))] == [-1, -2, -3]


NP_CLERPS = [[f"2_{cantor(2, 5)}_1", "here"], ["9_9_9", "nowhere"]]


@pytest.mark.parametrize("form", ["neuronpedia", "circuit-tracer"])
def test_labels_in_clerps_are_read_and_move_to_the_nodes_once_edited(
    form: str, tmp_path: Path
) -> None:
    nodes = [node("circuit-tracer", "feature", 2, 5, at) for at in (1, 2)]
    nodes[0]["clerp"] = nodes[1]["clerp"] = "old"
    clerps = NP_CLERPS if form == "neuronpedia" else json.dumps([[cantor(2, 5), "here"]])
    raw = file("circuit-tracer", nodes, clerps=clerps)
    document = read(raw)
    first, second = keys(document)
    texts = [label.text for key in (first, second) if (label := document.annotations.label_of(key))]
    assert texts == (["here", "old"] if form == "neuronpedia" else ["here", "here"])
    path = tmp_path / "g.json"
    write_graph(document, path)
    assert json.loads(path.read_text()) == raw
    mine = SetLabel((first,), "mine", Provenance(Origin.PERSON, "ada"), Scope.OCCURRENCE)
    changed = document.annotated(mine.patch(document.annotations).apply(document.annotations))
    write_graph(changed, path)
    after = json.loads(path.read_text())
    assert "clerps" not in after["qParams"]
    assert [each["clerp"] for each in after["nodes"]] == ["mine", texts[1]]
    if form == "circuit-tracer":
        assert FeatureKey(2, 5) in document.annotations.labels


def test_rows_of_supernodes_stay_to_the_letter(tmp_path: Path) -> None:
    nodes = [node("circuit-tracer", "feature", 2, 5, at) for at in (1, 2)]
    rows = [["  two\nlines ", "2_5_1", "gone"], ["lost", "gone"], ["two lines", "2_5_2"], []]
    document = read(file("circuit-tracer", nodes, supernodes=rows))
    assert [group.name for group in document.annotations.supernodes] == ["two lines", "two lines (2)"]  # fmt: skip
    from graphlabel.annotation import Group, RenameSupernode

    group = Group("new", (keys(document)[1],))
    annotations = group.patch(document.annotations).apply(document.annotations)
    rename = RenameSupernode("two lines", "better")
    annotations = rename.patch(annotations).apply(annotations)
    write_graph(document.annotated(annotations), tmp_path / "g.json")
    written = json.loads((tmp_path / "g.json").read_text())["qParams"]["supernodes"]
    assert written == [["better", "2_5_1", "gone"], ["lost", "gone"], ["new", "2_5_2"], []]


def test_two_gzip_members_and_a_byte_order_mark_are_read(tmp_path: Path) -> None:
    data = b"\xef\xbb\xbf" + json.dumps(file("anthropic", [])).encode()
    path = tmp_path / "g.json"
    path.write_bytes(gzip.compress(data[:40]) + gzip.compress(data[40:]) + b"\0\0")
    assert read_graph(path).slug == "s"


def test_a_gzip_bomb_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_bytes(gzip.compress(bytes(300 * 1024 * 1024), 9))
    with pytest.raises(GraphFileError, match="beyond all measure"):
        read_graph(path)


@pytest.mark.parametrize("ids", ["circuit-tracer", "eleutherai attribute"])
def test_raw_influence_becomes_cumulative(tmp_path: Path, ids: str) -> None:
    nodes = [node(ids, "feature", layer, 5, 1) for layer in range(11)]
    for place, each in enumerate(nodes):
        each["influence"] = 0.5**place
    nodes[4]["influence"] = None
    document = read(file(ids, nodes))
    found = [each.influence for each in document.graph.nodes]
    total = sum(0.5**place for place in range(11) if place != 4)
    assert found[0] == pytest.approx(1 / total)
    assert found[4] is None
    assert found[-1] == pytest.approx(1.0)
    assert [it for it in found if it is not None] == sorted(it for it in found if it is not None)
    write_graph(document, tmp_path / "again.json")
    assert json.loads((tmp_path / "again.json").read_bytes())["nodes"] == nodes


@given(st.lists(st.floats(1e-6, 1.0), min_size=10, max_size=60))
def test_cumulative_influence_stays(scores: list[float]) -> None:
    shares = cumulative_share(np.array(scores)).tolist()
    assert as_cumulative(shares) == shares


def test_few_or_strange_influences_stay() -> None:
    for stated in ([], [None], [0.5, 0.1], [0.0] * 12, [float("nan")] + [0.1] * 12, [-1.0] * 12):
        assert repr(as_cumulative(stated)) == repr(stated)
    assert as_cumulative([0.25, 0.75], raw_if_unclear=True) == [1.0, 0.75]


def test_real_influences() -> None:
    """Of the real files one states raw influences."""
    raw = read_graph(real("graphs/eleutherai/dallas_ea.json"))
    assert max(node.influence or 0.0 for node in raw.graph.nodes) == pytest.approx(1.0)
    for name in ("circuit-tracer/ice-clt-hp.json", "neuronpedia/bee-insect-plt.json"):
        document = read_graph(real(f"graphs/{name}"))
        stated = [each.get("influence") for each in document.residue.nodes]
        assert [each.influence for each in document.graph.nodes] == stated
