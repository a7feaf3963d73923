"""Reading and writing graph files without loss."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphlabel.annotation import (
    FeatureClass,
    Group,
    History,
    Origin,
    Provenance,
    Review,
    Routing,
    Scope,
    SetLabel,
    SetNote,
    SetReview,
    TogglePin,
    WindowScore,
)
from graphlabel.errors import GraphFileError
from graphlabel.files import read_graph, write_graph
from graphlabel.files.node_ids import cantor, cantor_inverse, new_node_ids
from graphlabel.graph import Node, NodeKey, NodeKind, graph_key
from tests.files.strategies import DIALECTS, graphs

REAL = sorted((Path(__file__).resolve().parents[3] / "shared/data/graphs").glob("*/*.json"))
ME = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z")


def exact(data: bytes) -> Any:
    """JSON with the order of fields and the digits of numbers kept."""
    return json.loads(data, object_pairs_hook=list, parse_float=str, parse_int=str)


@pytest.mark.skipif(not REAL, reason="the real graphs are not on this machine")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_come_back_as_they_were(path: Path, tmp_path: Path) -> None:
    document = read_graph(path)
    write_graph(document, tmp_path / "again.json")
    assert path.read_bytes() == (tmp_path / "again.json").read_bytes()
    again = read_graph(tmp_path / "again.json")
    assert graph_key(again.graph) == graph_key(document.graph)
    assert again.annotations == document.annotations


@pytest.mark.skipif(not REAL, reason="the real graphs are not on this machine")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_only_what_was_edited_differs(path: Path, tmp_path: Path) -> None:
    document = read_graph(path)
    key = document.graph.nodes[next(document.graph.places(NodeKind.FEATURE))].key
    history = History(document.annotations)
    history.do(SetLabel((key,), "mine", ME))
    write_graph(document.annotated(history.annotations), tmp_path / "edited.json")
    before = json.loads(path.read_bytes())
    after = json.loads((tmp_path / "edited.json").read_bytes())
    assert before["links"] == after["links"]
    changed = [(a, b) for a, b in zip(before["nodes"], after["nodes"], strict=True) if a != b]
    assert len(changed) == 1
    old, new = changed[0]
    assert new.pop("graphlabel")["label"]["text"] == new["clerp"] == "mine"
    assert {**old, "clerp": "mine"} == new


def test_people_s_supernodes_are_found(tmp_path: Path) -> None:
    if not REAL:
        pytest.skip("the real graphs are not on this machine")
    counts = {path.stem: read_graph(path).annotations.supernodes for path in REAL}
    assert len(counts["opposite_of_small"]) == 8
    assert len(counts["gemma-small-big-en"]) == 5
    members = sum(len(group.members) for group in counts["gemma-small-big-en"])
    assert members == 13


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_generated_files_come_back_as_they_were(tmp_path: Path, dialect: str, data: st.DataObject) -> None:  # fmt: skip
    graph = data.draw(graphs(dialect))
    path = tmp_path / "graph.json.gz"
    path.write_bytes(gzip.compress(json.dumps(graph).encode()))
    document = read_graph(path)
    assert document.dialect == {"no schema": "circuit-tracer"}.get(dialect, dialect)
    assert len(document.graph) == len(graph["nodes"])
    assert len({node.key for node in document.graph.nodes}) == len(graph["nodes"])
    write_graph(document, path)
    assert exact(gzip.decompress(path.read_bytes())) == exact(json.dumps(graph).encode())


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
@settings(max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_only_what_a_person_changed_differs(tmp_path: Path, dialect: str, data: st.DataObject) -> None:  # fmt: skip
    graph = data.draw(graphs(dialect))
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(graph))
    document = read_graph(path)
    keys = [node.key for node in document.graph.nodes]
    history = History(document.annotations)
    labelled, pinned, grouped = (data.draw(st.sampled_from(keys)) for _ in range(3))
    history.do(SetLabel((labelled,), "mine", ME))
    history.do(TogglePin((pinned,)))
    history.do(Group("a group of mine", (grouped,)))
    write_graph(document.annotated(history.annotations), path)
    again = read_graph(path)
    assert again.annotations.label_of(labelled) == history.annotations.label_of(labelled)
    assert set(again.annotations.pinned) == set(history.annotations.pinned)
    mine = again.annotations.supernode("a group of mine")
    assert mine
    assert mine.members == (grouped,)
    after = json.loads(path.read_text())
    assert after["links"] == graph["links"]
    after["metadata"].pop("graphlabel")
    assert after["metadata"] == graph["metadata"]
    changed = [old for old, new in zip(graph["nodes"], after["nodes"], strict=True) if old != new]
    assert len(changed) == 1
    kept = ("metadata", "nodes", "links", "qParams")
    assert {k: v for k, v in after.items() if k not in kept} == {
        k: v for k, v in graph.items() if k not in kept
    }
    before, q_params = graph["qParams"], after["qParams"]
    assert {k: v for k, v in q_params.items() if k not in ("pinnedIds", "supernodes")} == {
        k: v for k, v in before.items() if k not in ("pinnedIds", "supernodes")
    }
    assert [each for each in q_params["pinnedIds"] if each == "gone"] == [
        each for each in before["pinnedIds"] if each == "gone"
    ]
    names = document.residue.names
    assert names
    for row in before["supernodes"]:  # those that lost no member to the new group
        if not any(names.find(each) == grouped for each in row[1:]):
            assert row in q_params["supernodes"]


def test_annotations_survive_a_round_trip(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(small_file()))
    document = read_graph(path)
    feature = next(document.graph.places(NodeKind.FEATURE))
    key = document.graph.nodes[feature].key
    history = History(document.annotations)
    history.do(SetLabel((key,), "Dallas", ME, Scope.FEATURE))
    history.do(SetLabel((key,), "only here", ME))
    history.do(SetNote(key, "see layer 2"))
    history.do(SetReview((key,), Review.ACCEPTED))
    history.do(Group("Texas", (key,)))
    score = WindowScore(0.9, 0.8, 10, (0, 0), p=0.001, effect=0.7)
    routing = Routing(FeatureClass.INPUT, {"input": score, "output": None, "cross": None}, "alike")
    annotations = history.annotations.with_routings({key.feature_key: routing})
    write_graph(document.annotated(annotations), path)
    again = read_graph(path)
    assert again.annotations == annotations
    raw = json.loads(path.read_text())
    assert raw["qParams"]["supernodes"] == [["Texas", "0_1_1"]]
    assert raw["qParams"]["pinnedIds"] == ["0_1_1"]
    assert raw["nodes"][0]["graphlabel"]["tier"] == 1


@pytest.mark.parametrize(
    ("clerp", "text"),
    [
        ('Output " ice" (p=0.130)', " ice"),
        ('output: "large" (p=0.602)', "large"),
        ('Logit "a "b" c" (p=0.1)', 'a "b" c'),
        ('[Output "big" or "large"] Output "large" (p=0.420)', "large"),
        ("", ""),
        ("plain", "plain"),
    ],
)
def test_a_logit_s_token_is_read_from_its_clerp(clerp: str, text: str, tmp_path: Path) -> None:
    raw = small_file()
    raw["nodes"][4]["clerp"] = clerp
    (tmp_path / "g.json").write_text(json.dumps(raw))
    assert read_graph(tmp_path / "g.json").graph.nodes[4].text == text


def test_an_error_and_a_feature_with_one_id_are_both_kept(tmp_path: Path) -> None:
    """circuit-tracer calls the error of layer 1 and feature 1 of layer 0 the same."""
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(small_file()))
    graph = read_graph(path).graph
    edges = list(zip(graph.edges.source.tolist(), graph.edges.target.tolist(), strict=True))
    assert edges == [(3, 0), (0, 4), (1, 4)]
    ids = new_node_ids(graph.nodes, graph.n_layers)
    assert ids[:2] == ("0_1_1", "error_1_1")
    assert len(set(ids)) == len(ids)


def test_a_label_on_a_logit_keeps_what_frontends_split_on(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(small_file()))
    document = read_graph(path)
    key = document.graph.nodes[4].key
    history = History(document.annotations)
    history.do(SetLabel((key,), "the answer", ME))
    write_graph(document.annotated(history.annotations), path)
    clerp = json.loads(path.read_text())["nodes"][4]["clerp"]
    assert clerp == '[the answer] Output "Austin" (p=0.900)'


def small_file() -> dict[str, Any]:
    def node(node_id: str, kind: str, layer: str, feature: int, position: int, **rest: object) -> dict[str, Any]:  # fmt: skip
        return {"node_id": node_id, "feature_type": kind, "layer": layer, "feature": feature,
                "ctx_idx": position, "jsNodeId": "x", "clerp": "", **rest}  # fmt: skip

    return {
        "metadata": {"slug": "s", "scan": "m", "prompt": "p", "prompt_tokens": ["a", "b"]},
        "qParams": {},
        "nodes": [
            node("0_1_1", "cross layer transcoder", "0", cantor(0, 1), 1),
            node("0_1_1", "mlp reconstruction error", "1", -1, 1),
            node("E_5_0", "embedding", "E", 0, 0),
            node("E_6_1", "embedding", "E", 1, 1),
            node("3_9_1", "logit", "3", 9, 1, token_prob=0.9, clerp='Output "Austin" (p=0.900)'),
        ],
        "links": [
            {"source": "E_6_1", "target": "0_1_1", "weight": 1.0},
            {"source": "0_1_1", "target": "3_9_1", "weight": 2.0},
            {"source": "0_1_1", "target": "3_9_1", "weight": -1.0},
        ],
    }


@given(st.integers(0, 10**6), st.integers(0, 10**6))
def test_cantor_pairs_come_apart(layer: int, feature: int) -> None:
    assert cantor_inverse(cantor(layer, feature)) == (layer, feature)


def test_cantor_is_circuit_tracers() -> None:
    assert cantor(0, 19204) == 184425614


BAD = {
    "missing": (None, "does not exist"),
    "not json": (b"\x00\x01", "not JSON"),
    "list": (b"[]", "no JSON object"),
    "no nodes": (b"{}", "nodes"),
    "nan": (b'{"nodes": [], "links": [NaN]}', "not JSON"),
    "node": (b'{"nodes": [7], "links": []}', "node 0 is no object"),
    "no id": (b'{"nodes": [{"feature_type": "logit", "layer": "1", "ctx_idx": 0}], "links": []}', "node_id"),
    "layer": (b'{"nodes": [{"node_id": "a", "feature_type": "logit", "layer": "x", "ctx_idx": 0}], "links": []}', "layer"),
    "link": (b'{"nodes": [], "links": [{"source": 1}]}', "link 0"),
    "deep": (b"[" * 100_000, "not JSON"),
    "cut short": (b'{"nodes": [], "li', "ends in the middle.*fetch or copy it again"),
    "text": (b"# Read me", r"not JSON .*; give a graph file \(\.json"),
    "gzip": (b"\x1f\x8b rubbish", "gzip.*copy it again"),
    "huge": (b'{"nodes": [{"node_id": "a", "feature_type": "logit", "layer": "1", "ctx_idx": 1e400}], "links": []}', "ctx_idx|JSON"),
    "newer": (b'{"metadata": {"graphlabel": {"version": 99}}, "nodes": [], "links": []}', "newer"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_what_is_no_graph_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    content, message = BAD[name]
    path = tmp_path / "bad.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(GraphFileError, match=message) as caught:
        read_graph(path)
    assert "\n" not in str(caught.value)


def test_a_failed_write_leaves_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "graph.json"
    path.write_text(json.dumps(small_file()))
    document = read_graph(path)
    blocked = path / "inside.json"
    with pytest.raises(GraphFileError, match="cannot write"):
        write_graph(document, blocked)
    assert json.loads(path.read_text()) == small_file()
    assert sorted(item.name for item in tmp_path.iterdir() if item.suffix == ".json") == [
        "graph.json"
    ]


def test_new_ids_follow_circuit_tracer() -> None:
    nodes = [
        Node(NodeKey(NodeKind.FEATURE, 2, 5, 3)),
        Node(NodeKey(NodeKind.ERROR, 1, -1, 3)),
        Node(NodeKey(NodeKind.TOKEN, -1, 17, 0)),
        Node(NodeKey(NodeKind.LOGIT, 4, 99, 3)),
    ]
    assert new_node_ids(nodes, 4) == ("2_5_3", "0_1_3", "E_17_0", "5_99_3")
