"""labels import, export and agreement as a person runs them."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from graphlabel.annotation import Origin
from graphlabel.files import read_graph
from graphlabel.store import LabelFilter, LabelState, Store, StoredLabel, store_place
from tests.cli.test_commands import run
from tests.cli.test_graph_commands import HOSTILE, graph, one_line, written

ADA = "layer,feature,label,class\n1,5,cities,input\n2,5,say a capital,output\n2,6,law,cross\n2,7,,obscure\n"
BOB = (
    "layer,feature,label,class\n1,5,towns,input\n2,5,capitals,input\n2,6,law,cross\n2,7,,obscure\n"
)
SET = ["--model", "m", "--set", "s"]


def facts(*arguments: str | Path, status: int = 0) -> dict[str, Any]:
    done = run("labels", *arguments, "--json")
    assert done.returncode == status, done.stderr
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def shown(**wanted: Any) -> list[StoredLabel]:
    store = Store(store_place())
    try:
        return list(store.labels(LabelFilter(**wanted)))
    finally:
        store.close()


def table(path: Path, text: str) -> Path:
    path.write_text(text)
    return path


def test_import_counts_and_is_repeatable(tmp_path: Path) -> None:
    path = table(
        tmp_path / "ada.csv", ADA + "x,1,bad,\n9,9,,\n3,3,odd,nonsense\n" + f"4,4,{'y' * 300},\n"
    )
    found = facts("import", path, *SET, "--author", "ada")
    assert (found["added"], found["known"], found["cut"]) == (5, 0, 1)
    assert found["refused"] == {
        "its layer is no whole number of ordinary size": 1, "it has no label": 1,
        "its class is none of input, output, cross, obscure": 1,
    }  # fmt: skip
    assert found["examples"]["it has no label"] == ["ada.csv:7"]
    again = facts("import", path, *SET, "--author", "ada")
    assert (again["added"], again["known"]) == (0, 5)
    said = run("labels", "import", path, *SET, "--author", "ada")
    assert "0 labels added (1 CSV)" in said.stdout
    assert "1 left out: it has no label (ada.csv:7)" in said.stderr


@pytest.mark.parametrize("origin", ["machine", "file"])
def test_a_person_s_label_stays_the_one_shown(tmp_path: Path, origin: str) -> None:
    facts("import", table(tmp_path / "ada.csv", ADA), *SET, "--author", "ada")
    found = facts("import", table(tmp_path / "other.csv", BOB), *SET, "--origin", origin)
    assert found["outranked"] == 3
    assert {each.label.provenance.origin for each in shown() if each.label.text} == {Origin.PERSON}
    past = [each.label.text for each in shown(state=LabelState.PAST) if each.label.text]
    assert sorted(past) == ["capitals", "law", "towns"]


def test_rows_without_a_set_say_how_to_name_it(tmp_path: Path) -> None:
    path = table(tmp_path / "ada.csv", ADA)
    done = run("labels", "import", path)
    assert (done.returncode, "0 labels added" in done.stdout) == (1, True)
    assert "--model and --set" in done.stderr
    one_line(run("labels", "import", path, "--set", "s"), "--model")
    one_line(run("labels", "import", path, "--model", "m"), "--set")
    one_line(run("labels", "import", path, "--origin", "robot"), "person, machine, file")
    one_line(run("labels", "import", tmp_path / "gone.csv"), "cannot be read")


def test_a_file_that_cannot_be_read_costs_no_other(tmp_path: Path) -> None:
    bad = table(tmp_path / "bad.csv", "what\n")
    found = facts("import", bad, table(tmp_path / "ada.csv", ADA), *SET, status=1)
    assert (found["added"], found["unread"]) == (4, [str(bad)])


def test_labels_of_a_graph_reach_another_of_its_set(tmp_path: Path) -> None:
    raw = graph(transcoder_list=["set"])
    left = written(tmp_path / "a.json", raw)
    assert facts("import", left)["added"] == 1
    for each in raw["nodes"]:
        each["clerp"] = ""
    right = written(tmp_path / "b.json", {**raw, "links": []})
    out = tmp_path / "out.json"
    assert facts("export", "--to", "graph", "--graph", right, "-o", out)["labels"] == 1
    labels = read_graph(out).annotations.labels
    assert [label.text for label in labels.values()] == ["state"]
    assert json.loads(out.read_bytes())["nodes"][0]["clerp"] == "state"


@pytest.mark.parametrize(("to", "name"), [("csv", "l.csv"), ("csv", "l.csv.gz"), ("jsonl", "l.jsonl"), ("neuronpedia", "np")])  # fmt: skip
def test_what_is_exported_can_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, to: str, name: str) -> None:  # fmt: skip
    rows = "\n".join(ADA.splitlines()[:4])
    facts("import", table(tmp_path / "ada.csv", rows), *SET, "--author", "ada")
    before = {(e.target, e.label, e.transcoder_set) for e in shown()}
    assert facts("export", "--to", to, "-o", tmp_path / name)["labels"] == 3
    monkeypatch.setenv("GRAPHLABEL_STORE", str(tmp_path / "other.db"))
    assert facts("import", tmp_path / name)["added"] == 3
    assert {(e.target, e.label, e.transcoder_set) for e in shown()} == before


def test_export_chooses(tmp_path: Path) -> None:
    facts("import", table(tmp_path / "ada.csv", ADA), *SET, "--author", "ada")
    facts(
        "import",
        table(tmp_path / "bob.csv", BOB),
        "--model",
        "m",
        "--set",
        "other",
        "--origin",
        "machine",
    )

    def rows(*options: str) -> list[dict[str, str]]:
        done = run_bytes("labels", "export", "-o", "-", *options)
        return list(csv.DictReader(io.StringIO(done)))

    assert len(rows()) == 8
    assert len(rows("--current")) == 6  # a class alone is no label to be shown
    assert {row["transcoders"] for row in rows("--set", "s")} == {"s"}
    assert {row["author"] for row in rows("--author", "ada")} == {"ada"}
    assert {row["origin"] for row in rows("--origin", "machine")} == {"machine"}


def run_bytes(*arguments: str) -> str:
    """The output of a command that writes bytes."""
    import subprocess
    import sys

    command = [sys.executable, "-m", "graphlabel", *arguments]
    return subprocess.run(command, capture_output=True, check=True).stdout.decode()


def test_exports_that_make_no_sense_are_refused(tmp_path: Path) -> None:
    (tmp_path / "np").mkdir()
    (tmp_path / "np" / "precious").touch()
    for options, message in (
        (["--to", "xml", "-o", "x"], "choose one of"),
        (["--to", "graph", "-o", "x"], "--graph"),
        (["--to", "neuronpedia", "-o", tmp_path / "np"], "new folder"),
        (["--to", "neuronpedia", "-o", "-"], "standard output"),
        (["--to", "neuronpedia", "--history", "-o", "x"], "--history"),
        (["--current", "--history", "-o", "x"], "--current"),
        (["--origin", "robot", "-o", "x"], "person, machine, file"),
    ):
        one_line(run("labels", "export", *options, cwd=tmp_path), message)
    assert [each.name for each in tmp_path.iterdir()] == ["np"]


def test_agreement_of_files_and_of_the_store(tmp_path: Path) -> None:
    ada, bob = table(tmp_path / "ada.csv", ADA), table(tmp_path / "bob.csv", BOB)
    files = facts("agreement", ada, bob)
    (pair,) = files["pairs"]
    assert pair["annotators"] == ["ada.csv", "bob.csv"]
    assert (pair["features_with_classes"], pair["same_class"]) == (4, 0.75)
    # by chance (2/4 · 1/4 + 0 · 1/4 + 1/4 · 1/4 + 1/4 · 1/4) = 1/4: (3/4 − 1/4) / (3/4)
    assert pair["cohen_kappa"]["value"] == pytest.approx(2 / 3, abs=1e-12)
    assert 0.5 < pair["label_cosine"]["value"] < 1
    assert pair["label_cosine_chance"] < pair["label_cosine"]["value"]
    assert files["fleiss_kappa"] is None
    for path in (ada, bob):
        facts("import", path, *SET, "--author", path.stem)
    stored = facts("agreement", "--classes-only")
    assert stored["pairs"][0]["annotators"] == ["ada", "bob"]
    assert stored["pairs"][0]["cohen_kappa"] == pair["cohen_kappa"]
    assert stored["differences"] == ["m ▸ s L2 #5"]
    assert (
        facts("agreement", "--classes-only", "--annotator", "ada", "--annotator", "bob") == stored
    )
    one_line(run("labels", "agreement", "--annotator", "zoe"), "zoe")
    one_line(run("labels", "agreement", "--annotator", "ada"), "two annotators")
    said = run("labels", "agreement", "--classes-only")
    assert "ada × bob" in said.stdout
    assert "0.67" in said.stdout


def test_three_annotators_have_fleiss_kappa(tmp_path: Path) -> None:
    files = [
        table(tmp_path / f"{name}.csv", text) for name, text in (("a", ADA), ("b", BOB), ("c", ADA))
    ]
    found = facts("agreement", *files, "--classes-only")
    assert found["features_with_all_classes"] == 4
    # within features (1 + 1/3 + 1 + 1) / 4; of 12 votes 4 input, 2 output, 3 cross, 3 obscure
    chance = (4**2 + 2**2 + 3**2 + 3**2) / 144
    assert found["fleiss_kappa"]["value"] == pytest.approx(
        (10 / 12 - chance) / (1 - chance), abs=1e-12
    )
    assert "Fleiss' κ" in run("labels", "agreement", *files, "--classes-only").stdout


def test_hostile_text_is_inert(tmp_path: Path) -> None:
    path = table(tmp_path / "h.csv", ADA.replace("cities", HOSTILE.replace("\n", "")))
    done = [
        run("labels", "import", path, *SET, "--author", HOSTILE),
        run("labels", "import", table(tmp_path / "b.csv", BOB), *SET, "--author", "bob"),
        run("labels", "agreement", "--classes-only"),
        run("labels", "agreement", "--annotator", HOSTILE),
    ]
    for each in done:
        for char in "\x1b\x9b\u202e\u2066\U000e0041":
            assert char not in each.stdout + each.stderr
