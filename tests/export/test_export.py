"""Exports: what other tools need is there, and hostile text stays inert."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import networkx as nx
import pytest

from graphlabel.annotation import (  # fmt: skip
    FeatureClass,
    Group,
    History,
    Origin,
    Provenance,
    Routing,
    SetLabel,
    WindowScore,
)
from graphlabel.errors import ExportError
from graphlabel.export import FORMATS, export_graph
from graphlabel.files import GraphDocument, new_document, read_graph
from graphlabel.graph import AttributionGraph, Edges, GraphSource, Node, NodeKey, NodeKind

ME = Provenance(Origin.PERSON, "ada", time="2026-01-01T00:00:00Z")


def document(label: str = "Dallas") -> GraphDocument:
    nodes = (
        Node(NodeKey(NodeKind.FEATURE, 0, 1, 1), " Dallas", 2.5, 0.4),
        Node(NodeKey(NodeKind.ERROR, 1, -1, 1), " Dallas", None, 0.7),
        Node(NodeKey(NodeKind.TOKEN, -1, 6, 1), " Dallas", None, 0.2),
        Node(NodeKey(NodeKind.LOGIT, 2, 9, 1), " Austin", probability=0.9),
    )
    edges = Edges.of([2, 0, 1], [0, 3, 3], [1.5, 2.0, -0.5])
    graph = AttributionGraph("in Dallas", ("<bos>", " Dallas"), nodes, edges, 2, GraphSource("atlas", "r", "set"), (1, 6))  # fmt: skip
    made = new_document(graph, "dallas")
    history = History(made.annotations)
    history.do(SetLabel((nodes[0].key,), label, ME))
    history.do(Group("the city", (nodes[0].key,)))
    score = WindowScore(0.9, 0.8, 10, p=0.001, effect=0.7)
    routing = Routing(FeatureClass.INPUT, {"input": score, "output": None, "cross": None}, "alike")
    annotations = history.annotations.with_routings({nodes[0].key.feature_key: routing})
    return made.annotated(annotations)


@pytest.mark.parametrize("to", ["same", "neuronpedia", "circuit-tracer"])
def test_graph_json_has_what_frontends_need(to: str, tmp_path: Path) -> None:
    export_graph(document(), to, tmp_path / "g.json")
    raw = json.loads((tmp_path / "g.json").read_text())
    assert {"slug", "scan", "prompt", "prompt_tokens", "schema_version"} <= raw["metadata"].keys()
    needed = {"node_id", "feature", "layer", "ctx_idx", "feature_type", "jsNodeId", "clerp"}
    assert all(needed <= node.keys() for node in raw["nodes"])
    assert [node["node_id"] for node in raw["nodes"]] == ["0_1_1", "error_1_1", "E_6_1", "3_9_1"]
    assert raw["nodes"][0]["clerp"] == "Dallas"
    assert raw["nodes"][0]["feature"] == 2
    assert raw["nodes"][3]["clerp"] == 'Output " Austin" (p=0.900)'
    assert raw["qParams"]["supernodes"] == [["the city", "0_1_1"]]
    assert read_graph(tmp_path / "g.json").annotations == document().annotations


def test_tables_hold_tiers_scores_and_provenance(tmp_path: Path) -> None:
    export_graph(document("=cmd()|' /C calc'!A0"), "csv", tmp_path / "g.csv")
    with (tmp_path / "g.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 4
    assert rows[0]["label"].startswith("'=cmd()")
    assert (rows[0]["class"], rows[0]["tier"], rows[0]["s_input"]) == ("input", "1", "0.9")
    assert (rows[0]["label_author"], rows[0]["supernode"]) == ("ada", "the city")
    export_graph(document(), "jsonl", tmp_path / "g.jsonl")
    lines = [json.loads(line) for line in (tmp_path / "g.jsonl").read_text().splitlines()]
    assert lines[0]["label"] == "Dallas"
    assert lines[3]["probability"] == 0.9


def test_graphml_opens_in_networkx(tmp_path: Path) -> None:
    export_graph(document(), "graphml", tmp_path / "g.graphml")
    graph = nx.read_graphml(tmp_path / "g.graphml")
    assert graph.nodes["0_1_1"]["label"] == "Dallas"
    assert graph.edges["error_1_1", "3_9_1"]["weight"] == -0.5


def test_unknown_formats_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="neuronpedia"):
        export_graph(document(), "pdf", tmp_path / "g")
    (tmp_path / "file").write_text("")
    for to in FORMATS:
        with pytest.raises(ExportError, match="cannot write"):
            export_graph(document(), to, tmp_path / "file" / "g")
