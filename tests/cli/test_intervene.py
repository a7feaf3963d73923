"""``graphlabel intervene`` as a person runs it, on atlas."""

from __future__ import annotations

import contextlib
import io
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import save_model, save_transcoders

from graphlabel import atlas
from graphlabel.annotation import Annotations, Supernode
from graphlabel.cli.main import main
from graphlabel.files import read_graph, write_graph
from graphlabel.graph import NodeKind
from tests.conftest import real

PROMPT = "Fact: the capital of the state containing {} is"
RUNS = ("constrained", "patterns", "free")


def run(*arguments: str | Path) -> tuple[int, str, str]:
    """Exit status, standard output, standard error."""
    out, err, before = io.StringIO(), io.StringIO(), sys.argv
    sys.argv = ["graphlabel", *map(str, arguments)]
    try:
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), pytest.raises(SystemExit) as stopped:  # fmt: skip
            main()
    finally:
        sys.argv = before
    return int(stopped.value.code or 0), out.getvalue(), err.getvalue()


def grouped(path: Path) -> Path:
    """The graph with the features of its last layer, and those of its first, as supernodes."""
    document = read_graph(path)
    keys = [node.key for node in document.graph.nodes if node.is_feature]
    token = next(node.key for node in document.graph.nodes if node.key.kind is NodeKind.TOKEN)
    groups = (
        Supernode("say a capital", tuple(key for key in keys if key.layer == 2)),
        Supernode("early", tuple(key for key in keys if key.layer == 0)),
        Supernode("words*2", (token,)),
    )
    write_graph(document.annotated(Annotations(supernodes=groups)), path)
    return path


@pytest.fixture(scope="module")
def graphs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Graphs of two cities, traced with atlas."""
    folder = tmp_path_factory.mktemp("graphs")
    made = {}
    for city in ("Dallas", "Oakland"):
        path = folder / f"{city}.json"
        status, _, err = run(
            "trace", PROMPT.format(city), "--node-threshold", "0.98", "--model", atlas.MODEL_FOLDER,
            "--transcoders", atlas.TRANSCODERS_FOLDER, "-o", path,
        )  # fmt: skip
        assert status == 0, err
        made[city] = grouped(path)
    return made


def facts(*arguments: str | Path) -> dict[str, dict[str, object]]:
    status, out, err = run("intervene", *arguments, "--json")
    assert status == 0, err
    found = json.loads(out)
    return {row["token"].strip(): row for row in found["tokens"]} | {"": found}


def logit(found: dict[str, dict[str, object]], token: str, name: str) -> float:
    return float(found[token][name]["logit"])  # type: ignore[index]


def test_reversing_what_says_the_capital_takes_it_back(graphs: dict[str, Path]) -> None:
    found = facts(graphs["Dallas"], "--supernode", "say a capital", "--scale", "-1")
    for name in RUNS:
        assert logit(found, "Austin", name) < logit(found, "Austin", "before") - 3
    shares = {row["name"]: row for row in found[""]["supernodes"]}  # type: ignore[attr-defined, index]
    assert shares["say a capital"]["free"] == pytest.approx(-1)
    assert shares["early"]["free"] == pytest.approx(1, abs=1e-3)


def test_a_factor_of_one_changes_nothing(graphs: dict[str, Path]) -> None:
    """float32: logits to 1e-4."""
    found = facts(graphs["Dallas"], "--supernode", "say a capital*1", "--supernode", "early*1")
    rows = [row for token, row in found.items() if token]
    for row in rows:
        for name in RUNS:
            assert row[name]["logit"] == pytest.approx(row["before"]["logit"], abs=1e-4)  # type: ignore[index]


def lead(found: dict[str, dict[str, object]], name: str) -> float:
    """How far the other state's capital is ahead."""
    return logit(found, "Sacramento", name) - logit(found, "Austin", name)


def test_another_graphs_features_raise_its_capital(graphs: dict[str, Path]) -> None:
    found = facts(
        graphs["Dallas"], "--supernode", "say a capital", "--swap-from", graphs["Oakland"],
        "--swap-supernode", "say a capital", "--top", "50",
    )  # fmt: skip
    for name in RUNS:
        assert lead(found, name) > lead(found, "before") + 5
    assert found[""]["swapped_in"] == ["say a capital"]
    interventions: Sequence[dict[str, object]] = found[""]["interventions"]  # type: ignore[assignment]
    assert {"set", "scale"} <= {key for each in interventions for key in each}
    twice = facts(
        graphs["Dallas"], "--supernode", "say a capital=0", "--swap-from", graphs["Oakland"],
        "--swap-supernode", "say a capital", "--swap-scale", "2", "--swap-at", "10", "--top", "50",
    )  # fmt: skip
    assert lead(twice, "free") > lead(found, "free")


def test_nodes_positions_and_text(graphs: dict[str, Path]) -> None:
    document = read_graph(graphs["Dallas"])
    node = document.id_of_key[next(n.key for n in document.graph.nodes if n.key.layer == 2)]
    found = facts(
        graphs["Dallas"], "--node", f"{node}*-2", "--supernode", "early=0.5", "--generate", "3",
        "--everywhere", "--conditional", "--top", "2",
    )[""]  # fmt: skip
    assert found["changed"] == ["early = 0.5", f"{node} × -2"]
    for each in found["interventions"]:  # type: ignore[attr-defined]
        assert each["position"] is None
        assert each["conditional"]
    generated: dict[str, str] = found["generated"]  # type: ignore[assignment]
    assert set(generated) == {"before", "free"}
    assert generated["before"].startswith(" Austin")
    status, out, err = run("intervene", graphs["Dallas"], "--node", node, "--generate", "2")
    assert status == 0
    assert "next token" in out
    assert "Austin" in out
    assert "before: ' Austin" in out
    assert "free: everything reacts" in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "nothing is changed; name features"),
        (["--supernode", "Texas"], "no supernode “Texas”; it has “say a capital”, “early”"),
        (["--supernode", "words*2"], "“words*2” holds no features"),
        (["--supernode", "words*2*3"], "“words*2” holds no features"),
        (["--node", "nowhere"], "no node “nowhere”; ids look like"),
        (["--node", "ERROR"], "is no feature but of kind error"),
        (["--node", "LOGIT"], "is no feature but of kind logit"),
        (["--node", "TOKEN"], "is no feature but of kind token"),
        (["--supernode", "early", "--supernode", "early*2"], "is changed twice"),
        (["--supernode", "early", "--scale", "1", "--set", "2"], "exclude each other"),
        (["--supernode", "early", "--swap-from", "OTHER"], "which features?"),
        (["--supernode", "early", "--swap-supernode", "early"], "need --swap-from"),
        (["--supernode", "early", "--swap-from", "OTHER", "--swap-supernode", "x"], "no supernode “x”"),
        (["--supernode", "early", "--swap-from", "OTHER", "--swap-supernode", "early", "--everywhere"], "leave out --everywhere"),
        (["--supernode", "early", "--swap-from", "OTHER", "--swap-supernode", "early", "--swap-at", "11"], "positions 1 to 10 carry features"),
        (["--supernode", "early", "--generate", "9999"], "generate fewer"),
        (["--supernode", "early", "--set", "nan"], "cannot be changed by nan; give a number from"),
        (["--supernode", "early", "--set", "1e39"], "1e+39; give a number from -1e+09 to 1e+09"),
        (["--supernode", "early", "--set", "1e9", "--dtype", "float16"], "NaN or infinite"),
        (["--supernode", "early", "--model", "SMALL", "--transcoders", "SMALL"], "token id 1242 is outside the vocabulary"),
    ],
)  # fmt: skip
def test_refusals_are_one_line(
    graphs: dict[str, Path], tmp_path: Path, arguments: list[str], message: str
) -> None:
    document = read_graph(graphs["Dallas"])
    ids = {
        str(node.key.kind).upper(): document.id_of_key[node.key] for node in document.graph.nodes
    }
    ids["OTHER"] = str(graphs["Oakland"])
    if "SMALL" in arguments:
        small = save_model(tmp_path / "llama", "llama"), save_transcoders(tmp_path / "r", "relu")
        arguments = [
            "--supernode",
            "early",
            "--model",
            str(small[0]),
            "--transcoders",
            str(small[1]),
        ]
    status, out, err = run("intervene", graphs["Dallas"], *(ids.get(a, a) for a in arguments))
    assert status == 2
    assert message in err.splitlines()[-1]
    assert not out


def test_a_graph_that_does_not_say_where_its_model_is(graphs: dict[str, Path], tmp_path: Path) -> None:  # fmt: skip
    """Folders of the machine are not in the file; with the options it goes on."""
    model, transcoders = save_model(tmp_path / "llama", "llama"), save_transcoders(tmp_path / "r", "relu")  # fmt: skip
    path = tmp_path / "g.json"
    where = ("--model", model, "--transcoders", transcoders)
    assert run("trace", "w6 w17 w1 w40", *where, "-o", path)[0] == 0
    assert str(tmp_path) not in path.read_text()
    document = read_graph(path)
    node = document.id_of_key[next(n.key for n in document.graph.nodes if n.is_feature)]
    status, _, err = run("intervene", path, "--node", node)
    assert status == 2
    assert "name them: --model (tiny) and --transcoders (tiny-relu)" in err
    assert run("intervene", path, "--node", node, *where)[0] == 0
    status, _, err = run(
        "intervene", graphs["Dallas"], "--supernode", "early", "--swap-from", path,
        "--swap-node", node,
    )  # fmt: skip
    assert status == 2
    assert "the graphs' features are of atlas ▸ atlas and of tiny ▸ tiny-relu" in err


def test_ids_are_remembered_and_folders_of_strangers_are_not_opened(tmp_path: Path) -> None:
    from graphlabel.cli.traced_with import places_stated, traced_with
    from graphlabel.errors import UsageError

    folder = str(tmp_path)
    stated = places_stated("google/gemma-2-2b", "sae-lens:some-release:layer_{}/w", None)
    assert stated == {
        "model": "google/gemma-2-2b",
        "transcoders": "sae-lens:some-release:layer_{}/w",
    }
    assert places_stated(folder, "hf://a/b/c?revision=d", "x.gguf") == {"transcoders": "hf://a/b/c?revision=d"}  # fmt: skip
    path = tmp_path / "g.json"
    for settings, message in (
        (stated, None),
        ({"model": "/etc", "transcoders": folder}, "name them"),
        ({"model": "../x", "transcoders": ["a"]}, "name them"),
    ):
        raw = {
            "metadata": {"slug": "g", "prompt_tokens": ["a"], "generation_settings": settings},
            "qParams": {}, "nodes": [], "links": [],
        }  # fmt: skip
        path.write_text(json.dumps(raw))
        if message is None:
            found = traced_with(read_graph(path), None, None)
            assert {"model": found.model, "transcoders": found.transcoders} == settings
        else:
            with pytest.raises(UsageError, match=message):
                traced_with(read_graph(path), None, None)


@pytest.mark.parametrize(
    "name", ["anthropic/opposite_of_small.json", "neuronpedia/bee-insect-plt.json"]
)
def test_graphs_of_other_tools_are_refused_politely(name: str) -> None:
    path = real(f"graphs/{name}")
    document = read_graph(path)
    node = document.id_of_key[next(n.key for n in document.graph.nodes if n.is_feature)]
    status, _, err = run("intervene", path, "--node", node)
    assert status == 2
    assert "name them: --model" in err
    assert len(err.splitlines()) == 1
