"""``graphlabel cache``, and the options that choose an encoder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphlabel.embedding import load_encoder
from graphlabel.embedding.cache import EmbeddingCache
from tests.cli.test_commands import INDEX, MODEL, PROMPT, run
from tests.embedding.small_encoders import save_encoder
from tests.embedding.test_cache import fill


def test_the_cache_is_shown_and_cleared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRAPHLABEL_CACHE", str(tmp_path))
    fill(EmbeddingCache("evil\x1b[31m\u202e\nabc\nfloat32"), ["a", "b"])
    shown = run("cache", "info")
    assert shown.returncode == 0, shown.stderr
    assert "2 texts" in shown.stdout
    assert "\x1b" not in shown.stdout + shown.stderr
    assert "\u202e" not in shown.stdout
    told = json.loads(run("cache", "info", "--json").stdout)
    assert [each["texts"] for each in told["encoders"]] == [2]
    refused = run("cache", "clear")
    assert refused.returncode == 2
    assert "--yes" in refused.stderr
    assert run("cache", "clear", "--yes").returncode == 0
    assert json.loads(run("cache", "info", "--json").stdout)["encoders"] == []


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("graph") / "graph.json"
    done = run("trace", PROMPT, *MODEL, "-o", made)
    assert done.returncode == 0, done.stderr
    return made


def test_an_encoder_by_folder(graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its revision and name are recorded; embeddings are kept unless told otherwise."""
    encoder, kept = save_encoder(tmp_path), tmp_path / "kept"
    monkeypatch.setenv("GRAPHLABEL_CACHE", str(kept))
    route = ["route", graph, *INDEX, "--rule", "raw", "--encoder", encoder, "-o"]
    outputs = []
    for name, extra in (("0", ["--no-cache"]), ("1", []), ("2", [])):
        load_encoder.cache_clear()
        done = run(*route, tmp_path / name, *extra)
        assert done.returncode == 0, done.stderr
        outputs.append((tmp_path / name).read_text())
        assert kept.exists() is (name != "0")
    assert str(encoder) in outputs[0]
    assert load_encoder(str(encoder)).revision in outputs[0]
    assert outputs[0] == outputs[1] == outputs[2]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--encoder", "no/such"], "check --encoder"),
        (["--encoder", "."], "no sentence-transformers model"),
        (["--encoder-dtype", "int3"], "choose one of auto"),
        (["--encoder", "no/such", "--encoder-revision", "v1"], "at v1"),
    ],
)
@pytest.mark.slow
def test_bad_encoders_are_one_line(
    graph: Path, tmp_path: Path, options: list[str], message: str
) -> None:
    done = run("route", graph, *INDEX, "-o", tmp_path / "o", "--json", *options)
    assert done.returncode == 2
    assert done.stderr.count("\n") == 1
    assert message in done.stderr
