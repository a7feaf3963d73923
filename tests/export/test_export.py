"""Exports: what other tools need is there, the bytes are known, hostile text stays inert."""

from __future__ import annotations

import csv
import functools
import gzip
import io
import json
import os
import re
import unicodedata
from pathlib import Path
from xml.etree import ElementTree

import networkx as nx
import pyarrow.parquet as pq
import pytest

from graphlabel._version import __version__
from graphlabel.errors import ExportError
from graphlabel.export import FORMATS, ExportOptions, export_graph, export_text
from graphlabel.files import read_graph
from graphlabel.inert import inert
from tests.conftest import real, real_graphs
from tests.export.documents import HOSTILE, Evidence, document

read_once = functools.cache(read_graph)
GOLDEN = Path(__file__).parent / "golden"
TEXT = [name for name, each in FORMATS.items() if each.is_text]


def exported(to: str, tmp_path: Path, options: ExportOptions | None = None, **texts: str) -> bytes:
    path = tmp_path / f"g{FORMATS[to].suffix}"
    export_graph(document(**texts), to, path, options)
    return path.read_bytes()


@pytest.mark.parametrize("to", TEXT)
def test_bytes_are_the_golden_ones(to: str, tmp_path: Path) -> None:
    """UPDATE_GOLDEN=1 writes them anew; the difference is to be read."""
    options = ExportOptions(features=Evidence()) if to == "html" else None
    data = exported(to, tmp_path, options).replace(__version__.encode(), b"VERSION")
    golden = GOLDEN / f"{to}{FORMATS[to].suffix}"
    if os.environ.get("UPDATE_GOLDEN"):
        golden.write_bytes(data)
    assert data.decode() == golden.read_bytes().decode()


@pytest.mark.parametrize("to", FORMATS)
def test_every_export_is_deterministic(to: str, tmp_path: Path) -> None:
    (tmp_path / "again").mkdir()
    assert exported(to, tmp_path) == exported(to, tmp_path / "again")


@pytest.mark.parametrize("to", TEXT)
def test_streams_and_gzip_hold_the_same_bytes(to: str, tmp_path: Path) -> None:
    plain = exported(to, tmp_path)
    assert b"".join(export_text(document(), to)) == plain
    export_graph(document(), to, tmp_path / "g.gz")
    assert gzip.decompress((tmp_path / "g.gz").read_bytes()) == plain


@pytest.mark.parametrize("to", ["same", "neuronpedia", "circuit-tracer"])
def test_graph_json_reads_back(to: str, tmp_path: Path) -> None:
    exported(to, tmp_path)
    again = read_graph(tmp_path / "g.json")
    assert again.annotations == document().annotations
    assert again.graph.edges.weight.tolist() == document().graph.edges.weight.tolist()


def test_tables_hold_tiers_scores_and_provenance(tmp_path: Path) -> None:
    rows = list(
        csv.DictReader(
            io.StringIO(exported("csv", tmp_path, label="=cmd()|' /C calc'!A0").decode())
        )
    )
    assert len(rows) == 6
    assert rows[0]["label"].startswith("'=cmd()")
    assert (rows[0]["class"], rows[0]["tier"], rows[0]["s_input"]) == ("input", "1", "0.9")
    assert (rows[0]["label_author"], rows[0]["supernode"], rows[0]["note"]) == (
        "ada",
        "the city",
        "a note",
    )
    lines = [json.loads(line) for line in exported("jsonl", tmp_path).splitlines()]
    assert lines[0]["label"] == "Dallas"
    assert lines[5]["probability"] == 0.9
    exported("parquet", tmp_path)
    table = pq.read_table(tmp_path / "g.parquet")
    assert table.to_pylist() == lines
    assert table.schema.metadata[b"prompt"] == b"in Dallas"


@pytest.mark.parametrize("start", [*"=+-@\t\r＝＋－＠", " =", "\n="])
def test_no_cell_starts_a_formula(start: str, tmp_path: Path) -> None:
    data = exported("csv", tmp_path, token=start + "1+1")
    for row in csv.DictReader(io.StringIO(data.decode(), newline="")):
        for name in ("token", "label", "supernode"):
            assert row[name].lstrip(" \n")[:1] not in tuple("=+-@\t\r＝＋－＠")


@pytest.mark.parametrize("to", ["csv", "jsonl"])
def test_tables_can_be_read_in_a_terminal(to: str, tmp_path: Path) -> None:
    hostile = "\x1b]0;x\x07\x9b2J\u202eevil\u2066\x7f\t.\n."
    text = exported(to, tmp_path, token=hostile).decode()
    assert not set("\x1b\x07\x9b\u202e\u2066\x7f") & set(text)
    if to == "jsonl":
        tokens = {json.loads(line)["token"] for line in text.splitlines()}
        assert any(hostile in token for token in tokens)
    else:
        assert "\t.\n." in text


def test_networks_open_in_networkx(tmp_path: Path) -> None:
    exported("graphml", tmp_path)
    graph = nx.read_graphml(tmp_path / "g.graphml")
    assert graph.nodes["0_1_1"]["label"] == "Dallas"
    assert graph.nodes["0_1_1"]["layer"] == 0
    assert graph.edges["1_7_1", "3_9_1"]["weight"] == -2.5
    exported("gexf", tmp_path)
    other = nx.read_gexf(tmp_path / "g.gexf", version="1.3")
    assert other.nodes["0_1_1"]["label"] == "Dallas"
    assert other.nodes["0_1_1"]["s_input"] == 0.9
    assert other.edges["1_7_1", "3_9_1"]["weight"] == -2.5
    assert (len(other), other.size()) == (len(graph), graph.size()) == (6, 7)


def test_two_nodes_of_one_id_stay_two(tmp_path: Path) -> None:
    made = document()
    shared = (made.node_ids[0], made.node_ids[0], *made.node_ids[2:])
    for to, reader in (("graphml", nx.read_graphml), ("gexf", nx.read_gexf)):
        from dataclasses import replace

        export_graph(replace(made, node_ids=shared), to, tmp_path / "g")
        assert len(reader(tmp_path / "g", **({"version": "1.3"} if to == "gexf" else {}))) == 6


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("to", ["html", "svg", "graphml", "gexf", "dot", "mermaid"])
def test_hostile_text_is_inert(to: str, text: str, tmp_path: Path) -> None:
    data = exported(
        to,
        tmp_path,
        ExportOptions(features=Evidence(text)),
        label=text,
        token=text,
        group=text + "x",
    )
    shown = data.decode()
    assert not [
        c for c in shown if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp") and c != "\n"
    ]
    if to != "dot":  # where it stands in a quoted string
        assert "<script>window" not in shown
        assert "<img" not in shown
    if to in ("svg", "graphml", "gexf"):
        ElementTree.fromstring(data)
    if to == "html":
        assert shown.count("</script>") == 2


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
@pytest.mark.parametrize("to", ["same", "neuronpedia", "circuit-tracer", "jsonl", "csv", "parquet"])
def test_hostile_text_is_data(to: str, text: str, tmp_path: Path) -> None:
    if "\ud800" in text and to in ("same", "neuronpedia", "circuit-tracer"):
        pytest.skip("JSON files hold no halves of pairs, so no graph has one")
    data = exported(to, tmp_path, label=text, token=text, group=text + "x")
    whole = text.encode("utf-8", "replace").decode()
    if to in ("same", "neuronpedia", "circuit-tracer"):
        assert json.loads(data)["metadata"]["prompt_tokens"][1] == text
    elif to == "jsonl":
        assert json.loads(data.splitlines()[0])["token"] == whole
    elif to == "csv":
        rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
        shown = "".join(char if char in "\n\t" else inert(char) for char in whole)
        assert rows[0]["token"] in (shown, "'" + shown)
    else:
        assert pq.read_table(tmp_path / "g.parquet")["token"][0].as_py() == whole


def test_dot_labels_are_single_strings(tmp_path: Path) -> None:
    for text in HOSTILE:
        for line in exported("dot", tmp_path, token=text, group=text + "x").decode().splitlines():
            bare = re.sub(r'"(?:[^"\\]|\\.)*"', "", line)
            assert '"' not in bare
            assert "script" not in bare


def test_mermaid_labels_hold_no_markup(tmp_path: Path) -> None:
    for text in HOSTILE:
        for line in (
            exported("mermaid", tmp_path, token=text, group=text + "x").decode().splitlines()
        ):
            for label in re.findall(r'\["(.*?)"\]', line):
                assert not set(label.replace("<br/>", "")) & set('"<>[]{}|()&`\\')


def test_long_labels_end_somewhere(tmp_path: Path) -> None:
    for to in ("svg", "mermaid", "html"):
        assert len(exported(to, tmp_path, token="x" * 1_000_000)) < 10_000_000


def test_unknown_formats_and_places_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="neuronpedia"):
        export_graph(document(), "pdf", tmp_path / "g")
    (tmp_path / "file").write_text("")
    for to in FORMATS:
        with pytest.raises(ExportError, match="cannot write"):
            export_graph(document(), to, tmp_path / "file" / "g")
    for to in ("png", "parquet"):
        with pytest.raises(ExportError, match="name a file"):
            export_text(document(), to)


@pytest.mark.parametrize("path", real_graphs()[::2], ids=lambda path: path.stem)
@pytest.mark.parametrize("to", FORMATS)
def test_real_graphs(to: str, path: Path, tmp_path: Path) -> None:
    export_graph(read_once(path), to, tmp_path / f"g{FORMATS[to].suffix}")
    data = (tmp_path / f"g{FORMATS[to].suffix}").read_bytes()
    assert len(data) > 1000
    if to in ("svg", "gexf", "graphml"):
        ElementTree.fromstring(data)


def test_people_s_supernodes_are_all_in_the_picture(tmp_path: Path) -> None:
    graph = read_graph(real("graphs/anthropic/opposite_of_small.json"))
    export_graph(graph, "svg", tmp_path / "g.svg")
    drawn = (tmp_path / "g.svg").read_text()
    for group in graph.annotations.supernodes:
        assert f"<title>{group.name} (".replace('"', '"') in drawn.replace("&quot;", '"')
