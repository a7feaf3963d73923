"""``graphlabel features build`` and ``merge``, end to end on atlas."""

from __future__ import annotations

import io
import json
import os
import re
import signal
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from graphlabel import atlas
from graphlabel.cli.main import main
from graphlabel.evidence import need, open_source
from graphlabel.evidence.building.publish import staging_folder
from graphlabel.evidence.building.worker import Worker

GRAPHLABEL = [sys.executable, "-m", "graphlabel"]
FEW = ["--context-length", "64", "--max-features-per-layer", "64", "--layers", "0,2"]


@dataclass
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """43 thousand tokens of atlas's world, a document a line: three blocks."""
    path = tmp_path_factory.mktemp("corpus") / "atlas.jsonl"
    with path.open("w", encoding="utf-8") as file:
        for document in atlas.documents(7, 43_000):
            file.write(json.dumps({"text": document.text}) + "\n")
    return path


@pytest.fixture(scope="module")
def whole(corpus: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    """The index that one process makes of the corpus."""
    folder = tmp_path_factory.mktemp("whole") / "index"
    done = build(corpus, folder)
    assert done.returncode == 0, done.stderr
    return contents(folder)


def command(corpus: Path | str, folder: Path, *more: str) -> list[str]:
    model = ["--model", str(atlas.MODEL_FOLDER), "--transcoders", str(atlas.TRANSCODERS_FOLDER)]
    return [
        "features",
        "build",
        "--corpus",
        str(corpus),
        *model,
        *FEW,
        "--tokens",
        "40000",
        "-o",
        str(folder),
        *more,
    ]


def build(corpus: Path | str, folder: Path, *more: str) -> Done:
    return run(*command(corpus, folder, *more))


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


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


def test_the_index_answers(whole: dict[str, bytes], tmp_path: Path) -> None:
    for name, data in whole.items():
        (tmp_path / name).write_bytes(data)
    source = open_source(tmp_path)
    assert source.transcoder_set == open_source(atlas.INDEX_FOLDER).transcoder_set
    keys = list(source.keys())
    assert {key.layer for key in keys} == {0, 2}
    assert len(keys) > 80
    record = need(source, keys[0])
    assert record.quantiles[0].name == "top"
    assert len(record.top_logits) == 10
    manifest = json.loads(whole["index.json"])
    assert manifest["tokens_seen"] == 40_000


@pytest.mark.slow
def test_a_killed_run_is_resumed_by_the_same_command(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    folder = tmp_path / "index"
    running = subprocess.Popen(
        [*GRAPHLABEL, *command(corpus, folder, "--checkpoint-every", "1")],
        stderr=subprocess.DEVNULL,
    )
    state = staging_folder(folder) / "state.json"
    while not state.exists() and running.poll() is None:
        pass
    os.kill(running.pid, signal.SIGKILL)
    assert running.wait() == -signal.SIGKILL, "it ended before it could be killed"
    assert not folder.exists()
    assert json.loads(state.read_bytes())["blocks"] >= 1
    done = build(corpus, folder)
    assert done.returncode == 0, done.stderr
    assert contents(folder) == whole


def test_a_stopped_run_says_what_it_keeps(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "index"
    add = Worker.add

    def stopped(self: Worker, *rest: Any) -> Any:
        if list(staging_folder(folder).glob("state.json")):
            raise KeyboardInterrupt
        return add(self, *rest)

    monkeypatch.setattr(Worker, "add", stopped)
    first = build(corpus, folder, "--checkpoint-every", "1")
    assert first.returncode == 130
    kept = re.search(r"index\.building keeps ([\d,]+) tokens; the same command goes", first.stderr)
    assert kept is not None
    monkeypatch.undo()
    again = build(corpus, folder, "--checkpoint-every", "1")
    assert again.returncode == 0
    assert f"index.building holds: {kept[1]} tokens" in again.stderr


@pytest.mark.parametrize("shard", [[], ["--shard", "0/1"]])
def test_a_corpus_without_a_word_makes_no_index(tmp_path: Path, shard: list[str]) -> None:
    blank, folder = tmp_path / "blank.txt", tmp_path / "index"
    blank.write_text("\n \n")
    done = build(blank, folder, *shard)
    if shard:  # other shards may hold all the text
        assert done.returncode == 0
        done = run("features", "merge", str(folder), "-o", str(tmp_path / "merged"))
    assert done.returncode == 2
    assert "holds no text; name one that does" in done.stderr
    assert not (tmp_path / "merged").exists()
    assert not staging_folder(folder).exists()


def test_shards_are_merged_to_the_same_index(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    parts = [tmp_path / "a", tmp_path / "b"]
    for number, part in enumerate(parts):
        done = build(corpus, part, "--shard", f"{number}/2")
        assert done.returncode == 0, done.stderr
    done = run("features", "merge", *map(str, parts), "-o", str(tmp_path / "index"))
    assert done.returncode == 0, done.stderr
    assert contents(tmp_path / "index") == whole


@pytest.mark.slow
def test_ray_workers_make_the_same_index(
    corpus: Path, whole: dict[str, bytes], tmp_path: Path
) -> None:
    pytest.importorskip("ray", reason="Ray is an extra: pip install 'graphlabel[ray]'")
    ray = ["--runner", "ray", "--workers", "2", "--json"]
    done = subprocess.run(
        [*GRAPHLABEL, *command(corpus, tmp_path / "index", *ray)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["tokens"] == 40_000
    assert contents(tmp_path / "index") == whole


def test_bad_input_gets_one_line(corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "empty.txt").write_text("")
    (tmp_path / "latin.txt").write_bytes("naïve".encode("latin-1"))
    for place, more, message in (
        (tmp_path / "nothing", [], "there is no corpus"),
        (tmp_path / "empty.txt", [], "is empty"),
        (tmp_path / "latin.txt", [], "is not UTF-8"),
        (corpus, ["--text-field", "body"], "has no “body”"),
        (corpus, ["--shard", "2/2"], "no shard 2 of 2"),
        (corpus, ["--shard", "half"], "--shard should read like"),
        (corpus, ["--layers", "x"], "--layers should read like"),
        (corpus, ["--layers", "9"], "no transcoder for layer 9"),
        (corpus, ["--context-length", "9999"], "is longer than the 256"),
        (corpus, ["--dtype", "int3"], "there is no dtype"),
        (corpus, ["--runner", "slurm"], "there is no runner"),
    ):
        done = build(place, tmp_path / "index", *more)
        assert done.returncode == 2, message
        assert message in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1
        assert not (tmp_path / "index").exists()
