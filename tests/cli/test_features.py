"""``--features`` as a person uses it: several places, offline, ``features show`` and ``list``."""

from __future__ import annotations

import io
import json
import os
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.cells import cell_len

from graphlabel import atlas
from graphlabel.cli.feature_view import example_line
from graphlabel.cli.main import main
from graphlabel.cli.pipeline import feature_keys
from graphlabel.evidence import need, open_source
from graphlabel.files import read_graph
from graphlabel.records import ActivationExample

INDEX = str(atlas.INDEX_FOLDER)
EXAMPLE = {
    "tokens": ["<bos>", "the", " \u202ecapital", " of"],
    "tokens_acts_list": [9.0, 0.5, 3.5, 1.0],
}
HOSTILE = {"index": 7, "examples_quantiles": [{"quantile_name": "[red]top", "examples": [EXAMPLE, {}]}],
           "top_logits": ["\x1b[31mred"], "activation_frequency": 0.01}  # fmt: skip


def run(*arguments: str | Path, width: int = 80) -> tuple[int, str, str]:
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["graphlabel", *map(str, arguments)]
    os.environ["COLUMNS"] = str(width)
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            main()
    finally:
        sys.argv = before
        del os.environ["COLUMNS"]
    return int(stopped.value.code or 0), out.getvalue(), err.getvalue()


@pytest.fixture
def hostile(tmp_path: Path) -> Path:
    folder = tmp_path / "features"
    folder.mkdir()
    (folder / "1_7.json").write_text(json.dumps(HOSTILE))
    return folder


@pytest.mark.parametrize("width", [40, 80, 120])
def test_a_feature_fits_the_terminal(width: int) -> None:
    code, out, err = run("features", "show", "2/100", "--features", INDEX, width=width)
    assert (code, err) == (0, "")
    lines = out.splitlines()
    assert max(map(cell_len, lines)) <= width
    peaks = {cell_len(line[: line.index("«")]) for line in lines if "«" in line}
    assert len(peaks) <= 2  # with and without a space before the token
    for text in (
        "L2 #100",
        "atlas ▸ atlas",
        "feature index",
        "fires on",
        "logits +",
        "logits −",
        "── top ──",
        "── q0 ──",
    ):
        assert text in out.replace("\n", " ") or width < 80, text


def test_hostile_text_is_shown_inert(hostile: Path) -> None:
    code, out, _ = run("features", "show", "1_7", "--features", hostile)
    assert code == 0
    assert "\x1b" not in out
    assert "\u202e" not in out
    assert "── [red]top ──" in out
    assert "«capital»" in out
    assert "left out: 1 broken example\n" in out


@pytest.mark.parametrize(
    ("examples", "said"),
    [([{}, {}], "all that the source holds are broken"), ([], "the source holds none")],
)
def test_why_there_are_no_examples(tmp_path: Path, examples: list[Any], said: str) -> None:
    quantiles = [{"quantile_name": "top", "examples": examples}]
    (tmp_path / "1_7.json").write_text(json.dumps({"index": 7, "examples_quantiles": quantiles}))
    code, out, _ = run("features", "show", "1_7", "--features", tmp_path)
    assert code == 0
    assert f"no examples: {said}" in out
    assert "never fired" not in out


def test_json_is_the_record_with_its_name(hostile: Path) -> None:
    _, out, _ = run("features", "show", "1/7", "--features", hostile, "--json")
    found = json.loads(out)
    assert (found["feature"], found["kind"], found["key"], found["dropped"]) == (
        "1_7",
        "feature JSON",
        [1, 7],
        1,
    )


def test_several_places(hostile: Path) -> None:
    both = ["--features", INDEX, "--features", hostile]
    assert (
        json.loads(run("features", "show", "2/100", *both, "--json")[1])["kind"] == "feature index"
    )
    (hostile / "1_7.json").rename(hostile / "9_7.json")
    assert json.loads(run("features", "show", "9_7", *both, "--json")[1])["kind"] == "feature JSON"
    code, _, err = run("features", "show", "9/8", *both)
    assert (code, err.count("\n"), "L9 #8" in err) == (2, 1, True)


def test_too_little_memory_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def none_left(**_: object) -> None:
        raise MemoryError("Unable to allocate 57.2 GiB")

    monkeypatch.setattr("graphlabel.cli.main.app", none_left)
    code, out, err = run("features", "list", "--features", INDEX)
    assert (code, out) == (2, "")
    assert err == (
        "graphlabel: not enough memory (Unable to allocate 57.2 GiB); choose smaller settings, "
        "or a larger machine\n"
    )


def test_what_was_never_asked_is_not_said_to_be_missing() -> None:
    place = "neuronpedia:gemma-2-2b/a-set-nobody-asked-for"
    code, _, err = run("features", "show", "3/7", "--features", place, "--offline")
    assert code == 2
    assert "no answer about L3 #7 was kept" in err
    assert "ask without --offline" in err


def test_the_list(hostile: Path) -> None:
    _, out, _ = run("features", "list", "--features", hostile, "--features", INDEX, "--json")
    parts = json.loads(out)
    assert parts[0]["layers"] == [{"layer": 1, "features": 1, "first": ["1_7"]}]
    assert parts[1]["transcoder_set"] == "atlas ▸ atlas"
    assert parts[1]["features"] == sum(layer["features"] for layer in parts[1]["layers"])
    code, out, _ = run("features", "list", "--features", hostile)
    assert (code, "1_7" in out, "1 features" in out) == (0, True, True)


def test_one_place_in_a_configuration(tmp_path: Path, hostile: Path) -> None:
    config = tmp_path / "c.toml"
    for value in (f'"{hostile}"', f'["{hostile}", "{INDEX}"]'):
        config.write_text(f"[features.show]\nfeatures = {value}\n")
        assert json.loads(run("--config", config, "features", "show", "1/7", "--json")[1])[
            "key"
        ] == [1, 7]


def test_the_real_names(real_data: Any) -> None:
    places = [
        part
        for name in ("delphi-gpt2", "feature-circuits", "sae-dashboard")
        for part in ("--features", real_data(f"features/{name}"))
    ]
    for name in ("h.4_feature12", "attn_5/9376", "7-vector_set/0"):
        assert json.loads(run("features", "show", name, *places, "--json")[1])["feature"] == name


def test_the_token_an_example_was_drawn_for_is_marked() -> None:
    example = ActivationExample.of(("a", " b", " c", " d"), (1.0, 5.0, 2.0, 0.0))
    assert "«b»" in example_line(example, 60, 5.0).plain
    line = example_line(replace(example, sampled=2), 60, 5.0)
    assert "   2.000  " in line.plain
    assert "a b «c» d" in line.plain
    assert any("on #" in str(span.style) for span in line.spans)


def test_a_graph_is_routed_from_several_places(tmp_path: Path) -> None:
    """Some features as JSON, the rest from the index; what neither has is listed."""
    graph, folder = tmp_path / "g.json", tmp_path / "json"
    folder.mkdir()
    traced = run("trace", "Fact: the capital of the state containing Dallas is", "--model", atlas.MODEL_FOLDER,
                 "--transcoders", atlas.TRANSCODERS_FOLDER, "--node-threshold", "0.3", "-o", graph)  # fmt: skip
    assert traced[0] == 0, traced[2]
    document, index = read_graph(graph), open_source(INDEX)
    keys = feature_keys(document)
    for key in keys[:5]:
        record = need(index, key)
        examples = [
            {"tokens": e.tokens, "tokens_acts_list": e.activations} for e in record.top_examples
        ]
        value = {"examples_quantiles": [{"quantile_name": "top", "examples": examples}]}
        (folder / f"{key.layer}_{key.feature}.json").write_text(json.dumps(value))
    out = tmp_path / "o.json"
    code, done, err = run(
        "route", graph, "--features", folder, "--rule", "raw", "-o", out, "--json"
    )
    assert code == 0, err
    assert json.loads(done)["missing"] == [list(key) for key in keys[5:]]
    both = ["--features", folder, "--features", INDEX]
    _, _, err = run("route", graph, *both, "--rule", "raw", "-o", out)
    assert "no evidence" not in err
    assert f"graphlabel label {out} --features {folder} --features {INDEX}" in err
    routed = read_graph(out).annotations.routings
    run("route", graph, "--features", INDEX, "--rule", "raw", "-o", out)
    alone = read_graph(out).annotations.routings
    assert {k: r.feature_class for k, r in routed.items()} == {
        k: r.feature_class for k, r in alone.items()
    }
    code, done, _ = run("label", out, *both, "-o", out, "--json", "--offline")
    assert (code, json.loads(done)["labelled"] > 0) == (0, True)
