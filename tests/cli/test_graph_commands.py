"""fetch, push, trace --via, open LINK, lint, diff and info as a person runs them."""

from __future__ import annotations

import gzip
import json
import re
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from graphlabel.annotation import Group, Label, Origin, Provenance, SetLabel
from graphlabel.files import apply_link, parse_link, read_graph
from graphlabel.files.node_ids import cantor
from graphlabel.store import Store, store_place
from graphlabel_tui.session import Session
from tests.cli.test_commands import Done, run
from tests.files.strategies import node
from tests.neuronpedia.conftest import service as service  # the fixture
from tests.neuronpedia.server import KEY, Reply, Service

CT = "circuit-tracer"
HOSTILE = "\x1b[31mred\x9b2J[bold]x[/bold]\u202eevil\u2066\U000e0041"


def graph(slug: str = "dallas", **metadata: object) -> dict[str, Any]:
    nodes = [node(CT, "feature", layer, 5, 1) for layer in (1, 2)]
    nodes[0]["clerp"] = "state"
    nodes += [node(CT, "token", 0, 1, 1), {**node(CT, "logit", 4, 7, 1), "token_prob": 0.5, "clerp": 'Output "x" (p=0.500)'}]  # fmt: skip
    links = [{"source": "1_5_1", "target": "2_5_1", "weight": 1.0}]
    return {
        "metadata": {"slug": slug, "scan": "gemma-2-2b", "prompt": "a b", "prompt_tokens": ["a", "b"], "schema_version": 1, **metadata},
        "qParams": {"pinnedIds": ["1_5_1"], "supernodes": [["one", "1_5_1"]]}, "nodes": nodes, "links": links,
    }  # fmt: skip


def written(path: Path, raw: dict[str, Any] | None = None) -> Path:
    path.write_text(json.dumps(raw or graph()))
    return path


def one_line(done: Done, message: str) -> None:
    assert (done.returncode, done.stdout) == (2, ""), done.stderr
    lines = [line for line in done.stderr.splitlines() if line.startswith("graphlabel: ")]
    assert len(lines) == 1, done.stderr
    assert message in lines[0]
    assert KEY not in done.stderr
    assert "unexpected" not in lines[0]


def test_fetch_writes_the_graph_to_the_letter(service: Service, tmp_path: Path) -> None:
    data = json.dumps(graph(), indent=2).encode()
    service.graphs["gemma-2-2b/dallas"] = data
    done = run("fetch", "gemma-2-2b/dallas", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "dallas.json").read_bytes() == data
    again = run("fetch", "gemma-2-2b/dallas", "--json", cwd=tmp_path)
    assert json.loads(again.stdout)["file"] == "dallas-2.json"
    packed = run("fetch", "gemma-2-2b/dallas", "-o", tmp_path / "g.json.gz")
    assert packed.returncode == 0
    assert json.loads(gzip.decompress((tmp_path / "g.json.gz").read_bytes())) == graph()


def test_fetch_applies_a_link(service: Service, tmp_path: Path) -> None:
    service.graphs["gemma-2-2b/dallas"] = json.dumps(graph()).encode()
    state = {"slug": "dallas", "pinnedIds": "2_5_1", "clerps": json.dumps([[f"2_{cantor(2, 5)}_1", "capital"]])}  # fmt: skip
    link = f"https://www.neuronpedia.org/gemma-2-2b/graph?{urlencode(state)}"
    done = run("fetch", link, "-o", tmp_path / "g.json", "--json")
    assert done.returncode == 0, done.stderr
    raw = json.loads((tmp_path / "g.json").read_text())
    assert raw["qParams"]["pinnedIds"] == ["2_5_1"]
    assert raw["nodes"][1]["clerp"] == "capital"
    assert raw["metadata"] == graph()["metadata"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("dallas", "MODEL/SLUG"), ("a/b/c", "no name on Neuronpedia"), ("m/gone", "404"),
        ("https://evil.example/m/graph?slug=x", "evil.example"), ("https://x/y", "no link to a graph"),
    ],
)  # fmt: skip
def test_fetch_refuses_in_one_line(
    name: str, message: str, service: Service, tmp_path: Path
) -> None:
    one_line(run("fetch", name, cwd=tmp_path), message)
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(200, b"<html>"), "not JSON"), (Reply(200, b'{"nodes": [', cut=50), "broke off"),
        (Reply(200, b'{"nodes": ['), "not JSON"), (Reply(404, b"<Error/>"), "404"),
        (Reply(200, b"PK\x03\x04 pickle"), "not JSON"),
    ],
)  # fmt: skip
def test_a_broken_download_leaves_no_file(
    reply: Reply, message: str, service: Service, tmp_path: Path
) -> None:
    service.graphs["m/s"] = b"x"
    service.replies["/storage/m/s"] = [reply]
    one_line(run("fetch", "m/s", cwd=tmp_path), message)
    assert not list(tmp_path.glob("*.json"))


def test_push_uploads_and_saves_the_subgraph(service: Service, tmp_path: Path) -> None:
    path = written(tmp_path / "g.json", {**graph(), "padding": "x" * 1024})
    document = read_graph(path)
    store = Store(store_place())
    history = store.history(document.graph, document.annotations, "s", "ada")
    assert history.do(SetLabel((document.graph.nodes[1].key,), "say Austin", Provenance(Origin.PERSON, "ada")))  # fmt: skip
    store.close()
    done = run("push", path, "--slug", "mine", "--name", "my title", "--json")
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["page"] == f"{service.url}/gemma-2-2b/graph?slug=mine"
    assert said["subgraph"] == "sub1"
    uploaded = json.loads(service.uploads["mine.json"])
    assert uploaded["metadata"]["slug"] == "mine"
    assert [each["clerp"] for each in uploaded["nodes"]][:2] == ["state", "say Austin"]
    (saved,) = service.subgraphs
    ids = [each["node_id"] for each in uploaded["nodes"]]
    assert saved["pinnedIds"] == [ids[0]]
    assert saved["supernodes"] == [["one", ids[0]]]
    assert saved["clerps"] == [[f"2_{cantor(2, 5)}_1", "say Austin"]]
    assert (saved["modelId"], saved["slug"], saved["displayName"]) == ("gemma-2-2b", "mine", "my title")  # fmt: skip
    assert KEY not in done.stdout + done.stderr


def test_push_can_save_the_subgraph_only(service: Service, tmp_path: Path) -> None:
    done = run("push", written(tmp_path / "g.json"), "--subgraph-only", "--overwrite", "sub0")
    assert done.returncode == 0, done.stderr
    assert not service.uploads
    assert service.subgraphs[0]["overwriteId"] == "sub0"


def test_push_refuses_in_one_line(
    service: Service, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = written(tmp_path / "g.json", {**graph(), "padding": "x" * 1024})
    one_line(run("push", path, "--slug", "a b"), "no name on Neuronpedia")
    service.replies["/api/graph/save-to-db"] = [Reply(400, b'{"error": "This model already has this slug."}')]  # fmt: skip
    one_line(run("push", path), "already has this slug")
    service.replies["/api/graph/signed-put"] = [Reply(429, b'{"error": "Too many put requests"}')]
    one_line(run("push", path), "Too many put requests")
    monkeypatch.setenv("NEURONPEDIA_API_KEY", "wrong")
    one_line(run("push", path), "refused the key")
    monkeypatch.delenv("NEURONPEDIA_API_KEY")
    one_line(run("push", path), "set NEURONPEDIA_API_KEY")


def test_trace_via_neuronpedia(service: Service, tmp_path: Path) -> None:
    service.made = json.dumps(graph()).encode()
    out = tmp_path / "g.json"
    done = run("trace", "a b", "--via", "neuronpedia", "--model", "gemma-2-2b", "--transcoders", "clt-hp",
               "--slug", "mine", "--max-feature-nodes", "5000", "-o", out, "--json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert out.read_bytes() == service.made
    assert json.loads(done.stdout)["nodes"]["feature"] == 2
    assert service.generated == [{
        "prompt": "a b", "modelId": "gemma-2-2b", "slug": "mine", "sourceSetName": "clt-hp",
        "maxNLogits": 10, "desiredLogitProb": 0.95, "nodeThreshold": 0.8, "edgeThreshold": 0.98,
        "maxFeatureNodes": 5000,
    }]  # fmt: skip


def test_trace_via_refuses_in_one_line(service: Service, tmp_path: Path) -> None:
    out = ["-o", str(tmp_path / "g.json")]
    one_line(run("trace", "x", "--via", "elsewhere", *out), "elsewhere")
    one_line(run("trace", "--token-ids", "1", "--via", "neuronpedia", *out), "--token-ids")
    one_line(run("trace", "x", "--via", "neuronpedia", *out), "--model is missing")
    one_line(run("trace", "x", "--via", "neuronpedia", "--model", "m"), "-o is missing")
    service.replies["/api/graph/generate"] = [Reply(503, b'{"error": "GPUs Busy"}')]
    one_line(run("trace", "x", "--via", "neuronpedia", "--model", "m", *out), "GPUs Busy")
    assert not (tmp_path / "g.json").exists()


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Session]:
    """The sessions that ``open`` runs, as they are when the workbench would start."""
    sessions: list[Session] = []
    monkeypatch.setattr("graphlabel_tui.app.run", lambda session, _pair: sessions.append(session))
    monkeypatch.setattr("graphlabel.cli.commands.open_._in_terminal", lambda: True)
    return sessions


def test_open_takes_links(service: Service, tmp_path: Path, opened: list[Session]) -> None:
    service.graphs["gemma-2-2b/dallas"] = json.dumps(graph()).encode()
    link = "https://www.neuronpedia.org/gemma-2-2b/graph?slug=dallas&pinnedIds=2_5_1"
    assert run("open", link, "--store", tmp_path / "a.db", cwd=tmp_path).returncode == 0
    local = written(tmp_path / "local.json")
    assert run("open", local, "--store", tmp_path / "b.db", "--link", link).returncode == 0
    assert run("open", local, "--store", tmp_path / "c.db").returncode == 0
    fetched, with_link, plain = opened
    assert (fetched.path, with_link.path) == (Path("dallas.json"), local)
    second = fetched.graph.nodes[1].key
    assert fetched.annotations.pinned == with_link.annotations.pinned == (second,)
    assert plain.annotations.pinned == (plain.graph.nodes[0].key,)
    one_line(run("open", "https://www.neuronpedia.org/x"), "no link to a graph")


def test_export_lays_a_link_over_a_graph(tmp_path: Path) -> None:
    local = written(tmp_path / "local.json")
    before = local.read_bytes()
    link = "https://www.neuronpedia.org/gemma-2-2b/graph?slug=dallas&pinnedIds=2_5_1"
    out = tmp_path / "out.json"
    done = run("export", local, "--to", "same", "--link", link, "-o", out, "--file-only")
    assert done.returncode == 0, done.stderr
    assert json.loads(out.read_text())["qParams"]["pinnedIds"] == ["2_5_1"]
    assert local.read_bytes() == before
    unusable = run("export", local, "--to", "same", "--link", "https://x/y", "-o", out)
    one_line(unusable, "no link to a graph")


def test_a_links_annotations_are_kept_and_can_be_undone(
    tmp_path: Path, opened: list[Session]
) -> None:
    path, store = written(tmp_path / "g.json"), ("--store", tmp_path / "store.db")
    assert run("open", path, *store).returncode == 0
    first, second = (node.key for node in opened[0].graph.nodes[:2])
    kept = Store(tmp_path / "store.db")
    Session(opened[0].document, path, kept).do(Group("mine", (first, second)))
    kept.close()
    encoded = urlencode({"slug": "dallas", "supernodes": '[["theirs", "2_5_1"]]',
                         "clerps": f'[["1_{cantor(1, 5)}_1", "their label"]]'})  # fmt: skip
    link = f"https://www.neuronpedia.org/gemma-2-2b/graph?{encoded}"
    assert run("open", path, *store, "--link", link).returncode == 0
    assert not opened[1].is_saved
    assert run("open", path, *store).returncode == 0
    again = opened[2]
    assert [group.name for group in again.annotations.supernodes] == ["theirs"]
    assert again.annotations.label_of(first) == Label("their label")
    out = tmp_path / "out.json"
    assert run("export", path, *store, "--to", "same", "-o", out).returncode == 0
    assert json.loads(out.read_text())["qParams"]["supernodes"] == [["theirs", "2_5_1"]]
    edit = again.history.undo()
    assert edit is not None
    assert edit.title == "apply the link"
    assert [group.name for group in again.annotations.supernodes] == ["mine"]


def test_lint_says_what_is_wrong_and_mends_it(tmp_path: Path) -> None:
    raw = graph()
    raw["links"].append({"source": "gone", "target": "2_5_1", "weight": 1.0})
    raw["qParams"]["pinnedIds"].append(HOSTILE)
    path = written(tmp_path / "g.json", raw)
    done = run("lint", path)
    assert done.returncode == 1
    assert "dangling-link ×1" in done.stdout
    assert "gone → 2_5_1" in done.stdout
    assert path.read_text() == json.dumps(raw)
    found = json.loads(run("lint", path, "--json").stdout)
    assert [each["code"] for each in found["problems"]] == ["dangling-link", "unresolved-pin"]
    copy = tmp_path / "copy.json.gz"
    assert run("lint", path, "--fix", "-o", copy).returncode == 0
    assert path.read_text() == json.dumps(raw)
    done = run("lint", path, "--fix", "--json")
    assert (done.returncode, len(json.loads(done.stdout)["fixed"])) == (0, 2)
    assert json.loads(gzip.decompress(copy.read_bytes())) == json.loads(path.read_text()) == graph()
    done = run("lint", path)
    assert (done.returncode, done.stdout) == (0, "")
    one_line(run("lint", path, "-o", copy), "--fix")


def test_info_counts_and_leaves_out_what_nobody_did(tmp_path: Path) -> None:
    raw = graph()
    raw["qParams"]["supernodes"] = [["one", "1_5_1", "gone"], ["two", "2_5_1"]]
    raw["links"].append({"source": "gone", "target": "2_5_1", "weight": 1.0})
    path = written(tmp_path / "g.json", raw)
    facts = json.loads(run("info", path, "--json").stdout)
    wanted = {
        "format": CT, "nodes": {"feature": 2, "token": 1, "logit": 1}, "links": 1, "dangling_links": 1,
        "labelled": 1, "supernodes": 2, "members_resolved": 2, "members_unresolved": 1, "pinned": 1,
        "unrouted": 2,
    }  # fmt: skip
    assert {name: facts[name] for name in wanted} == wanted
    assert "classes" not in facts
    shown = run("info", path).stdout
    assert "obscure" not in shown
    assert facts["features"] == 2
    assert re.search(r"^labelled +1 nodes$", shown, re.M)
    assert re.search(r"^unrouted +2 feature nodes$", shown, re.M)


def test_info_says_where_the_evidence_is_likely_to_be(tmp_path: Path) -> None:
    path = written(tmp_path / "g.json", graph(scan="mntss/a-set"))
    command = 'hf download mntss/a-set --include "features/*" --local-dir DIR'
    assert command in run("info", path).stdout
    one_line(run("route", path, "-o", path), f"--features is missing; for {path}: {command}")
    absent = run("route", path, "-o", path, "--features", "clt/features")
    one_line(absent, f"no feature source at clt/features; for this graph: {command}")
    one_line(run("route", "-o", path), "say where the features' evidence is: a folder")
    unnamed = written(tmp_path / "unnamed.json")
    one_line(run("label", unnamed, "-o", path), "neuronpedia:MODEL/SET")
    one_line(run("label", tmp_path, "-o", path), "neuronpedia:MODEL/SET")


def test_diff_compares_labels(tmp_path: Path) -> None:
    other = graph("houston")
    other["nodes"][0]["clerp"] = "State"
    other["nodes"][1]["clerp"] = HOSTILE
    left, right = written(tmp_path / "a.json"), written(tmp_path / "b.json", other)
    found = json.loads(run("diff", left, right, "--json").stdout)
    assert {name: found[name] for name in ("shared", "only_a", "only_b", "agree", "differ")} == {
        "shared": 2, "only_a": 0, "only_b": 0, "agree": 1, "differ": 0,
    }  # fmt: skip
    assert found["features"][0]["agree"] is True
    assert found["features"][1]["b"]["labels"] == [HOSTILE]
    done = run("diff", left, right)
    assert "L1 #5" in done.stdout
    assert "labels agree on 1, differ on 0" in done.stderr
    written(right, graph("x", scan="other"))
    one_line(run("diff", left, right), "--any-set")


def hostile_file() -> dict[str, Any]:
    raw = graph(HOSTILE, prompt=HOSTILE, prompt_tokens=[HOSTILE, "[red]b"], transcoder_list=[HOSTILE])  # fmt: skip
    raw["nodes"][0]["clerp"] = HOSTILE
    raw["nodes"][1]["clerp"] = "[red]" + "x" * 1_000_000
    raw["nodes"][3]["clerp"] = f'{HOSTILE} Output "{HOSTILE}" (p=0.1)'
    raw["nodes"].append({**raw["nodes"][0], "node_id": HOSTILE, "ctx_idx": 0})
    raw["qParams"]["supernodes"] = [[HOSTILE, "1_5_1", HOSTILE + "gone"]]
    raw["links"].append({"source": HOSTILE + "gone", "target": "2_5_1", "weight": 1.0})
    raw[HOSTILE] = {HOSTILE: HOSTILE}
    return raw


@pytest.mark.parametrize(
    "command",
    [["info"], ["info", "--json"], ["lint"], ["lint", "--json"], ["lint", "--fix"], ["diff"],
     ["diff", "--json"], ["export", "--to", "same", "-o", "out.json"]],
    ids=" ".join,
)  # fmt: skip
def test_hostile_text_is_inert_in_every_output(command: list[str], tmp_path: Path) -> None:
    path = written(tmp_path / "g.json", hostile_file())
    name, *options = command
    files = [path, path] if name == "diff" else [path]
    done = run(name, *files, *options, cwd=tmp_path)
    assert done.returncode in (0, 1), done.stderr
    shown = done.stdout + done.stderr
    assert shown
    for char in "\x1b\x9b\u202e\u2066\U000e0041":
        assert char not in shown
    if "--json" in options:
        assert HOSTILE in json.dumps(json.loads(done.stdout), ensure_ascii=False).replace("\\u001b", "\x1b")  # fmt: skip
    elif name != "export":
        assert "[bold]x[/bold]" in shown  # Rich markup is text
        assert max(map(len, shown.splitlines())) < 5000


@pytest.mark.parametrize("value", [HOSTILE, "a\nb\r\nc"])
def test_hostile_text_is_inert_in_refusals(value: str, tmp_path: Path) -> None:
    for place in ("layer", "ctx_idx", "feature_type"):
        raw = graph()
        raw["nodes"][0][place] = [value]
        path = written(tmp_path / "g.json", raw)
        done = run("info", path)
        assert (done.returncode, done.stderr.count("\n")) == (2, 1)
        assert "\x1b" not in done.stderr
    named = run("info", tmp_path / f"{value}.json")
    assert (named.returncode, named.stderr.count("\n"), "\x1b" in named.stderr) == (2, 1, False)


WEIRD = {
    "deep": b'{"nodes": [], "links": [], "x": ' + b"[" * 200_000 + b"]" * 200_000 + b"}",
    "huge integer": b'{"nodes": [], "links": [], "metadata": {"prompt": ' + b"9" * 5000 + b"}}",
    "NaN": b'{"nodes": [], "links": [{"source": "a", "target": "b", "weight": NaN}]}',
    "Infinity": b'{"nodes": [], "links": [], "metadata": {"slug": -Infinity}}',
    "big exponent": b'{"nodes": [], "links": [], "metadata": {"slug": 1e999}}',
    "lone surrogate": b'{"nodes": [], "links": [], "metadata": {"slug": "\\ud800"}}',
    "bad UTF-8": b'{"nodes": [], "links": [], "metadata": {"slug": "\xff"}}',
    "NUL": b"\0" * 100,
    "UTF-16": json.dumps(graph()).encode("utf-16"),
    "null weight": b'{"nodes": [], "links": [{"source": "a", "target": "b", "weight": null}]}',
}


@pytest.mark.parametrize("name", WEIRD)
def test_weird_files_are_refused_in_one_line(name: str, tmp_path: Path) -> None:
    path = tmp_path / "g.json"
    path.write_bytes(WEIRD[name])
    one_line(run("info", path), "g.json" if name != "null weight" else "lint --fix")
    done = run("lint", path, "--json")
    assert done.returncode in (1, 2)
    assert done.stderr.count("\n") == (done.returncode == 2)


@pytest.mark.parametrize("number", [10**400, 2**63, 10**18 * 100])
@pytest.mark.parametrize("place", ["ctx_idx", "layer", "feature", "activation", "node_id"])
def test_huge_numbers_do_no_harm(number: int, place: str, tmp_path: Path) -> None:
    raw = graph()
    raw["nodes"][0][place] = number
    path = written(tmp_path / "g.json", raw)
    for command in (["info", path, "--json"], ["lint", path, "--json"], ["diff", path, path, "--json"]):  # fmt: skip
        done = run(*command)
        assert done.returncode in (0, 1, 2)
        assert "unexpected" not in done.stderr
        assert done.stderr.count("\n") <= 1


def test_export_names_the_address_with_pins_and_supernodes(tmp_path: Path) -> None:
    path = written(tmp_path / "g.json")
    done = run("export", path, "--to", "neuronpedia", "-o", tmp_path / "np.json", "--json")
    link = json.loads(done.stdout)["link"]
    assert link == (
        "https://www.neuronpedia.org/gemma-2-2b/graph?slug=dallas&pinnedIds=1_5_1"
        "&supernodes=%5B%5B%22one%22%2C%221_5_1%22%5D%5D"
    )
    done = run("export", path, "--to", "circuit-tracer", "-o", tmp_path / "ct.json")
    local = link.replace("https://www.neuronpedia.org/gemma-2-2b/graph?slug=dallas",
                         "http://localhost:8041/index.html?slug=ct")  # fmt: skip
    assert done.stderr.splitlines()[-1].endswith(f" {local}")
    applied = apply_link(read_graph(tmp_path / "np.json"), parse_link(link))
    assert (applied.unresolved, applied.document.annotations) == (
        0, read_graph(path).annotations,
    )  # fmt: skip
    plain = graph()
    plain["qParams"] = {}
    done = run("export", written(path, plain), "--to", "neuronpedia", "-o", tmp_path / "np.json", "--json")  # fmt: skip
    assert "link" not in json.loads(done.stdout)
