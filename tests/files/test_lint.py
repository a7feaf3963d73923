"""Every problem is found; repairs are listed, lose nothing and leave a clean file."""

from __future__ import annotations

import json
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from graphlabel.errors import GraphFileError
from graphlabel.files import read_graph
from graphlabel.files.lint import Linted, lint_graph
from graphlabel.files.node_ids import cantor
from graphlabel.graph import NodeKind
from tests.conftest import real_graphs
from tests.files.strategies import DIALECTS, graphs, node

CT = "circuit-tracer"


def clean() -> dict[str, Any]:
    """A graph with nothing wrong."""
    logit = {**node(CT, "logit", 4, 7, 2), "token_prob": 0.9, "clerp": 'Output "x" (p=0.900)'}
    nodes = [
        node(CT, "feature", 0, 1, 1), node(CT, "feature", 1, 5, 1), node(CT, "error", 2, 0, 1),
        node(CT, "token", 0, 1, 1), logit,
    ]  # fmt: skip
    ids = [each["node_id"] for each in nodes]
    links = [{"source": ids[i], "target": ids[j], "weight": 1.5} for i, j in ((3, 0), (0, 1), (1, 4), (2, 4))]  # fmt: skip
    metadata = {"slug": "s", "scan": "m", "prompt": "p", "prompt_tokens": ["a", "b", "c"], "schema_version": 1}  # fmt: skip
    q_params = {"pinnedIds": [ids[0]], "supernodes": [["one", ids[0]], ["two", ids[1], "1_5-0"]]}
    return {"metadata": metadata, "qParams": q_params, "nodes": nodes, "links": links}


def linted(raw: dict[str, Any] | bytes, folder: Path, *, fix: bool = False) -> Linted:
    path = folder / "g.json"
    path.write_bytes(raw if isinstance(raw, bytes) else json.dumps(raw).encode())
    return lint_graph(path, fix=fix)


def put(*path: Any, value: Any) -> Any:
    """A mutation: a value at a place."""

    def change(raw: dict[str, Any]) -> None:
        here: Any = raw
        for step in path[:-1]:
            here = here[step]
        here[path[-1]] = value

    return change


def add(*path: Any, value: Any) -> Any:
    """A mutation: a value at the end of a list."""

    def change(raw: dict[str, Any]) -> None:
        here: Any = raw
        for step in path:
            here = here[step]
        here.append(value)

    return change


LINK = {"source": "0_1_1", "target": "1_5_1", "weight": 1.0}
MENDED = {
    "dangling-link": add("links", value={**LINK, "source": "nowhere"}),
    "weight-not-a-number": add("links", value={**LINK, "source": "E_101_1", "weight": float("nan")}),
    "strict-json": put("nodes", 0, "activation", value=float("inf")),
    "not-a-number": put("nodes", 0, "influence", value=float("nan")),
    "unresolved-pin": add("qParams", "pinnedIds", value="gone"),
    "unresolved-member": add("qParams", "supernodes", 0, value="gone"),
    "supernode-label": put("qParams", "supernodes", 1, 0, value="one"),
    "logit-label": put("nodes", 4, "clerp", value="Austin"),
    "label-characters": put("nodes", 0, "clerp", value="a\x1b[31mb\u202ec"),
    "node-field": put("nodes", 0, "clerp", value=None),
    "repeated-node": lambda raw: raw["nodes"].append(deepcopy(raw["nodes"][0])),
    "clerps-form": put("qParams", "clerps", value=[[f"1_{cantor(1, 5)}_1", "label"]]),
}  # fmt: skip
HOPELESS = {
    "metadata-field": put("metadata", "prompt_tokens", value="abc"),
    "node-field": put("nodes", 0, "layer", value=None),
    "position": put("nodes", 0, "ctx_idx", value=9),
    "feature-number": put("nodes", 1, "feature", value=3),
    "backward-link": add("links", value={**LINK, "source": "1_5_1", "target": "0_1_1"}),
    "repeated-link": add("links", value=LINK),
    "logit-label": lambda raw: raw["nodes"][4].update(clerp="x", token_prob=None),
    "label-length": put("nodes", 0, "clerp", value="x" * 20_000),
    "label-type": put("nodes", 0, "clerp", value=7),
    "pins-form": put("qParams", "pinnedIds", value="0_1_1"),
    "supernode-form": put("qParams", "supernodes", value=[["a", 7], "b"]),
    "clerps-form": put("qParams", "clerps", value=[["9_9_9", "label"]]),
    "no-layers": lambda raw: raw.update(nodes=raw["nodes"][3:], links=[], qParams={}),
    "id-collision": add("nodes", value={**node(CT, "feature", 1, 5, 2), "node_id": "1_5_1"}),
}  # fmt: skip


def test_a_clean_graph_has_no_problems(tmp_path: Path) -> None:
    assert not linted(clean(), tmp_path).problems


@pytest.mark.parametrize("path", real_graphs(), ids=lambda path: path.stem)
def test_real_graphs_are_clean(path: Path) -> None:
    assert not lint_graph(path).problems


@pytest.mark.parametrize("code", MENDED)
def test_what_can_be_mended_is(code: str, tmp_path: Path) -> None:
    raw = clean()
    MENDED[code](raw)
    found = linted(raw, tmp_path)
    assert code in [problem.code for problem in found.problems]
    assert not found.data
    mended = linted(raw, tmp_path, fix=True)
    assert code in [problem.code for problem in mended.fixed]
    assert not mended.problems
    (tmp_path / "mended.json").write_bytes(mended.data)
    assert not lint_graph(tmp_path / "mended.json").problems
    assert len(read_graph(tmp_path / "mended.json").graph) == 5


@pytest.mark.parametrize("code", HOPELESS)
def test_what_only_a_person_can_decide_stays(code: str, tmp_path: Path) -> None:
    raw = clean()
    HOPELESS[code](raw)
    mended = linted(raw, tmp_path, fix=True)
    assert code in [problem.code for problem in mended.problems]
    assert not mended.data or json.loads(mended.data)


def collided() -> dict[str, Any]:
    """An error of layer 1 with the id of feature 1 of layer 0; both send to the logit."""
    raw = clean()
    raw["nodes"].insert(2, node(CT, "error", 1, 0, 1))
    assert raw["nodes"][0]["node_id"] == raw["nodes"][2]["node_id"] == "0_1_1"
    to_logit = {"source": "0_1_1", "target": "4_7_2"}
    raw["links"] += [{**to_logit, "weight": 2.0}, {**to_logit, "weight": -3.0}]
    return raw


def test_an_error_gets_an_id_of_its_own_and_its_links(tmp_path: Path) -> None:
    before = linted(collided(), tmp_path)
    assert [problem.code for problem in before.problems] == ["id-collision"]
    mended = linted(collided(), tmp_path, fix=True)
    assert not mended.problems
    raw = json.loads(mended.data)
    assert raw["nodes"][2]["node_id"] == "error_1_1"
    sent = {(link["source"], link["target"]): link["weight"] for link in raw["links"]}
    assert sent["0_1_1", "4_7_2"] == 2.0
    assert sent["error_1_1", "4_7_2"] == -3.0
    assert sent["0_1_1", "1_5_1"] == 1.5  # the error does not stand below layer 1
    original = read_graph(tmp_path / "g.json").graph
    (tmp_path / "mended.json").write_bytes(mended.data)
    graph = read_graph(tmp_path / "mended.json").graph
    assert [each.key for each in graph.nodes] == [each.key for each in original.nodes]
    assert graph.edges.source.tolist() == original.edges.source.tolist()


def test_a_link_of_either_node_is_left_to_a_person(tmp_path: Path) -> None:
    raw = collided()
    raw["links"].pop()
    mended = linted(raw, tmp_path, fix=True)
    assert [problem.code for problem in mended.problems] == ["id-collision"]
    assert not mended.data


@pytest.mark.parametrize(
    "data", [b"", b"[]", b"{}", b'{"nodes": [], "links": 7}', b'{"nodes": [1], "links": []}',
             b"[" * 100_000, b'{"nodes": [], "links": [], "metadata": 1}', b"\xff\xfe",
             b'{"nodes": [], "links": [], "x": ' + b"1" * 5000 + b"}", b"PK\x03\x04"],
)  # fmt: skip
def test_what_is_no_graph_is_refused(data: bytes, tmp_path: Path) -> None:
    with pytest.raises(GraphFileError) as caught:
        linted(data, tmp_path, fix=True)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("dialect", DIALECTS)
@given(data=st.data())
@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
def test_repairs_keep_every_node_and_resolved_link(
    tmp_path: Path, dialect: str, data: st.DataObject
) -> None:
    raw = data.draw(graphs(dialect))
    before_path, after_path = tmp_path / "g.json", tmp_path / "mended.json"
    mended = linted(raw, tmp_path, fix=True)
    assert all(problem.fix is None for problem in mended.problems)
    if not mended.data:
        return
    after_path.write_bytes(mended.data)
    before, after = read_graph(before_path).graph, read_graph(after_path).graph
    assert [each.key for each in after.nodes] == [each.key for each in before.nodes]
    assert sorted(after.edges.weight.tolist()) == sorted(before.edges.weight.tolist())
    assert after.count(NodeKind.ERROR) == before.count(NodeKind.ERROR)
