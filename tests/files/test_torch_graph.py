"""circuit-tracer's pickled graphs: read without torch, and never trusted."""

from __future__ import annotations

import pickle
import struct
import sys
import types
import zipfile
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest
import torch

from graphlabel.cli.main import app, main
from graphlabel.errors import GraphFileError, GraphLabelError
from graphlabel.files import read_graph, write_graph
from graphlabel.graph import NodeKey, NodeKind

N_LAYERS, TOKENS, LOGITS = 2, [2, 17, 9], [5, 6]
FEATURES = [(0, 1, 11), (0, 2, 7), (1, 2, 3)]  # layer, position, index
UNUSED = (1, 1, 99)


class LogitTarget(NamedTuple):
    token_str: str
    vocab_idx: int


class UnifiedConfig:
    def __init__(self) -> None:
        self.n_layers = N_LAYERS
        self.model_name = "google/gemma-2-2b"
        self.dtype = torch.bfloat16
        self.device = torch.device("cpu")


@pytest.fixture
def circuit_tracer(monkeypatch: pytest.MonkeyPatch) -> None:
    """The two classes under the names circuit-tracer's pickles have; gone when reading."""
    for name, cls in (
        ("circuit_tracer.attribution.targets", LogitTarget),
        ("circuit_tracer.utils.tl_nnsight_mapping", UnifiedConfig),
    ):
        parents = name.split(".")
        for depth in range(1, len(parents)):
            parent = ".".join(parents[:depth])
            monkeypatch.setitem(sys.modules, parent, types.ModuleType(parent))
        module = types.ModuleType(name)
        setattr(module, cls.__name__, cls)
        monkeypatch.setitem(sys.modules, name, module)
        monkeypatch.setattr(cls, "__module__", name)


def contents(**changes: Any) -> dict[str, Any]:
    size = len(FEATURES) + N_LAYERS * len(TOKENS) + len(TOKENS) + len(LOGITS)
    matrix = torch.zeros(size, size)
    first_error, first_token, first_logit = 3, 3 + 6, 3 + 6 + 3
    matrix[0, first_token + 1] = 2.0  # token at 1 → feature 0_11_1
    matrix[1, first_token + 2] = 1.0
    matrix[2, 0], matrix[2, 1], matrix[2, first_error + 2] = 1.5, -0.5, 0.25
    matrix[first_logit, 2], matrix[first_logit, first_token + 2] = 3.0, 0.5
    matrix[first_logit + 1, 2] = -1.0
    return {
        "input_string": "<bos>a b",
        "adjacency_matrix": matrix,
        "cfg": UnifiedConfig(),
        "active_features": torch.tensor([FEATURES[0], UNUSED, FEATURES[1], FEATURES[2]]),
        "logit_targets": [LogitTarget(" Austin", 5), LogitTarget("", 6)],
        "logit_probabilities": torch.tensor([0.7, 0.2]),
        "vocab_size": 100,
        "input_tokens": torch.tensor(TOKENS),
        "selected_features": torch.tensor([0, 2, 3]),
        "activation_values": torch.tensor([4.0, 8.0, 5.0, 6.0]),
        "scan_name": "mntss/clt",
        **changes,
    }


def saved(path: Path, **changes: Any) -> Path:
    torch.save(contents(**changes), path)
    return path


@pytest.mark.usefixtures("circuit_tracer")
def test_a_graph_is_pruned_and_keyed(tmp_path: Path) -> None:
    document = read_graph(saved(tmp_path / "g.pt"))
    graph = document.graph
    assert (document.dialect, document.slug) == ("circuit-tracer .pt", "g")
    assert (graph.prompt, graph.token_ids, graph.n_layers) == ("<bos>a b", tuple(TOKENS), N_LAYERS)
    assert (graph.source.model, graph.source.transcoders) == ("google/gemma-2-2b", "mntss/clt")
    node = graph.nodes[graph.index_of[NodeKey(NodeKind.FEATURE, 1, 3, 2)]]
    assert node.activation == 6.0
    logits = [each for each in graph.nodes if each.key.kind is NodeKind.LOGIT]
    assert [each.text for each in logits] == [" Austin", "#6"]
    assert [each.probability for each in logits] == pytest.approx([0.7, 0.2], abs=1e-7)  # float32
    edge = graph.edges.into(graph.index_of[logits[0].key])[0]
    assert graph.nodes[graph.edges.source[edge]].key == node.key
    assert graph.edges.weight[edge] == 3.0
    assert graph.scores
    write_graph(document, tmp_path / "g.json")
    assert read_graph(tmp_path / "g.json").graph.scores == graph.scores


@pytest.mark.usefixtures("circuit_tracer")
@pytest.mark.parametrize(
    "changes",
    [
        {"logit_targets": torch.tensor(LOGITS), "cfg": None},
        {"adjacency_matrix": contents()["adjacency_matrix"].to(torch.bfloat16)},
        {"adjacency_matrix": contents()["adjacency_matrix"].double().T.contiguous().T},
        {"activation_values": torch.tensor([4.0, 5.0, 6.0])},
        {"scan_name": ["a/b", "c/d"]},
        {"input_tokens": torch.nn.Parameter(torch.tensor(TOKENS), requires_grad=False)},
    ],
    ids=["legacy", "bfloat16", "strided", "selected values", "listed scan", "parameter"],
)
def test_the_variants_it_is_saved_in(changes: dict[str, Any], tmp_path: Path) -> None:
    plain = read_graph(saved(tmp_path / "plain.pt")).graph
    graph = read_graph(saved(tmp_path / "g.pt", **changes)).graph
    assert [node.key for node in graph.nodes] == [node.key for node in plain.nodes]
    np.testing.assert_allclose(graph.edges.weight, plain.edges.weight, rtol=4e-3)  # bfloat16


BROKEN = {
    "no matrix": ({"adjacency_matrix": None}, "adjacency_matrix is missing"),
    "wrong size": ({"adjacency_matrix": torch.zeros(5, 5)}, "does not fit"),
    "not square": ({"adjacency_matrix": torch.zeros(14, 3)}, "does not fit"),
    "NaN": ({"adjacency_matrix": torch.full((14, 14), float("nan"))}, "NaN"),
    "far feature": ({"selected_features": torch.tensor([0, 2, 99])}, "no whole graph"),
    "negative": ({"input_tokens": torch.tensor([-1, 2, 3])}, "whole numbers"),
    "twice": ({"selected_features": torch.tensor([0, 0, 2])}, "twice"),
    "cycle": ({"adjacency_matrix": torch.ones(14, 14)}, "cycle"),
    "targets": ({"logit_targets": [1, 2]}, "logit target"),
}


@pytest.mark.usefixtures("circuit_tracer")
@pytest.mark.parametrize("name", BROKEN)
def test_what_does_not_fit_is_refused_in_one_line(name: str, tmp_path: Path) -> None:
    changes, message = BROKEN[name]
    with pytest.raises(GraphFileError, match=message) as caught:
        read_graph(saved(tmp_path / "g.pt", **changes))
    assert "\n" not in str(caught.value)


class Evil:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.function, self.arguments = function, arguments

    def __reduce__(self) -> Any:
        return self.function, self.arguments


def archive(path: Path, program: bytes, compression: int = zipfile.ZIP_STORED) -> Path:
    with zipfile.ZipFile(path, "w", compression) as file:
        file.writestr("g/data.pkl", program)
        file.writestr("g/byteorder", "little")
    return path


MARK = Path("/tmp/graphlabel-was-run")
EVIL = {
    "system": pickle.dumps(Evil(__import__("os").system, f"touch {MARK}")),
    "eval": pickle.dumps(Evil(eval, f"open('{MARK}', 'w')")),
    "getattr": pickle.dumps(Evil(getattr, "x", "__class__")),
    "open": pickle.dumps(Evil(open, str(MARK), "w")),
    "torch.load": b"ctorch\nload\n(S'x'\ntR.",
    "import": b"cgraphlabel.files.pickles\nload_torch_file\n.",
    "dotted": b"ctorch\n_utils._rebuild_tensor_v2\n.",
    "odd class": b"cos.circuit_tracer\nLogitTarget\n.",
    "inst": b"(S'touch /tmp/graphlabel-was-run'\nios\nsystem\n.",
    "memo": b"\x80\x02Nr" + struct.pack("<I", 2**31) + b".",
    "extension": b"\x80\x02\x82\x01.",
    "empty": b"",
    "endless": b"(" * 100,
    "no tensor": pickle.dumps({"adjacency_matrix": "x"}),
    "list": pickle.dumps([1, 2]),
    "deep": b"\x80\x02" + b"]" * 50_000 + b"a" * 49_999 + b".",
}


@pytest.mark.parametrize("name", EVIL)
def test_a_malicious_pickle_is_refused_in_one_line(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    path = archive(tmp_path / "g.pt", EVIL[name])
    monkeypatch.setattr(sys, "argv", ["graphlabel", "info", str(path)])
    with pytest.raises(SystemExit) as stopped:
        main()
    said = capsys.readouterr()
    assert (stopped.value.code, said.out, said.err.count("\n")) == (2, "", 1)
    assert "unexpected" not in said.err
    assert not MARK.exists()


def test_tensors_cannot_reach_beyond_their_data(tmp_path: Path) -> None:
    path = tmp_path / "g.pt"
    torch.save({"x": torch.zeros(2)}, path)
    with zipfile.ZipFile(path) as file:
        parts = {info.filename: file.read(info) for info in file.infolist()}
    name = next(name for name in parts if name.endswith("data.pkl"))
    assert parts[name].count(b"K\x02\x85") == 1  # the size, (2,)
    parts[name] = parts[name].replace(b"K\x02\x85", b"J\xff\xff\xff\x7f\x85")
    with zipfile.ZipFile(path, "w") as file:
        for each, content in parts.items():
            file.writestr(each, content)
    with pytest.raises(GraphFileError, match="reaches beyond its data"):
        read_graph(path)


def test_compressed_parts_are_refused(tmp_path: Path) -> None:
    path = archive(tmp_path / "g.pt", bytes(10_000_000), zipfile.ZIP_DEFLATED)
    with pytest.raises(GraphFileError, match="compressed"):
        read_graph(path)


@pytest.mark.usefixtures("circuit_tracer")
def test_trust_lets_any_class_in(tmp_path: Path) -> None:
    path = saved(tmp_path / "g.pt", cfg=types.SimpleNamespace(model_name="mine"))
    with pytest.raises(GraphFileError, match=r"types\.SimpleNamespace.*--trust-pickle"):
        read_graph(path)
    assert read_graph(path, trust_pickle=True).graph.source.model == "mine"


READING = (
    ("info", "{}"), ("diff", "{}", "{}"), ("export", "{}", "--to", "csv", "-o", "nodes.csv"),
    ("label", "{}", "--features", "none", "-o", "out.json"), ("profile", "{}"),
    ("route", "{}", "--features", "none", "-o", "out.json"), ("push", "{}"),
)  # fmt: skip


@pytest.mark.usefixtures("circuit_tracer")
@pytest.mark.parametrize("command", READING, ids=lambda command: command[0])
def test_every_command_that_reads_a_graph_can_be_told_to_trust(
    command: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    path = saved(tmp_path / "g.pt", cfg=types.SimpleNamespace(model_name="mine"))
    words = [word.format(path) for word in command]
    with pytest.raises(GraphFileError, match="take it with --trust-pickle"):
        app(words, standalone_mode=False)
    words.append("--trust-pickle")
    if command[0] in ("info", "diff", "export"):
        app(words, standalone_mode=False)
        return
    with pytest.raises(GraphLabelError) as later:  # no evidence, no route, no server
        app(words, standalone_mode=False)
    assert "pickle" not in str(later.value)
