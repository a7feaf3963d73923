"""``graphlabel cache``, and the options that choose an encoder."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from graphlabel import atlas
from graphlabel.embedding.cache import EmbeddingCache
from tests.embedding.small_encoders import save_encoder
from tests.embedding.test_cache import fill


def run(*arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "graphlabel", *arguments],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, **variables},
    )


def test_the_cache_is_shown_and_cleared(tmp_path: Path) -> None:
    fill(EmbeddingCache("evil\x1b[31m\u202e\nabc\nfloat32", tmp_path), ["a", "b"])
    folder = {"GRAPHLABEL_CACHE": str(tmp_path)}
    shown = run("cache", "info", **folder)
    assert shown.returncode == 0, shown.stderr
    assert "2 texts" in shown.stdout
    assert "\x1b" not in shown.stdout + shown.stderr
    assert "\u202e" not in shown.stdout
    told = json.loads(run("cache", "info", "--json", **folder).stdout)
    assert [each["texts"] for each in told["encoders"]] == [2]
    assert run("cache", "clear", "--yes", **folder).returncode == 0
    assert json.loads(run("cache", "info", "--json", **folder).stdout)["encoders"] == []


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    made = tmp_path / "graph.json"
    done = run(
        "trace", "the capital of the state containing Dallas is", "--model", str(atlas.MODEL_FOLDER),
        "--transcoders", str(atlas.TRANSCODERS_FOLDER), "-o", str(made),
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return made


def test_an_encoder_by_folder(graph: Path, tmp_path: Path) -> None:
    """Its revision and name are recorded; embeddings are kept unless told otherwise."""
    encoder, kept = save_encoder(tmp_path), tmp_path / "kept"
    route = [
        "route", str(graph), "--features", str(atlas.INDEX_FOLDER), "--rule", "raw",
        "--encoder", str(encoder), "-o",
    ]  # fmt: skip
    outputs = []
    for name, extra in (("0", ["--no-cache"]), ("1", []), ("2", [])):
        done = run(*route, str(tmp_path / name), *extra, GRAPHLABEL_CACHE=str(kept))
        assert done.returncode == 0, done.stderr
        outputs.append((tmp_path / name).read_text())
        assert kept.exists() is (name != "0")
    assert f'"encoder":"{encoder}","encoder_revision":"sha256:' in outputs[0]
    assert outputs[1] == outputs[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoder", "no/such"], "check --encoder"),
        (["--encoder", "."], "no sentence-transformers model"),
        (["--encoder-dtype", "int3"], "choose one of auto"),
        (["--encoder", "no/such", "--encoder-revision", "v1"], "at v1"),
    ],
)
def test_bad_encoders_are_one_line(
    graph: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    done = run(
        "route", str(graph), "--features", str(atlas.INDEX_FOLDER), "-o", str(tmp_path / "o"),
        *options, HF_HUB_OFFLINE="1",
    )  # fmt: skip
    assert done.returncode == 2
    lines = [line for line in done.stderr.splitlines() if line.startswith("graphlabel: ")]
    assert len(lines) == 1
    assert message in lines[0]
    assert "Traceback" not in done.stderr
