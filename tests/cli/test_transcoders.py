"""``graphlabel transcoders train`` and ``evaluate``, end to end on atlas."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.cli.main import main
from graphlabel.files import read_graph
from graphlabel.training.checkpoint import staging_folder

pytest.importorskip("sparsify", reason="sparsify is an extra: pip install 'graphlabel[train]'")

GRAPHLABEL = [sys.executable, "-m", "graphlabel"]
GGUF_VARIABLE = "GRAPHLABEL_TEST_GGUF"
"""A small chat model's GGUF file, such as that of SmolLM2-135M-Instruct."""
SMALL = ["--width", "128", "--k", "8", "--context-length", "32", "--batch-size", "4"]
HELD_OUT = ["--held-out-tokens", "640", "--splice-tokens", "320"]


@dataclass
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str) -> Done:
    """Run a command within this process (torch is loaded once for all tests)."""
    out, err = io.StringIO(), io.StringIO()
    before = sys.argv
    sys.argv = ["graphlabel", *arguments]
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            main()
    finally:
        sys.argv = before
    return Done(int(str(stopped.value.code or 0)), out.getvalue(), err.getvalue())


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "atlas.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for document in atlas.documents(7, 12_000):
            file.write(json.dumps({"text": document.text}) + "\n")
    return path


def training(corpus: Path | str, folder: Path, *more: str) -> list[str]:
    places = ["--model", str(atlas.MODEL_FOLDER), "--corpus", str(corpus), "-o", str(folder)]
    return ["transcoders", "train", *places, *SMALL, *HELD_OUT, "--tokens", "6400", *more]


@pytest.fixture(scope="module")
def trained(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Done]:
    folder = tmp_path_factory.mktemp("trained") / "set"
    done = run(*training(corpus, folder, "--corpus", "self", "--checkpoint-every", "640"))
    assert done.returncode == 0, done.stderr
    return folder, done


def test_it_says_how_good_the_set_is(trained: tuple[Path, Done]) -> None:
    folder, done = trained
    assert " tokens, 3 layers, mean FVU 0." in done.stdout
    assert "with all transcoders spliced in" in done.stdout
    assert f"wrote {folder}; next: graphlabel features build --transcoders" in done.stderr
    assert "Triton" not in done.stdout + done.stderr


def test_the_set_is_traced_at_once(trained: tuple[Path, Done], tmp_path: Path) -> None:
    graph = tmp_path / "dallas.json"
    done = run(
        "trace",
        "Fact: the capital of the state containing Dallas is",
        "--node-threshold=0.98",
        *("--model", str(atlas.MODEL_FOLDER), "--transcoders", str(trained[0]), "-o", str(graph)),
    )
    assert done.returncode == 0, done.stderr
    assert any(node.is_feature for node in read_graph(graph).graph.nodes)


def test_any_set_is_evaluated(corpus: Path, tmp_path: Path) -> None:
    for name in (atlas.TRANSCODERS_FOLDER, atlas.CROSS_LAYER_FOLDER):
        places = ["--model", str(atlas.MODEL_FOLDER), "--transcoders", str(name)]
        more = ["--corpus", str(corpus), "--context-length", "32", "--tokens", "1500", "--json"]
        file = tmp_path / f"{name.name}.json"
        done = run("transcoders", "evaluate", *places, *more, "-o", str(file))
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found == json.loads(file.read_text())
        assert all(layer["fvu"] < 0.2 for layer in found["layers"])
        losses = [found[f"cross_entropy{end}"] for end in ("", "_spliced", "_ablated")]
        assert losses == sorted(losses)
        assert losses[1] - losses[0] < 0.2 * (losses[2] - losses[0])


@pytest.mark.slow
def test_a_killed_run_is_resumed_by_the_same_command(
    corpus: Path, trained: tuple[Path, Done], tmp_path: Path
) -> None:
    folder = tmp_path / "set"
    command = training(corpus, folder, "--corpus", "self", "--checkpoint-every", "640")
    kills = 0
    for kept in (5, 15):
        running = subprocess.Popen([*GRAPHLABEL, *command], stderr=subprocess.DEVNULL)
        state = staging_folder(folder) / f"checkpoint.{kept}"
        while not state.exists() and running.poll() is None:
            pass
        os.kill(running.pid, signal.SIGKILL)
        kills += running.wait() == -signal.SIGKILL
        assert not folder.exists()
    assert kills == 2, "it ended before it could be killed"
    done = run(*command)
    assert done.returncode == 0, done.stderr
    assert "going on with what" in done.stderr
    for path in trained[0].rglob("*"):
        if path.is_file():
            assert (folder / path.relative_to(trained[0])).read_bytes() == path.read_bytes(), path


def test_bad_input_gets_one_line(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    for place, more, message in (
        (tmp_path / "nothing", [], "there is no corpus"),
        (tmp_path / "empty.txt", [], "texts hold 0 tokens"),
        (corpus, ["--layers", "x"], "--layers should read like"),
        (corpus, ["--layers", "9"], "has no layer 9"),
        (corpus, ["--k", "500"], "of 128 features 500 cannot fire"),
        (corpus, ["--optimizer", "sgd"], "there is no optimizer"),
        (corpus, ["--dtype", "int3"], "there is no dtype"),
        (corpus, ["--context-length", "9999", "--batch-size", "1"], "not one batch"),
    ):
        done = run(*training(place, tmp_path / "set", *more))
        assert done.returncode == 2, message
        assert message in done.stderr, done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "set").exists()


@pytest.mark.slow
def test_a_language_model_in_gguf_is_trained(corpus: Path, tmp_path: Path) -> None:
    file = os.environ.get(GGUF_VARIABLE)
    if not file:
        pytest.skip(f"{GGUF_VARIABLE} names no GGUF file")
    folder = tmp_path / "set"
    places = ["--model", file, "--corpus", str(corpus), "--corpus", "self", "-o", str(folder)]
    small = ["--tokens", "512", "--held-out-tokens", "128", "--splice-tokens", "32"]
    done = run("transcoders", "train", *places, *SMALL, *small, "--layers", "0,29", "--json")
    assert done.returncode == 0, done.stderr
    assert [layer["layer"] for layer in json.loads(done.stdout)["layers"]] == [0, 29]
