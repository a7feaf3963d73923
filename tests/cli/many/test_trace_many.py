"""``graphlabel trace-many`` as it is run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from graphlabel import atlas
from tests.cli.test_commands import run

pytestmark = pytest.mark.slow

PROMPTS = [
    {"prompt": "Fact: the capital of the state containing Dallas is", "slug": "dallas"},
    {"prompt": "Fact: the capital of the state containing Oakland is", "slug": "oakland"},
    {"prompt": "Fact: the capital of Texas is", "slug": "texas", "target": "Austin"},
    {"prompt": "xyzzy plugh", "slug": "unknown"},
]
PLACES = ["--model", str(atlas.MODEL_FOLDER), "--transcoders", str(atlas.TRANSCODERS_FOLDER)]


@pytest.fixture(scope="module")
def prompts(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("prompts") / "prompts.jsonl"
    path.write_text("".join(json.dumps(line) + "\n" for line in PROMPTS))
    return path


@pytest.fixture(scope="module")
def one_worker(prompts: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("one")
    many(prompts, folder)
    return folder


def many(prompts: Path, folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    done = run("trace-many", str(prompts), *PLACES, "-o", str(folder), *options)
    assert done.returncode == 1, done.stderr
    return done


def graphs(folder: Path) -> dict[str, Any]:
    """Everything in the graphs but what was made when."""
    found = {}
    for path in sorted(folder.glob("*.json")):
        graph = json.loads(path.read_text())
        graph["metadata"].pop("create_time_ms", None)
        found[path.name] = graph
    return found


def summary(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (folder / "summary.jsonl").read_text().splitlines()]


def test_every_prompt_has_a_graph_or_a_reason(one_worker: Path) -> None:
    assert sorted(graphs(one_worker)) == ["dallas.json", "oakland.json", "texas.json"]
    assert [line["slug"] for line in summary(one_worker)] == [each["slug"] for each in PROMPTS]
    assert "xyzzy" in summary(one_worker)[-1]["error"]
    assert graphs(one_worker)["texas.json"]["metadata"]["slug"] == "texas"


@pytest.mark.parametrize("runner", ["local", "ray"])
def test_two_workers_make_the_same_graphs(
    runner: str, prompts: Path, one_worker: Path, tmp_path: Path
) -> None:
    if runner == "ray":
        pytest.importorskip("ray", reason="graphlabel[ray] is not installed")
    many(prompts, tmp_path, "--workers", "2", "--runner", runner)
    assert graphs(tmp_path) == graphs(one_worker)


def test_a_second_run_makes_only_what_is_missing(prompts: Path, one_worker: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in one_worker.glob("*.json")}
    (one_worker / "oakland.json").unlink()
    told = many(prompts, one_worker)
    assert "1 graphs made, 2 there already, 1 failed" in told.stderr
    after = {path: path.stat().st_mtime_ns for path in one_worker.glob("*.json")}
    same = [path.name for path in before if before[path] == after[path]]
    assert sorted(same) == ["dallas.json", "texas.json"]


def test_other_settings_are_another_graph(prompts: Path, one_worker: Path) -> None:
    told = many(prompts, one_worker, "--max-n-logits", "2", "--json")
    lines = [json.loads(line) for line in told.stdout.splitlines()]
    assert [bool(line.get("error")) for line in lines] == [False, False, False, True]
    logits = [n for n in graphs(one_worker)["dallas.json"]["nodes"] if n["is_target_logit"]]
    assert 1 <= len(logits) <= 2


def test_graphs_are_routed_and_labelled(prompts: Path, tmp_path: Path) -> None:
    many(prompts, tmp_path, "--features", str(atlas.INDEX_FOLDER))
    dallas = summary(tmp_path)[0]
    assert dallas["labelled"] > 0
    assert dallas["routed"] >= dallas["labelled"] + dallas.get("awaiting_model", 0)


def test_an_interrupt_leaves_whole_graphs_and_the_next_run_goes_on(tmp_path: Path) -> None:
    prompts, folder = tmp_path / "prompts.jsonl", tmp_path / "out"
    lines = [json.dumps({**PROMPTS[0], "slug": f"g{number}"}) for number in range(12)]
    prompts.write_text("\n".join(lines))
    command = [sys.executable, "-m", "graphlabel", "trace-many", str(prompts), *PLACES]
    command += ["-o", str(folder), "--workers", "2"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, start_new_session=True)
    assert process.stderr is not None
    for _ in range(2):
        process.stderr.readline()
    os.killpg(process.pid, signal.SIGINT)
    rest = process.communicate(timeout=60)[1]
    assert process.returncode != 0
    assert "Traceback" not in rest
    made = [json.loads(path.read_text())["metadata"]["slug"] for path in folder.glob("g*.json")]
    assert 2 <= len(made) <= 12
    hidden = {path.name for path in folder.iterdir() if path.name.startswith(".")}
    assert hidden == {".trace-many"}
    told = run("trace-many", str(prompts), *PLACES, "-o", str(folder))
    assert told.returncode == 0, told.stderr
    assert f"{12 - len(made)} graphs made, {len(made)} there already" in told.stderr
    assert len(list(folder.glob("g*.json"))) == 12


@pytest.mark.parametrize(
    ("options", "why"),
    [(("--runner", "slurm"), "no runner"), (("--model", "./none", "--workers", "2"), "none")],
)
def test_what_cannot_be_used(
    options: tuple[str, ...], why: str, prompts: Path, tmp_path: Path
) -> None:
    told = run("trace-many", str(prompts), *PLACES, "-o", str(tmp_path / "out"), *options)
    assert told.returncode == 2, told.stderr
    assert why in told.stderr
    assert len(told.stderr.strip().splitlines()) == 1, told.stderr
