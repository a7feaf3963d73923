"""``graphlabel suggest``."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.annotation import Origin, Provenance, SetLabel
from graphlabel.files import new_document, read_graph, write_graph
from tests.cli.test_commands import run
from tests.cli.test_commands import traced as traced  # the fixture
from tests.grouping.test_language_model import by_position
from tests.grouping.worlds import planted
from tests.llm.conftest import CLAUDE
from tests.llm.conftest import service as service  # the fixture
from tests.llm.server import Service


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
    assert f"suggested {len(groups)} supernodes with " in done.stderr
    assert f"wrote {out} with {len(groups)} more supernodes\n" in done.stderr
    assert "driven by the same" in done.stdout
    again = run("suggest", out, "-o", out)
    assert again.returncode == 0
    assert f"with 0 more supernodes; left out {len(groups)}: fewer than two" in again.stderr
    assert read_graph(out).annotations.supernodes == groups


def test_members_are_shown_by_label(graph: Path) -> None:
    document = read_graph(graph)
    found = json.loads(run("suggest", graph, "--json").stdout)["supernodes"]
    first, second = found[0]["members"][:2]
    key = next(key for key, node in document.id_of_key.items() if node == first)
    edit = SetLabel((key,), "a \x1b[31mplace", Provenance(Origin.PERSON, "ada"))
    write_graph(
        document.annotated(edit.patch(document.annotations).apply(document.annotations)), graph
    )
    said = run("suggest", graph).stdout
    assert "place” " + first in said
    assert "\x1b" not in said
    assert second in said


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


def test_a_language_model_groups_through_its_real_client(graph: Path, service: Service) -> None:
    service.says = lambda prompt: by_position(json.loads(prompt)["nodes"])
    done = run("suggest", graph, "--by", CLAUDE, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["supernodes"]
    assert [each["name"] for each in found] == [f"role {position}" for position in range(5)]
    assert "$" in done.stderr
    assert len(service.asked) == 1
    again = run("suggest", graph, "--by", CLAUDE, "--json")
    assert again.stdout == done.stdout
    assert len(service.asked) == 1  # the answer was kept


def test_a_dry_run_sends_nothing_and_bad_answers_are_one_line(
    graph: Path, service: Service
) -> None:
    done = run("suggest", graph, "--by", CLAUDE, "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "dry run: 1 calls" in done.stderr
    assert not service.asked
    service.says = lambda _: "I would rather not."
    done = run("suggest", graph, "--by", CLAUDE)
    assert done.returncode == 2
    assert "gave no list of groups" in done.stderr
