"""``graphlabel suggest``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.files import new_document, read_graph, write_graph
from tests.cli.test_commands import run
from tests.cli.test_commands import traced as traced  # the fixture
from tests.grouping.worlds import planted


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    path = tmp_path / "graph.json"
    write_graph(new_document(planted(0)[0], "planted"), path)
    return path


def test_suggestions_as_json_name_the_files_own_ids(graph: Path) -> None:
    done = run("suggest", graph, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    ids = set(read_graph(graph).node_ids)
    members = [member for each in found["supernodes"] for member in each["members"]]
    assert set(found) == {"supernodes"}
    assert all(set(each) == {"name", "members", "reason"} for each in found["supernodes"])
    assert set(members) <= ids
    assert len(members) == len(set(members))
    assert run("suggest", graph, "--json").stdout == done.stdout


def test_all_can_be_accepted(graph: Path, tmp_path: Path) -> None:
    out = tmp_path / "out.json"
    done = run("suggest", graph, "-o", out)
    assert done.returncode == 0, done.stderr
    groups = read_graph(out).annotations.supernodes
    assert len(groups) >= 5
    assert f"accept {len(groups)} suggested supernodes" in done.stderr
    assert "driven by the same" in done.stdout
    assert run("suggest", out, "-o", out).returncode == 0
    assert read_graph(out).annotations.supernodes == groups


def test_settings_change_what_is_suggested(graph: Path) -> None:
    pairs = json.loads(run("suggest", graph, "--most-members", "2", "--json").stdout)["supernodes"]
    assert all(len(each["members"]) == 2 for each in pairs)
    none = json.loads(
        run("suggest", graph, "--likeness", "1", "--influential", "0", "--json").stdout
    )["supernodes"]
    assert none == []


def test_a_traced_graph_with_evidence_labels_and_decoders(traced: Path) -> None:
    done = run(
        "suggest",
        traced,
        "--features",
        atlas.INDEX_FOLDER,
        "--transcoders",
        atlas.TRANSCODERS_FOLDER,
        "--json",
    )
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["supernodes"]
    assert found
    assert any("alike in meaning" in each["reason"] for each in found)


def test_a_file_that_is_no_graph_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    done = run("suggest", tmp_path / "x.json", "--json")
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
