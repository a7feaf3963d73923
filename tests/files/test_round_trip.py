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
    WindowScore,
)
from graphlabel.errors import GraphFileError
from graphlabel.files import read_graph, write_graph
from graphlabel.files.node_ids import cantor, cantor_inverse, new_node_ids
from graphlabel.graph import Node, NodeKey, NodeKind, graph_key

REAL = sorted((Path(__file__).resolve().parents[3] / "shared/data/graphs").glob("*/*.json"))
ME = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z")


def same(left: dict[str, Any], right: dict[str, Any]) -> bool:
    """Equal, our own metadata aside."""
    right = {**right, "metadata": {**right["metadata"]}}
    right["metadata"].pop("graphlabel", None)
    return left == right


@pytest.mark.skipif(not REAL, reason="the real graphs are not on this machine")
@pytest.mark.parametrize("path", REAL, ids=lambda path: path.stem)
def test_real_files_come_back_as_they_were(path: Path, tmp_path: Path) -> None:
    document = read_graph(path)
    write_graph(document, tmp_path / "again.json")
    assert same(json.loads(path.read_bytes()), json.loads((tmp_path / "again.json").read_bytes()))
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


plain = st.text(st.characters(exclude_categories=["Cs"]), max_size=8)
extra = st.dictionaries(
    st.text("abcdef", min_size=6, max_size=8), st.integers() | plain, max_size=2
)


@st.composite
def graphs(draw: st.DrawFn) -> dict[str, Any]:
    """Small circuit-tracer-like graphs with unknown fields, duplicate ids and dangling links."""
    n_positions = draw(st.integers(2, 4))
    chosen = draw(st.sets(st.tuples(st.integers(0, 2), st.integers(0, 4), st.integers(1, n_positions - 1)), max_size=8))  # fmt: skip
    nodes: list[dict[str, Any]] = []

    def add(node_id: str, kind: str, layer: str, feature: int, position: int) -> None:
        nodes.append({
            "node_id": node_id, "feature": feature, "layer": layer, "ctx_idx": position,
            "feature_type": kind, "jsNodeId": f"{node_id}-0", "clerp": draw(plain),
            "influence": draw(st.none() | st.floats(0, 1)), **draw(extra),
        })  # fmt: skip

    for layer, feature, position in sorted(chosen):
        add(f"{layer}_{feature}_{position}", "cross layer transcoder", str(layer), cantor(layer, feature), position)  # fmt: skip
    for layer in range(2):
        add(f"0_{layer}_1", "mlp reconstruction error", str(layer), -1, 1)
    for position in range(n_positions):
        add(f"E_{position}_{position}", "embedding", "E", position, position)
    add("4_7_1", "logit", "4", 7, 1)
    ids = [node["node_id"] for node in nodes]
    link = st.builds(
        lambda source, target, weight, rest: {"source": source, "target": target, "weight": weight, **rest},
        st.sampled_from([*ids, "nowhere"]), st.sampled_from(ids),
        st.floats(-5, 5, allow_nan=False), extra,
    )  # fmt: skip
    links = draw(st.lists(link, max_size=10))
    links.sort(key=lambda each: each["source"] == "nowhere")
    return {
        "metadata": {"slug": "s", "scan": "m", "prompt": "p", "prompt_tokens": ["a"] * n_positions, **draw(extra)},
        "qParams": {"pinnedIds": draw(st.lists(st.sampled_from([*ids, "gone"]), max_size=3)), "supernodes": [], "linkType": "both", "clickedId": "", "sg_pos": "", **draw(extra)},
        "nodes": nodes, "links": links, **draw(extra),
    }  # fmt: skip


@given(graphs())
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_generated_files_come_back_as_they_were(tmp_path: Path, graph: dict[str, Any]) -> None:
    path = tmp_path / "graph.json.gz"
    path.write_bytes(gzip.compress(json.dumps(graph).encode()))
    document = read_graph(path)
    assert len(document.graph) == len(graph["nodes"])
    assert len({node.key for node in document.graph.nodes}) == len(graph["nodes"])
    write_graph(document, path)
    assert same(graph, json.loads(gzip.decompress(path.read_bytes())))


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
    "node": (b'{"nodes": [7], "links": []}', "node 0"),
    "no id": (b'{"nodes": [{"feature_type": "logit", "layer": "1", "ctx_idx": 0}], "links": []}', "node_id"),
    "layer": (b'{"nodes": [{"node_id": "a", "feature_type": "logit", "layer": "x", "ctx_idx": 0}], "links": []}', "layer"),
    "link": (b'{"nodes": [], "links": [{"source": 1}]}', "link 0"),
    "deep": (b"[" * 100_000, "not JSON"),
    "gzip": (b"\x1f\x8b rubbish", "gzip"),
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
