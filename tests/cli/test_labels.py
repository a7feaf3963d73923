"""``graphlabel labels`` as a person runs it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from graphlabel.annotation import (
    Annotations,
    Group,
    Label,
    Origin,
    Provenance,
    Scope,
    SetLabel,
    SetNote,
)
from graphlabel.cli.labels_view import Order
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
from graphlabel.records import TranscoderSet
from graphlabel.store import NewLabel, Store, store_place
from tests.cli.test_commands import Done, run

KEYS = tuple(NodeKey(NodeKind.FEATURE, 0, number, 1) for number in range(4))
ADA = Provenance(Origin.PERSON, "ada", time="2026-01-02T03:04:05Z")
MACHINE = Provenance(Origin.MACHINE, "graphlabel", "token_count")
SET = TranscoderSet("small", "transcoders", "r1")


SOURCE = GraphSource("small", "", "transcoders", "r1")


def graph(
    path: Path,
    keys: tuple[NodeKey, ...] = KEYS,
    source: GraphSource = SOURCE,
    tokens: tuple[str, ...] = ("a", "b"),
) -> Path:
    made = AttributionGraph("a b", tokens, tuple(map(Node, keys)), Edges.of([], [], []), 1, source)
    write_graph(new_document(made, path.stem), path)
    return path


@pytest.fixture
def big(tmp_path: Path) -> Path:
    """A graph with edits in the store."""
    path = graph(tmp_path / "big.json")
    document = read_graph(path)
    with Store(store_place()) as store:
        history = store.history(document.graph, document.annotations, document.slug, "ada")
        for command in (
            SetLabel(KEYS[:1], "say Austin", ADA, Scope.FEATURE),
            SetLabel(KEYS[:1], "say \x1b[31mAustin here", ADA),
            SetLabel(KEYS[3:], "pruned [bold]", ADA),
            SetNote(KEYS[3], "a note"),
            Group("g", KEYS[2:]),
        ):
            assert history.do(command)
        made = [
            NewLabel(FeatureKey(0, n), Label(f"counted {n}", Scope.FEATURE, MACHINE), SET)
            for n in range(60)
        ]
        store.add_labels(made, author="ada", title="import")
    return path


def told(*arguments: str | Path) -> list[dict[str, object]]:
    done = run("labels", *arguments, "--json")
    assert done.returncode == 0, done.stderr
    labels = json.loads(done.stdout)["labels"]
    assert isinstance(labels, list)
    return labels


def one_line(done: Done, *words: str) -> None:
    assert done.returncode == 2
    assert len(done.stderr.strip().splitlines()) == 1
    assert all(word in done.stderr for word in words), done.stderr


def test_list(big: Path) -> None:
    done = run("labels", "list", "--origin", "person")
    assert done.returncode == 0, done.stderr
    assert "“say Austin”" in done.stdout
    assert "L0 #3 @1" in done.stdout
    assert "[bold]" in done.stdout
    assert "\x1b" not in done.stdout + done.stderr
    assert "3 labels of " in done.stderr
    assert len(told("list")) == 50
    assert "--limit 0 shows all" in run("labels", "list").stderr
    doubted = [each["label"] for each in told("list", "--by-trust", "--limit", "0")]
    assert doubted[:2] == ["counted 59", "counted 58"]  # of equals the newest
    shown = run("labels", "search", "counted", "--by-trust", "--limit", "2").stdout
    assert "trust" in shown
    assert "counted 59" in shown
    assert len(told("list", "--limit", "0")) == 62
    assert [each["label"] for each in told("list", "--feature", "0/0")] == [
        "say [31mAustin here",
        "say Austin",
    ]
    assert len(told("list", "--feature", "0/0", "--every")) == 3
    assert len(told("list", "--method", "token_count", "--limit", "0")) == 59
    assert len(told("list", "--graph", big)) == 3
    assert len(told("list", "--author", "ada", "--set", "transcoders")) == 3


def test_least_trusted_times_most_influential(tmp_path: Path) -> None:
    nodes = tuple(replace(node, influence=at) for node, at in zip(map(Node, KEYS), (0.5, 0.9, 0.95, 0.96), strict=True))  # fmt: skip
    made = AttributionGraph("a b", ("a", "b"), nodes, Edges.of([], [], []), 1, SOURCE)
    scores = {0: 0.99, 1: 0.2, 2: None, 3: 0.0}
    labels = [
        NewLabel(FeatureKey(0, n), Label(f"of {n}", Scope.FEATURE, replace(MACHINE, score=score)), SET)
        for n, score in scores.items()
    ]  # fmt: skip
    with Store(tmp_path / "trust.db") as store:
        store.add_labels(labels, author="ada", title="import")
        found = list(store.labels())

    def numbers(order: Order, most: int | None = None) -> list[int]:
        return [label.target.feature for label in order.first(found, most)]

    assert numbers(Order()) == [3, 2, 1, 0]
    assert numbers(Order(made)) == [1, 2, 3, 0], "shares 0.5, 0.4, 0.05 and 0.01"
    assert numbers(Order(made), 2) == [1, 2]


def test_search(big: Path) -> None:
    found = told("search", "AUSTIN", "say")
    assert [each["label"] for each in found] == ["say [31mAustin here", "say Austin"]
    assert found[1]["transcoders"] == "transcoders"
    assert found[1]["provenance"] == {
        "origin": "person",
        "author": "ada",
        "time": "2026-01-02T03:04:05Z",
    }
    assert told("search", "paris") == []
    assert "0 labels" in run("labels", "search", "paris").stderr


def test_history(big: Path) -> None:
    done = run("labels", "history", "0/0")
    assert done.returncode == 0, done.stderr
    assert [each["state"] for each in told("history", "0/0")] == ["current", "current", "past"]
    assert [each["annotator"] for each in told("history", "0/0", "--graph", big)] == ["ada", "ada"]
    assert "nobody has called" in run("labels", "history", "7/7").stderr


def test_what_cannot_be_read_is_one_line(big: Path, tmp_path: Path) -> None:
    one_line(run("labels", "history", "three"), "layer/feature")
    one_line(run("labels", "list", "--origin", "god"), "person, machine or file")
    one_line(run("labels", "list", "--set", "gpt"), "names no set", "small ▸ transcoders")
    one_line(run("labels", "list", "--store", tmp_path / "none.db"), "no annotation store")
    one_line(run("labels", "list", "--store", "mysql://x/y"), "postgresql://USER@HOST/DATABASE")
    with Store(store_place()) as store:
        other = NewLabel(
            FeatureKey(0, 0),
            Label("x", Scope.FEATURE, ADA),
            TranscoderSet("small", "transcoders 2"),
        )
        store.add_labels([other], author="ada", title="import")
    one_line(run("labels", "list", "--set", "small"), "names several sets")
    assert len(told("list", "--set", "transcoders")) == 50


def test_carry_from_the_store(big: Path, tmp_path: Path) -> None:
    small = graph(tmp_path / "small.json", KEYS[:3])
    for _ in range(2):
        done = run("labels", "carry", small, "--dry-run", "--json")
        assert done.returncode == 0, done.stderr
        said = json.loads(done.stdout)
        assert (said["from"], said["labels"], said["supernodes"]) == ("big", 1, 1)
    done = run("labels", "carry", small, "--author", "bob")
    assert done.returncode == 0, done.stderr
    assert "does not fit: note on L0 #3 @1: a note" in done.stdout
    assert "does not fit: supernode “g”: without L0 #3 @1" in done.stdout
    assert "carried over from big: 1 labels" in done.stderr
    document = read_graph(small)
    with Store(store_place()) as store:
        history = store.history(document.graph, document.annotations, "small", "bob")
        assert [edit.title for edit in history.done] == ["carry over from “big”"]
        label = history.annotations.label_of(KEYS[0])
        assert label
        assert "Austin here" in label.text


def test_carry_from_a_file(tmp_path: Path) -> None:
    old = graph(tmp_path / "old.json")
    document = read_graph(old)
    labelled = Annotations(labels={KEYS[0]: Label("in the file alone", provenance=ADA)})
    write_graph(document.annotated(labelled), old)
    small = graph(tmp_path / "small.json", KEYS[:3])
    one_line(run("labels", "carry", small), "--from")
    done = run("labels", "carry", small, "--from", old, "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["labels"] == 1
    nameless = graph(tmp_path / "nameless.json", KEYS[:2], GraphSource("small"))
    one_line(run("labels", "carry", nameless, "--from", old), "--any-set")
    assert run("labels", "carry", nameless, "--from", old, "--any-set").returncode == 0
    other = graph(tmp_path / "other.json", KEYS, tokens=("c", "d"))
    one_line(run("labels", "carry", other, "--from", old), "another prompt")


def test_the_store_is_described_and_copied(big: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copies" / "copy.db"
    done = run("store", "copy", copy)
    assert done.returncode == 0, done.stderr
    assert "copied 63 labels, 6 edits and 1 graphs" in done.stderr
    assert told("list", "--store", copy, "--limit", "0") == told("list", "--limit", "0")
    assert told("search", "austin", "--store", copy) == told("search", "austin")
    one_line(run("store", "copy", copy), "not empty")
    shown = run("store", "info", "--store", copy)
    assert "big: 5 edits" in shown.stdout
    said = json.loads(run("store", "info", "--json").stdout)
    assert said["sets"] == [{"model": "small", "name": "transcoders", "revision": "r1"}]
