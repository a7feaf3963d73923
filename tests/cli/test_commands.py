"""The commands as a person runs them, on real files and the embedded model."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from graphlabel import atlas
from graphlabel.annotation import History, Origin, Provenance, SetLabel, TogglePin
from graphlabel.cli.main import main
from graphlabel.export import FORMATS
from graphlabel.files import read_graph, write_graph
from graphlabel.graph import NodeKind
from graphlabel.store import Store, store_place

PROMPT = "Fact: the capital of the state containing Dallas is"
MODEL = ["--model", str(atlas.MODEL_FOLDER), "--transcoders", str(atlas.TRANSCODERS_FOLDER)]
INDEX = ["--features", str(atlas.INDEX_FOLDER)]


@dataclass
class Done:
    """What a command did."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments: str | Path, cwd: Path | None = None) -> Done:
    """Run a command within this process (torch is loaded once for all tests)."""
    out, err = io.StringIO(), io.StringIO()
    before, folder = sys.argv, Path.cwd()
    sys.argv = ["graphlabel", *map(str, arguments)]
    os.chdir(cwd or folder)
    try:
        with redirect_stdout(out), redirect_stderr(err), pytest.raises(SystemExit) as stopped:
            main()
    finally:
        sys.argv = before
        os.chdir(folder)
    code = stopped.value.code
    return Done(code if isinstance(code, int) else 0, out.getvalue(), err.getvalue())


def run_process(*arguments: str | Path) -> Done:
    """Run a command in a process of its own."""
    command = [sys.executable, "-m", "graphlabel", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    return Done(done.returncode, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def traced(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A graph of the Dallas prompt, routed and labelled by the commands."""
    folder = tmp_path_factory.mktemp("cli")
    path = folder / "g.json"
    done = run(
        "trace",
        PROMPT,
        *MODEL,
        "--node-threshold",
        "0.98",
        "-o",
        path,
        "--raw",
        folder / "raw.npz",
        "--json",
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["nodes"]["token"] == 11
    for command in ("route", "label"):
        done = run(command, path, *INDEX, "-o", path, "--json")
        assert done.returncode == 0, done.stderr
    return path


def test_trace_writes_the_raw_matrix(traced: Path) -> None:
    with np.load(traced.parent / "raw.npz", allow_pickle=False) as raw:
        assert {
            "active_features", "activation_values", "selected_features", "adjacency", "logit_ids",
            "logit_probabilities", "replacement_score", "completeness_score",
        } <= set(raw.files)  # fmt: skip
        n = len(raw["selected_features"]) + 3 * 11 + 11 + len(raw["logit_ids"])
        assert raw["adjacency"].shape == (n, n)
        assert float(raw["replacement_score"]) >= 0.8


def test_the_graph_says_what_made_it(traced: Path) -> None:
    facts = json.loads(run("info", traced, "--json").stdout)
    assert (facts["format"], facts["model"], facts["prompt"]) == ("graphlabel", "atlas", PROMPT)
    assert facts["model_revision"].startswith("sha256:")
    assert facts["transcoders_revision"].startswith("sha256:")
    assert facts["unrouted"] == 0
    assert facts["labelled"] >= facts["classes"]["input"] > 0
    assert facts["classes"]["output"] > 0
    raw = json.loads(traced.read_text())
    assert raw["metadata"]["pruning_settings"] == {"node_threshold": 0.98, "edge_threshold": 0.98}
    node = next(node for node in raw["nodes"] if "graphlabel" in node)
    assert {"class", "tier", "scores", "reason"} <= node["graphlabel"].keys()


def test_token_ids_are_used_as_given(traced: Path, tmp_path: Path) -> None:
    ids = json.loads(traced.read_text())["metadata"]["graphlabel"]["token_ids"]
    path = tmp_path / "ids.json"
    text = ",".join(map(str, ids))
    assert (
        run("trace", "--token-ids", text, *MODEL, "--node-threshold", "0.98", "-o", path).returncode
        == 0
    )
    one, two = json.loads(traced.read_text()), json.loads(path.read_text())
    assert [n["node_id"] for n in one["nodes"]] == [n["node_id"] for n in two["nodes"]]
    assert one["links"] == two["links"]


def test_the_raw_rule_routes_by_tau(traced: Path, tmp_path: Path) -> None:
    path = tmp_path / "raw.json"
    done = run("route", traced, *INDEX, "--rule", "raw", "--tau", "1.1", "-o", path, "--json")
    assert json.loads(done.stdout)["classes"] == {
        "input": 0, "output": 0, "cross": 0,
        "obscure": sum(json.loads(done.stdout)["classes"].values()),
    }  # fmt: skip


@pytest.mark.parametrize("to", FORMATS)
def test_every_export(traced: Path, tmp_path: Path, to: str) -> None:
    done = run("export", traced, "--to", to, "-o", tmp_path / "out", "--json")
    assert json.loads(done.stdout)["bytes"] == (tmp_path / "out").stat().st_size > 0


@pytest.mark.parametrize("to", ["csv", "svg", "html"])
def test_exports_go_to_standard_output(traced: Path, tmp_path: Path, to: str) -> None:
    run("export", traced, "--to", to, "-o", tmp_path / "out")
    done = run_process("export", traced, "--to", to, "-o", "-")
    assert done.stdout.encode() == (tmp_path / "out").read_bytes()
    assert not Path("-").exists()


def test_exports_take_evidence_along(traced: Path, tmp_path: Path) -> None:
    run("export", traced, "--to", "html", "-o", tmp_path / "bare.html")
    run("export", traced, "--to", "html", *INDEX, "-o", tmp_path / "full.html")
    assert (tmp_path / "full.html").stat().st_size > 2 * (tmp_path / "bare.html").stat().st_size
    done = run(
        "export",
        traced,
        "--to",
        "circuit-tracer",
        "--with-features",
        INDEX[1],
        "-o",
        tmp_path / "ct" / "dallas.json",
    )
    assert done.returncode == 0, done.stderr
    n_features = len(
        {node.key.feature_key for node in read_graph(traced).graph.nodes if node.is_feature}
    )
    assert len(list((tmp_path / "ct" / "features").glob("*.json"))) == n_features
    assert (
        json.loads((tmp_path / "ct" / "graph-metadata.json").read_text())["graphs"][0]["slug"]
        == "dallas"
    )


def test_info_shows_the_scores_of_what_is_pinned(traced: Path, tmp_path: Path) -> None:
    before = json.loads(run("info", traced, "--json").stdout)
    assert 0 < before["graph_replacement"] < 1
    assert (before["subgraph_replacement"], before["subgraph_completeness"]) == (None, None)
    document = read_graph(traced)
    features = tuple(node.key for node in document.graph.nodes if node.is_feature)
    history = History(document.annotations)
    history.do(TogglePin(features[:5]))
    write_graph(document.annotated(history.annotations), tmp_path / "pinned.json")
    after = json.loads(run("info", tmp_path / "pinned.json", "--json").stdout)
    assert after["graph_replacement"] == before["graph_replacement"]
    assert 0 < after["subgraph_replacement"] < after["graph_replacement"]
    assert "subgraph completeness" in run("info", tmp_path / "pinned.json").stdout


def test_a_refused_export_leaves_the_file_that_was_there(traced: Path, tmp_path: Path) -> None:
    (tmp_path / "g.json.gz").write_text("precious")
    done = run("export", traced, "--to", "circuit-tracer", *INDEX, "-o", tmp_path / "g.json.gz")
    assert done.returncode == 2
    assert (tmp_path / "g.json.gz").read_text() == "precious"


@pytest.mark.parametrize(
    ("to", "name"),
    [("same", "g.pt"), ("neuronpedia", "g.pt.gz"), ("svg", "g.png"), ("csv", "g.parquet")],
)
def test_a_name_of_another_format_is_refused(
    traced: Path, tmp_path: Path, to: str, name: str
) -> None:
    done = run("export", traced, "--to", to, "-o", tmp_path / name)
    assert (done.returncode, "is no name for" in done.stderr) == (2, True)
    assert list(tmp_path.iterdir()) == []


def test_csv_rows_are_the_nodes(traced: Path, tmp_path: Path) -> None:
    run("export", traced, "--to", "csv", "-o", tmp_path / "n.csv")
    with (tmp_path / "n.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["node_id"] for row in rows] == [
        node["node_id"] for node in json.loads(traced.read_text())["nodes"]
    ]


def test_a_feature_is_shown_with_its_peak_marked(traced: Path) -> None:
    node = next(n for n in json.loads(traced.read_text())["nodes"] if "graphlabel" in n)
    layer, feature, _ = node["node_id"].split("_")
    done = run("features", "show", f"{layer}/{feature}", *INDEX)
    assert done.returncode == 0, done.stderr
    assert "── top ──" in done.stdout
    assert "«" in done.stdout
    assert "logits +" in done.stdout
    plain = json.loads(run("features", "show", f"L{layer} #{feature}", *INDEX, "--json").stdout)
    assert plain["key"] == [int(layer), int(feature)]


def test_demo_does_the_whole_job(tmp_path: Path) -> None:
    done = run("demo", "--no-open", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the most influential features" in done.stdout
    for text in ("labelled by the token counter", "await a model", "await you", "replacement"):
        assert text in done.stderr
    facts = json.loads(run("info", tmp_path / "out/dallas.json", "--json").stdout)
    assert facts["replacement_score"] >= 0.8


def test_a_process_exits_2_with_one_line(tmp_path: Path) -> None:
    done = run_process("info", tmp_path / "no.json")
    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (2, "", 1)
    assert "Traceback" in run_process("--debug", "info", tmp_path / "no.json").stderr


def test_version_and_help() -> None:
    assert run("--version").stdout.startswith("graphlabel 0.")
    for command in ("demo", "trace", "route", "label", "open", "export", "info", "doctor"):
        done = run(command, "--help")
        assert done.returncode == 0
        assert "Usage" in done.stdout


def test_a_configuration_file_sets_defaults(traced: Path, tmp_path: Path) -> None:
    config = tmp_path / "config.toml"
    config.write_text(f'[features.show]\nfeatures = "{atlas.INDEX_FOLDER}"\n[route]\nrule = "raw"\ntau = 1.1\n')  # fmt: skip
    done = run("--config", config, "route", traced, *INDEX, "-o", tmp_path / "r.json", "--json")
    assert json.loads(done.stdout)["classes"]["input"] == 0
    for text, message in (
        ("[trace]\nmodell = 1", "trace.modell"),
        ("[tracee]", "tracee"),
        ("tau = 1", "outside a table"),
    ):
        config.write_text(text)
        done = run("--config", config, "info", traced)
        assert (done.returncode, message in done.stderr) == (2, True)
    config.write_text("not toml [")
    done = run("--config", config, "info", traced)
    assert (done.returncode, done.stderr.count("\n")) == (2, 1)


def bad(tmp_path: Path, traced: Path) -> dict[str, tuple[list[str | Path], str]]:
    (tmp_path / "text.json").write_text("hello")
    (tmp_path / "empty").mkdir()
    out = ["-o", tmp_path / "o.json"]
    sealed = "/proc/none/o.json" if os.geteuid() == 0 else "/o.json"
    return {
        "missing file": (["info", tmp_path / "no.json"], "does not exist"),
        "not JSON": (["info", tmp_path / "text.json"], "not JSON"),
        "folder": (["info", tmp_path], "is a folder; give a graph file"),
        "unknown model": (["trace", "x", "--model", "no/such", "--transcoders", "y", *out], "no model"),
        "no transcoders": (["trace", "x", *MODEL[:2], "--transcoders", tmp_path / "empty", *out], "config.yaml"),
        "empty prompt": (["trace", " ", *MODEL, *out], "prompt is empty"),
        "unknown words": (["trace", "Fact: the capital of Atlantis is", *MODEL, *out], "Atlantis"),
        "no permission": (["trace", PROMPT, *MODEL, "-o", sealed], "cannot write"),
        "no output": (["trace", PROMPT, *MODEL], "-o is missing"),
        "both prompts": (["trace", PROMPT, "--token-ids", "1", *MODEL, *out], "one of the two"),
        "bad ids": (["trace", "--token-ids", "1,x", *MODEL, *out], "whole numbers"),
        "bad option": (["trace", PROMPT, "--max-n-logits", "0", *MODEL, *out], "max-n-logits"),
        "no command": (["frobnicate"], "frobnicate"),
        "no source": (["route", traced, "--features", tmp_path / "no", *out], "no feature source"),
        "no index": (["route", traced, "--features", tmp_path / "empty", *out], "index.json"),
        "bad rule": (["route", traced, *INDEX, "--rule", "dice", *out], "dice"),
        "tau without raw": (["route", traced, *INDEX, "--tau", "0.4", *out], "--rule raw"),
        "file as model": (["trace", "x", "--model", traced, "--transcoders", "y", *out], "is a file"),
        "bad encoder": (["route", traced, *INDEX, "--encoder", "no-such-encoder", *out], "no sentence encoder"),
        "binary on stdout": (["export", traced, "--to", "png", "-o", "-"], "name a file"),
        "evidence in a table": (["export", traced, "--to", "csv", *INDEX, *out], "no evidence"),
        "dark table": (["export", traced, "--to", "csv", "--dark", *out], "svg and png"),
        "url of nothing": (["export", traced, "--to", "csv", "--features-url", "x", *out], "neuronpedia"),
        "two things on stdout": (["export", traced, "--to", "csv", "-o", "-", "--json"], "only the file"),
        "bad format": (["export", traced, "--to", "pdf", *out], "pdf"),
        "bad key": (["features", "show", "dog", *INDEX], "dog"),
        "no feature": (["features", "show", "99/1", *INDEX], "L99 #1"),
        "no terminal": (["open", traced], "terminal"),
    }  # fmt: skip


def test_bad_input_gives_one_line_and_exit_2(traced: Path, tmp_path: Path) -> None:
    for name, (arguments, message) in bad(tmp_path, traced).items():
        done = run(*arguments)
        lines = [line for line in done.stderr.splitlines() if not line.startswith("loading")]
        assert done.returncode == 2, (name, done.stderr)
        assert len(lines) == 1, (name, done.stderr)
        assert lines[0].startswith("graphlabel: "), name
        assert message in lines[0], (name, lines[0])
        assert not (tmp_path / "o.json").exists(), name


def test_labelling_before_routing_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    assert run("trace", PROMPT, *MODEL, "-o", path).returncode == 0
    done = run("label", path, *INDEX, "-o", path)
    assert (done.returncode, "graphlabel route first" in done.stderr) == (2, True)


def test_evidence_of_another_set_is_refused(traced: Path, tmp_path: Path) -> None:
    raw = json.loads(traced.read_text())
    raw["metadata"]["graphlabel"]["source"]["transcoders_revision"] = "sha256:other"
    path = tmp_path / "other.json"
    path.write_text(json.dumps(raw))
    done = run("route", path, *INDEX, "-o", path)
    assert (done.returncode, "--any-set" in done.stderr) == (2, True)
    done = run("route", path, *INDEX, "-o", path, "--any-set")
    keys = [node.key for node in read_graph(path).graph.nodes if node.key.kind is NodeKind.FEATURE]
    features = len({key.feature_key for key in keys})
    assert done.returncode == 0
    assert f"wrote {path}: {features} features of {len(keys)} nodes: " in done.stderr


def test_evidence_of_another_model_is_refused(traced: Path, tmp_path: Path) -> None:
    raw = json.loads(traced.read_text())
    del raw["metadata"]["graphlabel"]
    raw["metadata"] |= {"scan": "gemma-2-2b", "transcoder_list": []}
    path = tmp_path / "gemma.json"
    path.write_text(json.dumps(raw))
    done = run("route", path, *INDEX, "-o", path)
    assert (done.returncode, "gemma-2-2b" in done.stderr) == (2, True)


def test_edits_that_are_only_in_the_store_are_exported_and_counted(
    traced: Path, tmp_path: Path
) -> None:
    document, labels = read_graph(traced), read_graph(traced).annotations
    before = json.loads(run("info", traced, "--json").stdout)
    assert before["edits_only_in_store"] is False
    key = next(node.key for node in document.graph.nodes if labels.label_of(node.key) is None)
    store = Store(store_place())
    history = store.history(document.graph, document.annotations, "s", "ada")
    assert history.do(SetLabel((key,), "from the store", Provenance(Origin.PERSON, "ada")))
    store.close()
    for flags, expected in (([], True), (["--file-only"], False)):
        assert (
            run("export", traced, "--to", "csv", "-o", tmp_path / "n.csv", *flags).returncode == 0
        )
        assert ("from the store" in (tmp_path / "n.csv").read_text()) == expected
        facts = json.loads(run("info", traced, "--json", *flags).stdout)
        assert facts["edits_only_in_store"] == expected
        assert facts["labelled"] == before["labelled"] + expected


def test_doctor_finds_nothing_wrong() -> None:
    done = run("doctor", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert all(check["ok"] for check in json.loads(done.stdout))
