"""``graphlabel trace`` as a person runs it: every family from a folder on disk, every refusal."""

from __future__ import annotations

import contextlib
import io
import json
import re
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import CONFIGS, KINDS, save_model, save_transcoders

from graphlabel.cli.console import note, progress
from graphlabel.cli.main import main
from graphlabel.files import read_graph
from graphlabel.graph import NodeKind
from tests.cli.test_commands import run as graphlabel

PROMPT = "w6 w17 w1 w40 w6 w26"


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["graphlabel", "trace", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stopped:  # fmt: skip
            main()
    finally:
        sys.argv = before
    return int(stopped.value.code or 0), out.getvalue(), err.getvalue()


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A llama in ``llama`` and transcoders in ``skip``."""
    folder = tmp_path_factory.mktemp("saved")
    save_model(folder / "llama", "llama")
    save_transcoders(folder / "skip", "skip")
    return folder


@pytest.mark.parametrize(("family", "kind"), zip(CONFIGS, (KINDS * 2)[: len(CONFIGS)], strict=True))
def test_every_family_from_a_folder(tmp_path: Path, family: str, kind: str) -> None:
    model = save_model(tmp_path / family, family)
    transcoders = save_transcoders(tmp_path / kind, kind)
    status, out, err = run(
        PROMPT, "--model", model, "--transcoders", transcoders, "-o", tmp_path / "g.json",
        "--verify", "5", "--json", "--node-threshold", "1.0",
    )  # fmt: skip
    assert status == 0, err
    facts = json.loads(out)
    assert facts["nodes"]["token"] == 7
    assert facts["nodes"]["feature"] > 10
    assert ("layers without a transcoder, whose MLPs are error nodes: 1" in err) == (kind == "gap")
    error = float(err.split("worst relative error ")[1].split(",")[0])
    assert error < 1e-5
    graph = read_graph(tmp_path / "g.json").graph
    assert graph.tokens == ("<bos>", *PROMPT.split())
    errors = {graph.nodes[i].key.layer for i in graph.places(NodeKind.ERROR)}
    assert errors == {0, 1, 2}
    assert {graph.nodes[i].key.layer for i in graph.places(NodeKind.FEATURE)} >= {0, 2}


def test_targets_position_and_chat(saved: Path, tmp_path: Path) -> None:
    direction = tmp_path / "up.npy"
    np.save(direction, np.ones(32) - 2 * np.eye(32)[0])
    set_up = [
        "--model",
        saved / "llama",
        "--transcoders",
        saved / "skip",
        "-o",
        tmp_path / "g.json",
    ]
    status, _, err = run(
        PROMPT, *set_up, "--target", "w3 - w7", "--target", "#8", "--target", direction,
        "--position", "-2", "--chat",
    )  # fmt: skip
    assert status == 0, err
    assert "explains 'w3 - w7', 'w4', 'up'" in err
    graph = read_graph(tmp_path / "g.json").graph
    assert graph.tokens == ("<bos>", "w9", *PROMPT.split())  # the template's w8 is left out
    settings = json.loads((tmp_path / "g.json").read_text())["metadata"]["generation_settings"]
    assert settings["attribution_targets"] == ["w3 - w7", "w4", "up"]


def test_no_token_comes_twice_at_the_beginning(saved: Path, tmp_path: Path) -> None:
    for chat in ([], ["--chat"]):
        status, _, err = run(
            "<bos> w6 w7", *chat, "--model", saved / "llama", "--transcoders", saved / "skip",
            "-o", tmp_path / "g.json",
        )  # fmt: skip
        assert status == 0, err
        graph = read_graph(tmp_path / "g.json").graph
        assert graph.tokens[0] == "<bos>"
        assert graph.tokens[1] != "<bos>"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--device", "cuda"], "CUDA was asked for, but no GPU is there"),
        (["--device", "mps"], "MPS was asked for"),
        (["--dtype", "int8"], "there is no dtype"),
        (["--target", "Quux"], "no single token"),
        (["--position", "99"], "no position 99"),
        (["--compat", "other"], "no --compat"),
        (["--gguf-file", "none.gguf"], "holds no none.gguf"),
        (["--token-ids", "1,2"], "one of the two"),
        (["--target", ""], "names no token"),
        (["--target", "w3 - "], "names no token"),
        (["--raw", "SAME"], "give them names of their own"),
        (["--transcoders", "sae-lens:none"], "no release"),
        (["--model", "nobody/nothing"], "cannot be reached"),
    ],
)
def test_refusals_are_one_line(saved: Path, tmp_path: Path, arguments: list[str], message: str) -> None:  # fmt: skip
    if arguments == ["--device", "cuda"] and torch.cuda.is_available():
        pytest.skip("there is a GPU")
    before = [
        "--model",
        saved / "llama",
        "--transcoders",
        saved / "skip",
        "-o",
        tmp_path / "g.json",
    ]
    arguments = [str(tmp_path / "g.json") if each == "SAME" else each for each in arguments]
    status, out, err = run(PROMPT, *before, *arguments)
    assert status == 2
    assert message in err.splitlines()[-1]
    assert not out
    assert not list(tmp_path.glob("*.json"))


def test_token_ids_have_no_chat_template(saved: Path, tmp_path: Path) -> None:
    status, _, err = run(
        "--token-ids", "1,5,6", "--chat", "--model", saved / "llama", "--transcoders",
        saved / "skip", "-o", tmp_path / "g.json",
    )  # fmt: skip
    assert (status, "leave out --chat" in err) == (2, True)


def test_token_ids_are_used_as_given_and_a_missing_beginning_is_said(
    saved: Path, tmp_path: Path
) -> None:
    for given, warned in (("5,6,7", True), ("1,5,6", False)):
        status, _, err = run(
            "--token-ids", given, "--model", saved / "llama", "--transcoders", saved / "skip",
            "-o", tmp_path / "g.json",
        )  # fmt: skip
        assert status == 0, err
        warning = "warning: the first id, 5 ('w1'), is no special token"
        assert (warning in err) == warned
        assert ("begin with 1 ('<bos>')" in err) == warned
        graph = read_graph(tmp_path / "g.json").graph
        assert ",".join(map(str, graph.token_ids or ())) == given


def test_transcoders_of_another_model_are_doubted(tmp_path: Path) -> None:
    """Of the same shape: by their names, and by how they reconstruct."""
    commit = "0123456789" * 4
    cached = tmp_path / "models--google--gemma-3-1b-pt" / "snapshots" / commit
    save_model(cached, "gemma3_text")
    save_transcoders(tmp_path / "relu", "relu")
    arguments = [PROMPT, "--transcoders", tmp_path / "relu", "-o", tmp_path / "g.json"]
    status, _, err = run(*arguments, "--model", cached)
    assert status == 0
    named = "made for tiny, the model is google/gemma-3-1b-pt"
    assert (
        f"warning: the transcoders may be of another model: they are {named}; their errors" in err
    )
    (tmp_path / "corpus.txt").write_text(PROMPT)
    built = graphlabel(
        "features", "build", "--model", cached, "--transcoders", tmp_path / "relu",
        "--corpus", tmp_path / "corpus.txt", "-o", tmp_path / "index",
    )  # fmt: skip
    assert f"warning: the transcoders may be of another model: they are {named}" in built.stderr
    config = tmp_path / "relu" / "config.yaml"
    config.write_text(config.read_text().replace("model_name: tiny", "model_name: gemma-3-1b"))
    _, _, err = run(*arguments, "--model", cached)
    assert "another model: their errors are larger than what the model's MLPs write" in err


def test_transcoders_of_this_model_are_not_doubted(tmp_path: Path) -> None:
    from graphlabel import atlas

    status, _, err = run(
        "Fact: the capital of Texas is", "--model", atlas.MODEL_FOLDER, "--transcoders",
        atlas.TRANSCODERS_FOLDER, "-o", tmp_path / "g.json",
    )  # fmt: skip
    assert status == 0, err
    assert "warning" not in err


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_the_raw_matrix_keeps_the_dtype(saved: Path, tmp_path: Path, dtype: str) -> None:
    status, _, err = run(
        PROMPT, "--model", saved / "llama", "--transcoders", saved / "skip", "--dtype", dtype,
        "-o", tmp_path / "g.json", "--raw", tmp_path / "raw.npz",
    )  # fmt: skip
    assert status == 0, err
    with np.load(tmp_path / "raw.npz") as raw:
        kept = [raw[name] for name in ("adjacency", "activation_values", "logit_probabilities")]
    for array in kept:
        assert array.dtype == dtype
        assert dtype == "float32" or (array != array.astype(np.float32)).any()


@pytest.mark.parametrize("step", ["load_language_model", "load_transcoders"])
def test_memory_that_runs_out_before_the_rows_is_one_line(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def too_large(*_: object, **__: object) -> None:
        raise RuntimeError("unable to mmap 9 bytes from file <w>: Cannot allocate memory (12)")

    monkeypatch.setattr(f"graphlabel.models.{step}", too_large)
    status, _, err = run(
        PROMPT, "--model", saved / "llama", "--transcoders", saved / "skip",
        "-o", tmp_path / "g.json",
    )  # fmt: skip
    assert status == 2
    assert err.splitlines()[-1].startswith("graphlabel: memory ran out; ")


def test_a_prompt_longer_than_the_context(saved: Path, tmp_path: Path) -> None:
    status, _, err = run(
        "w1 " * 64, "--model", saved / "llama", "--transcoders", saved / "skip",
        "-o", tmp_path / "g.json",
    )  # fmt: skip
    assert (status, "65 tokens, llama takes 64" in err) == (2, True)


def test_stopping_leaves_nothing_half_written(
    saved: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C in the middle of the rows; the graph that was there before stays."""
    from graphlabel.tracing import selection

    target, sweep, calls = tmp_path / "g.json", selection.sweep, []

    def stopped(*arguments: object, **options: object) -> object:
        calls.append(arguments)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return sweep(*arguments, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(selection, "sweep", stopped)
    target.write_text("the graph of yesterday")
    status, _, err = run(
        PROMPT, "--model", saved / "llama", "--transcoders", saved / "skip", "-o", target,
        "--raw", tmp_path / "raw.npz", "--batch-size", "16",
    )  # fmt: skip
    assert status == 130
    assert "nothing was left half-written" in err
    assert len(calls) == 3
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["g.json"]
    assert target.read_text() == "the graph of yesterday"


class Terminal(io.StringIO):
    """Standard error as a terminal."""

    def isatty(self) -> bool:
        return True


def test_notes_stand_above_the_progress_bar(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "60")
    with progress("route") as report:
        report("features", 1, 9)
        note("skipped [red]0_6[/red]: \x1b[31mtext " + "x" * 80)
    note("done")
    lines = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", screen.getvalue()).replace("\r", "\n").split("\n")
    assert "skipped [red]0_6[/red]: ␛[31mtext " + "x" * 80 in lines
    assert lines[-2:] == ["done", ""]


def test_progress_shows_phases_rates_and_the_time_left(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("tracing") as report:
        for done in range(0, 101, 10):
            report("feature rows", done, 100)
    shown = screen.getvalue()
    assert "tracing: feature rows" in shown
    assert "100/100" in shown
    assert "/s" in shown
    assert "0:00:00" in shown
