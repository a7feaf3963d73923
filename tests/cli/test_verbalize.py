"""``graphlabel verbalize``: obscure nodes in words, kept beside them, never as labels."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from graphlabel.annotation import Annotations, FeatureClass, Routing
from graphlabel.cli.main import main
from graphlabel.files import new_document, read_graph, write_graph
from graphlabel.graph import (
    AttributionGraph,
    Edges,
    FeatureKey,
    GraphSource,
    Node,
    NodeKey,
    NodeKind,
)
from tests.labeling.verbalizers import servers
from tests.labeling.verbalizers.nla import Pair, make_pair
from tests.labeling.verbalizers.test_servers import here

TOKENS = ("<bos>", "the", " rivers", " of", " Dallas")
FEATURES = [
    NodeKey(NodeKind.FEATURE, 0, 7, 2),
    NodeKey(NodeKind.FEATURE, 1, 3, 4),
    NodeKey(NodeKind.FEATURE, 1, 9, 0),
]


@pytest.fixture(scope="module")
def nla(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    return make_pair(tmp_path_factory.mktemp("nla"), "qwen2", steps=120)


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    """Three features: obscure at “rivers”, cross at “Dallas”, obscure at BOS."""
    nodes = [Node(key, influence=0.1 * (at + 1)) for at, key in enumerate(FEATURES)]
    whole = AttributionGraph(
        "the rivers of Dallas",
        TOKENS,
        tuple(nodes),
        Edges.of([0], [1], [1.0]),
        n_layers=2,
        source=GraphSource("other-model"),
    )
    classes = [FeatureClass.OBSCURE, FeatureClass.CROSS, FeatureClass.OBSCURE]
    routings = {
        key.feature_key: Routing(which, {}, "test")
        for key, which in zip(FEATURES, classes, strict=True)
    }
    path = tmp_path / "graph.json"
    write_graph(new_document(whole, "g").annotated(Annotations(routings=routings)), path)
    return path


def run(monkeypatch: pytest.MonkeyPatch, *arguments: object) -> int:
    monkeypatch.setattr("sys.argv", ["graphlabel", *map(str, arguments)])
    try:
        main()
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def test_obscure_nodes_get_an_aid_and_no_label(
    nla: Pair,
    graph: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    out = tmp_path / "out.json"
    local = ("--verbalizer", nla.av, "--model", nla.source, "--reconstructor", nla.ar, "--dtype", "float32",
             "--device", "cpu", "--temperature", "0", "--max-tokens", "8")  # fmt: skip
    assert run(monkeypatch, "verbalize", graph, *local, "-o", out) == 0
    printed = capsys.readouterr()
    kept = read_graph(out).annotations
    [said] = kept.verbalizations_of(FEATURES[0])
    assert list(kept.verbalizations) == [FEATURES[0]]
    assert not kept.labels
    assert (said.layer, said.passage, said.reading) == (1, "the rivers", "prompt")
    assert said.cosine is not None
    assert said.text in printed.out
    assert f"cosine {said.cosine:.2f}" in printed.out
    assert "1 had nothing to read" in printed.err
    assert (said.model, "the graph is of other-model" in printed.err) == ("source", True)
    # a second run has nothing to do; --again replaces
    assert run(monkeypatch, "verbalize", out, *local, "-o", out) == 0
    assert "0 vectors read" in capsys.readouterr().err
    assert run(monkeypatch, "verbalize", out, *local, "--again", "-o", out) == 0
    assert len(read_graph(out).annotations.verbalizations_of(FEATURES[0])) == 1


def test_named_nodes_and_json(
    nla: Pair,
    graph: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with servers.serving(servers.nla_server(here(nla), 32)) as running:
        ids = read_graph(graph).id_of_key
        code = run(monkeypatch, "verbalize", graph, "--verbalizer", running.url, "--node", "1/3",
                   "--node", ids[FEATURES[0]], "-o", tmp_path / "out.json", "--json")  # fmt: skip
    assert code == 0
    printed = json.loads(capsys.readouterr().out)
    assert set(printed) == {ids[FEATURES[0]], ids[FEATURES[1]]}
    assert printed[ids[FEATURES[1]]][0]["passage"] == "the rivers of Dallas"
    assert printed[ids[FEATURES[1]]][0]["out_of_distribution"] == ""


def test_what_came_before_a_failure_is_kept(
    nla: Pair,
    graph: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    answer, asked = servers.nla_server(here(nla), 32), list[str]()

    def dies(path: str, body: dict[str, object], headers: dict[str, str]) -> servers.Answer:
        asked.append(path)
        return answer(path, body, headers) if len(asked) < 3 else (400, {"detail": "gone"})

    out = tmp_path / "out.json"
    with servers.serving(dies) as running:
        code = run(monkeypatch, "verbalize", graph, "--verbalizer", running.url, "--node", "0/7", "--node", "1/3", "-o", out)  # fmt: skip
    assert code == 2
    assert capsys.readouterr().err.count("\n") == 1
    assert list(read_graph(out).annotations.verbalizations) == [FEATURES[0]]


def test_a_direction_is_the_decoder_row_or_its_sum_over_layers() -> None:
    import torch

    from graphlabel import atlas
    from graphlabel.errors import VerbalizerError
    from graphlabel.labeling.verbalizers.directions import feature_direction
    from graphlabel.models import load_transcoders
    from graphlabel.models.transcoders import NoTranscoder, Transcoders, WritePoint

    transcoders = load_transcoders(str(atlas.TRANSCODERS_FOLDER))
    found = feature_direction(transcoders, FeatureKey(1, 5), 3)
    row = transcoders.layers[1].decoder_rows(torch.tensor([5]), 1)[0]
    assert found.values.tolist() == row.float().tolist()
    assert (found.layer, found.reading) == (1, "direction")
    with pytest.raises(VerbalizerError, match="has no feature L99"):
        feature_direction(transcoders, FeatureKey(99, 0), None)

    class Crossing(NoTranscoder):
        """Writes 10ˡ into each layer l from 1 to 3."""

        n_features = 1
        write_layers = range(1, 4)

        def decoder_rows(self, features: torch.Tensor, write_layer: int) -> torch.Tensor:
            return torch.full((len(features), 2), 10.0**write_layer)

    crossing = Crossing(1, 2, WritePoint.RESIDUAL)
    across = Transcoders("across", "", "", (NoTranscoder(0, 2, WritePoint.RESIDUAL), crossing))
    for reads, wanted, layer in ((2, 110.0, 2), (None, 1110.0, 3), (0, 10.0, 1)):
        found = feature_direction(across, FeatureKey(1, 0), reads)
        assert found.values.tolist() == [wanted, wanted]
        assert found.layer == layer


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--read", "examples"), "--features"),
        (("--read", "direction"), "--transcoders"),
        (("--node", "5/5"), "is no feature node"),
        (("--verbalizer", "/nowhere/av"), "there is no checkpoint"),
        (("--verbalizer", "neuronpedia:gemma-3-27b-it", "--offline"), "drop --offline"),
    ],
)
def test_what_is_missing_is_said_in_a_line(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...], message: str,
) -> None:  # fmt: skip
    place = () if "--verbalizer" in arguments else ("--verbalizer", "/nowhere")
    assert run(monkeypatch, "verbalize", graph, "-o", tmp_path / "o.json", *place, *arguments) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


def test_features_show_tells_the_aids_of_a_graph(
    graph: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    from graphlabel import atlas
    from graphlabel.annotation import Reading, Verbalization

    document = read_graph(graph)
    hostile = Verbalization("rivers\x1b[31m and lakes", "av", Reading.DIRECTION, cosine=0.8765)
    kept = document.annotations.with_verbalizations({FeatureKey(0, 7): (hostile,)})
    write_graph(document.annotated(kept), graph)
    index = atlas.DATA_FOLDER / "index"
    assert run(monkeypatch, "features", "show", "0/7", "--features", index, "--graph", graph) == 0
    shown = capsys.readouterr().out
    assert "and lakes" in shown
    assert "cosine 0.88" in shown
    assert "\x1b[31m" not in shown
    assert (
        run(monkeypatch, "features", "show", "0/7", "--features", index, "--graph", graph, "--json")
        == 0
    )
    assert json.loads(capsys.readouterr().out)["verbalizations"][0]["cosine"] == 0.8765
