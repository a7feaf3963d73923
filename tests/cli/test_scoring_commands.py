"""score and compare as a person runs them; language models are asked over HTTP, on this machine."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.annotation import Origin, trust_of
from graphlabel.files import read_graph
from tests.cli.test_commands import Done, run
from tests.conftest import real
from tests.llm.conftest import service as service  # the fixture
from tests.llm.server import KEY, Service
from tests.scoring.made_scoring import listed_texts

pytestmark = pytest.mark.slow

MODEL = ("--model", atlas.MODEL_FOLDER, "--transcoders", atlas.TRANSCODERS_FOLDER)
INDEX = ("--features", atlas.INDEX_FOLDER)
CLAUDE = "anthropic:claude-haiku-5-5"


@pytest.fixture(scope="module")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("graph") / "houston.json"
    prompt = "Fact: the capital of the state containing Houston is"
    assert run("trace", prompt, *MODEL, "-o", path).returncode == 0
    assert run("route", path, *INDEX, "-o", path).returncode == 0
    assert run("label", path, *INDEX, "-o", path).returncode == 0
    return path


def refused(done: Done, message: str) -> None:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    assert message in done.stderr
    assert KEY not in done.stderr


def says(prompt: str) -> str:
    """A judge: yes to texts with a letter x or y in them; a labeler elsewhere."""
    texts = listed_texts(prompt)
    if prompt.startswith("Description:"):
        return json.dumps([int(bool(re.search("[xy]", text))) for text in texts])
    return "[1]" if texts else "Explanation: towns of the south"


def test_scores_are_kept_with_the_labels(labelled: Path, tmp_path: Path) -> None:
    path = tmp_path / "scored.json"
    done = run("score", labelled, *INDEX, *MODEL, "-o", path, "--json")
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    before, after = read_graph(labelled).annotations, read_graph(path).annotations
    assert before.labels.keys() == after.labels.keys()
    scored = [label for label in after.labels.values() if label.provenance.scores]
    assert len(scored) == found["labels"] > 5
    for label in scored:
        names = [each.scorer for each in label.provenance.scores]
        assert names == ["embedding"] + ["output_check"] * label.text.startswith("say ")
        mean = sum(each.above_chance for each in label.provenance.scores) / len(names)
        assert trust_of(label) == pytest.approx(mean, abs=1e-3)
        assert label.provenance.origin is Origin.MACHINE
    assert found["remarks"][0].startswith("negatives were checked by running the model")
    order = found["least_trusted_most_influential"]
    assert len(order) == len(set(order)) > 10
    assert found["scorers"]["embedding"]["measured"] == len(scored)


def test_without_the_model_unchecked_silence_is_said(labelled: Path, tmp_path: Path) -> None:
    done = run("score", labelled, *INDEX, "-o", tmp_path / "s.json", "--scorers", "embedding")
    assert done.returncode == 0, done.stderr
    assert "by the records at hand" in done.stderr
    assert "by their density alone, features fire on about" in done.stderr
    assert "least trusted × most influential" in done.stderr


def test_a_judge_is_asked_once(service: Service, labelled: Path, tmp_path: Path) -> None:
    service.says = says
    arguments = ("score", labelled, *INDEX, "-o", tmp_path / "s.json", "--json", "--judge", CLAUDE)
    arguments += ("--scorers", "detection,fuzzing,intruder,simulation", "--test", "4")
    done = run(*arguments)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["scorers"]
    assert found["detection"]["measured"] == found["fuzzing"]["measured"] > 5
    assert found["simulation"]["measured"] > 5
    assert found["intruder"]["judged"] > 0
    asked = len(service.asked)
    again = run(*arguments)
    assert again.returncode == 0
    assert len(service.asked) == asked
    assert json.loads(again.stdout) == json.loads(done.stdout)
    label = next(
        each
        for each in read_graph(tmp_path / "s.json").annotations.labels.values()
        if each.provenance.scores
    )
    scores = {each.scorer: each for each in label.provenance.scores}
    assert all("claude-haiku-5-5" in each.model for each in scores.values())
    assert [name for name, each in scores.items() if each.of_feature] == ["intruder"]
    own = [each.above_chance for each in scores.values() if not each.of_feature]
    assert trust_of(label) == pytest.approx(sum(own) / len(own), abs=1e-3)
    assert KEY not in (tmp_path / "s.json").read_text()


def test_a_budget_that_is_spent_leaves_scores_unmade(
    service: Service, labelled: Path, tmp_path: Path
) -> None:
    service.says = says
    done = run(
        "score", labelled, *INDEX, "-o", tmp_path / "s.json", "--json", "--judge", CLAUDE,
        "--scorers", "detection", "--max-usd", "0",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)["scorers"]["detection"]
    assert (found["measured"], found["mean"]) == (0, None)
    assert found["failures"] == {"budget": found["not_measured"]}
    assert "× budget" in done.stderr
    assert service.asked == []
    labels = read_graph(tmp_path / "s.json").annotations.labels.values()
    assert not any(label.provenance.scores for label in labels)


def test_a_dry_run_sends_and_writes_nothing(
    service: Service, labelled: Path, tmp_path: Path
) -> None:
    done = run(
        "score", labelled, *INDEX, "-o", tmp_path / "s.json", "--judge", CLAUDE, "--scorers", "detection", "--dry-run"
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "score:detection" in done.stderr
    assert service.asked == []
    assert not (tmp_path / "s.json").exists()


def test_a_sources_own_explanations_are_scored(tmp_path: Path) -> None:
    source = real("features/delphi-gpt2")
    done = run(
        "score",
        source,
        "--scorers",
        "embedding",
        "--seen",
        "5",
        "--limit",
        "6",
        "-o",
        tmp_path / "s.jsonl",
    )
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in (tmp_path / "s.jsonl").read_text().splitlines()]
    assert len(lines) == 6
    refused(run("score", source, "--seen", "20"), "too few texts beyond the 20 strongest")
    assert all(line["label"] and line["value"] is not None for line in lines)


def test_what_cannot_be_scored_is_refused_in_a_line(labelled: Path, tmp_path: Path) -> None:
    out = ("-o", tmp_path / "s.json")
    refused(run("score", labelled, *INDEX), "name the graph file to write with -o")
    refused(run("score", labelled, *INDEX, *out, "--limit", "3"), "--limit goes with a source")
    refused(run("score", labelled, *INDEX, *out, "--scorers", "detection"), "add --judge")
    refused(run("score", labelled, *INDEX, *out, "--scorers", "vibes"), "no scorer “vibes”")
    refused(
        run("score", labelled, *INDEX, *out, *MODEL[:2]), "--model and --transcoders go together"
    )
    assert not (tmp_path / "s.json").exists()


def test_methods_are_compared_and_reported(service: Service, tmp_path: Path) -> None:
    service.says = says
    folder = tmp_path / "out"
    done = run(
        "compare", *INDEX, *MODEL, "--methods", "token_count,np_max-act", "--judge", CLAUDE, "--n", "6", "--test", "4",
        "--scorers", "detection,embedding,output_check,intruder", "-o", folder, "--json",
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert set(found["scores"]) == {"detection", "embedding", "output_check", "intruder"}
    assert set(found["scores"]["detection"]) == {"token_count", "np_max-act"}
    assert set(found["scores"]["intruder"]) == {"(no label)"}
    assert len(found["features"]) == 6
    assert len(found["furthest_apart"]) == 5
    report = (folder / "report.md").read_text()
    assert "towns of the south" in report
    assert "| seen by the methods | held out |" in report
    assert "## Differences between methods" in report
    picture = (folder / "scores.svg").read_text()
    assert picture.count("chance ") == 4
    lines = [json.loads(line) for line in (folder / "scores.jsonl").read_text().splitlines()]
    assert len(lines) == 6 * (3 * 2 + 1)
    again = run(
        "compare", *INDEX, *MODEL, "--n", "6", "--test", "4", "-o", tmp_path / "2", "--json"
    )
    assert json.loads(again.stdout)["features"] == found["features"]


def test_comparing_refuses_in_a_line(tmp_path: Path) -> None:
    refused(run("compare", *INDEX, "--methods", "np_max-act"), "name one with --labeler")
    refused(run("compare", *INDEX, "--methods", "magic"), "no label method “magic”")
    refused(run("compare", *INDEX, "--n", "2", "--train", "500"), "lower --train or --test")
    (tmp_path / "file").write_text("")
    refused(run("compare", *INDEX, "--n", "2", "-o", tmp_path / "file"), "cannot be made")
