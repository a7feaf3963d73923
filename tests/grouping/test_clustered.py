"""Suggestions from graphs whose groups are known, from people's graphs, and from next to nothing."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.annotation import (
    Annotations,
    FeatureClass,
    Label,
    Origin,
    Provenance,
    Routing,
    Scope,
    Supernode,
)
from graphlabel.graph import AttributionGraph, Edges, FeatureKey, Node, NodeKey, NodeKind
from graphlabel.grouping import ClusteringGrouper, Grouper, Known, Suggestion, accepting
from graphlabel.grouping.clustering import fitting, groups_of
from graphlabel.grouping.effects import cosines, total_effects
from graphlabel.grouping.likeness import Vote, mean_vote
from graphlabel.grouping.meaning import meanings
from graphlabel.records import ActivationExample, FeatureRecord, LogitEffect, Quantile
from tests.conftest import real, real_graphs
from tests.grouping.worlds import planted


def suggest(
    graph: AttributionGraph, annotations: Annotations | None = None, known: Known | None = None
) -> list[Suggestion]:
    return ClusteringGrouper().suggest(graph, annotations or Annotations(), known or Known())


def partition(found: list[Suggestion]) -> set[frozenset[NodeKey]]:
    return {frozenset(each.members) for each in found}


@pytest.mark.parametrize(("groups", "size"), [(5, 4), (6, 3), (7, 2), (8, 5)])
@pytest.mark.parametrize("seed", range(3))
def test_planted_groups_are_found_without_their_number(seed: int, groups: int, size: int) -> None:
    graph, truth = planted(seed, groups, size)
    wanted = {
        frozenset(key for key, group in truth.items() if group == each)
        for each in set(truth.values())
    }
    features = {
        group for group in partition(suggest(graph)) if next(iter(group)).kind is NodeKind.FEATURE
    }
    assert features == wanted


@given(st.integers(0, 10_000), st.integers(2, 7), st.integers(1, 6), st.floats(0, 2))
@settings(max_examples=40, deadline=None)
def test_every_suggestion_is_sound(seed: int, groups: int, size: int, noise: float) -> None:
    graph, _ = planted(seed, groups, size, noise)
    found = suggest(graph)
    members = [key for each in found for key in each.members]
    assert len(members) == len(set(members))
    assert set(members) <= set(graph.index_of)
    assert len({each.name for each in found}) == len(found)
    for each in found:
        assert each.members
        assert each.name
        assert each.reason
        assert len({key.kind for key in each.members}) == 1
    assert suggest(graph) == found


def test_the_order_of_nodes_does_not_matter() -> None:
    graph, _ = planted(3)
    random = np.random.default_rng(0)
    order = random.permutation(len(graph))
    place = np.argsort(order)
    edges = Edges.of(place[graph.edges.source], place[graph.edges.target], graph.edges.weight)
    shuffled = replace(graph, nodes=tuple(graph.nodes[i] for i in order), edges=edges)
    assert partition(suggest(shuffled)) == partition(suggest(graph))


def test_graphs_with_next_to_nothing() -> None:
    empty = AttributionGraph("", (), (), Edges.of([], [], []), 0)
    assert suggest(empty) == []
    one = AttributionGraph(
        "a", ("a",), (Node(NodeKey(NodeKind.FEATURE, 0, 1, 0)),), Edges.of([], [], []), 1
    )
    assert suggest(one) == []
    apart = tuple(Node(NodeKey(NodeKind.FEATURE, layer, 1, layer)) for layer in (0, 9))
    assert suggest(AttributionGraph("a", ("a",) * 10, apart, Edges.of([], [], []), 10)) == []


@pytest.mark.parametrize("share", [0.03, 0.01])
def test_a_feature_like_no_other_is_a_group_by_itself_where_it_matters(share: float) -> None:
    keys = [NodeKey(NodeKind.FEATURE, layer, layer // 9, layer) for layer in (0, 9)]
    nodes = tuple(
        Node(key, influence=influence)
        for key, influence in zip(keys, (0.3, 0.3 + share), strict=True)
    )
    graph = AttributionGraph("ab", ("a", "b"), nodes, Edges.of([], [], []), 10)
    found = suggest(graph)
    assert [each.members for each in found] == [
        (key,) for key in (keys if share > 0.02 else keys[:1])
    ]
    assert "30% of the influence by itself" in found[0].reason


@pytest.mark.parametrize(("least", "apart"), [(0.02, True), (0.1, False)])
def test_a_step_leaves_the_group_that_it_dwarfs(least: float, apart: bool) -> None:
    graph, truth = planted(5, groups=3, size=3)
    group = [key for key, number in truth.items() if number == 1]
    shares = dict.fromkeys(group, least) | {group[0]: 0.3}
    order = [*group, *(key for key in truth if key not in group)]
    total, influence = 0.0, dict[NodeKey, float]()
    for key in order:
        total += shares.get(key, 0.001)
        influence[key] = total
    nodes = tuple(replace(node, influence=influence.get(node.key)) for node in graph.nodes)
    found = partition(suggest(replace(graph, nodes=nodes)))
    assert (frozenset(group) in found) is not apart
    if apart:
        assert {frozenset(group[:1]), frozenset(group[1:])} <= found


def test_nodes_without_influence_are_left_alone_unless_pinned() -> None:
    graph, truth = planted(1)
    group = [key for key, number in truth.items() if number == 2]
    nodes = tuple(
        replace(node, influence=0.95) if node.key in group else node for node in graph.nodes
    )
    faint = replace(graph, nodes=nodes)
    assert not {key for each in suggest(faint) for key in each.members} & set(group)
    assert frozenset(group) in partition(suggest(faint, Annotations(pinned=tuple(group))))


def test_total_effects_are_the_sum_over_all_paths() -> None:
    """Against Σ Bᵏ by matrix powers; float64, tolerance 1e-12."""
    graph, truth = planted(0)
    n = len(graph)
    matrix = np.zeros((n, n))
    matrix[graph.edges.target, graph.edges.source] = graph.edges.weight
    scaled = matrix / np.maximum(np.abs(matrix).sum(axis=1, keepdims=True), 1e-10)
    total, power = np.zeros((n, n)), np.eye(n)
    for _ in range(n):
        power = power @ scaled
        total += power
    chosen = [graph.index_of[key] for key in truth]
    effects = total_effects(graph, chosen)
    np.testing.assert_allclose(effects.upstream, total[chosen], atol=1e-12)
    np.testing.assert_allclose(effects.downstream, total[:, chosen].T, atol=1e-12)


def test_links_that_close_a_cycle_do_not_break_it() -> None:
    graph, _ = planted(0)
    edges = graph.edges
    looped = Edges.of([*edges.source, len(graph) - 1], [*edges.target, 0], [*edges.weight, 5.0])
    assert partition(suggest(replace(graph, edges=looped))) == partition(suggest(graph))


def test_a_group_is_at_most_the_square_root_of_all() -> None:
    alike = np.ones((30, 30))
    sizes = [len(group) for group in groups_of(alike)]
    assert max(sizes) <= 5
    assert [len(group) for group in groups_of(alike, most=30)] == [30]
    assert groups_of(np.eye(4)) == []


def test_standing_near_is_no_reason_by_itself() -> None:
    role = np.array(
        [[1.0, 0.9, 0.0, 0.1], [0.9, 1.0, 0.1, 0.0], [0.0, 0.1, 1.0, -0.5], [0.1, 0.0, -0.5, 1.0]]
    )
    assert fitting([0, 1, 2, 3], role) == [0, 1]
    assert fitting([0, 1], role) == [0, 1]
    assert fitting([2, 3], role) == []
    assert fitting([0, 1, 2, 3], role, least=-1.0) == [0, 1, 2, 3]
    # three features at one place with nothing else in common
    nodes = [Node(NodeKey(NodeKind.TOKEN, -1, p, p)) for p in range(3)]
    nodes += [Node(NodeKey(NodeKind.FEATURE, 1, at, 2)) for at in range(3)]
    graph = AttributionGraph(
        "abc", ("a", "b", "c"), tuple(nodes), Edges.of([0, 1, 2], [3, 4, 5], [1.0] * 3), 2
    )
    assert suggest(graph) == []


def test_each_known_thing_is_one_vote() -> None:
    one, other = np.array([[1.0, 0.2], [0.2, 1.0]]), np.array([[1.0, 0.8], [0.8, 1.0]])
    nothing = np.zeros((2, 2), dtype=bool)
    assert mean_vote([Vote(one), Vote(other)]).values[0, 1] == pytest.approx(0.5)
    assert mean_vote([Vote(one), Vote(other, nothing)]).values[0, 1] == pytest.approx(0.2)
    assert not mean_vote([Vote(other, nothing)]).known[0, 1]  # type: ignore[index]


def record(key: FeatureKey, peak: str, out: str) -> FeatureRecord:
    example = ActivationExample.of(("a", f" {peak}", " b"), (0.0, 2.0, 0.0))
    return FeatureRecord(
        key, None, (Quantile("top", (example,)),), top_logits=(LogitEffect(f" {out}", 1.0),)
    )


def test_every_source_of_meaning_speaks_where_it_knows() -> None:
    keys = [NodeKey(NodeKind.FEATURE, layer, 5, 0) for layer in range(3)]
    made = Provenance(Origin.MACHINE)
    labels = {
        keys[0]: Label("Texas", Scope.OCCURRENCE, made),
        keys[1]: Label(" texas", Scope.OCCURRENCE, made),
    }
    routings = {key.feature_key: Routing(FeatureClass.INPUT, {}, "") for key in keys[:2]}
    records = {key.feature_key: record(key.feature_key, "Dallas", "Austin") for key in keys[:2]}
    directions = {
        key.feature_key: np.array([1, at], dtype=np.float32) for at, key in enumerate(keys[1:])
    }
    voices = meanings(keys, Annotations(labels, routings), Known(records, directions))
    assert set(voices) == {"labels", "peak tokens", "output tokens", "decoders", "class"}
    for name in ("labels", "peak tokens", "output tokens", "class"):
        values, there = voices[name]
        assert values[0, 1] == pytest.approx(1.0)
        assert there[0, 1]
        assert not there[0, 2]
    values, there = voices["decoders"]
    assert values[1, 2] == pytest.approx(1 / 2**0.5)
    assert not there[0, 1]


class Letters:
    """An Encoder of texts by their letters."""

    name, revision = "letters", "1"

    def encode(self, texts: list[str]) -> np.ndarray:
        rows = np.array(
            [[text.casefold().count(chr(97 + i)) + 1e-3 for i in range(26)] for text in texts]
        )
        return (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)

    def has_unknown(self, text: str) -> bool:
        return False


def test_labels_and_examples_are_compared_by_an_encoder() -> None:
    keys = [NodeKey(NodeKind.FEATURE, layer, 5, 0) for layer in range(2)]
    made = Provenance(Origin.PERSON)
    labels = {
        key: Label(text, Scope.OCCURRENCE, made)
        for key, text in zip(keys, ("Texas", "taxes"), strict=True)
    }
    records = {key.feature_key: record(key.feature_key, "Dallas", "x") for key in keys}
    voices = meanings(keys, Annotations(labels), Known(records, {}, Letters()))
    assert voices["labels"][0][0, 1] == pytest.approx(1.0, abs=1e-6)
    assert voices["examples"][0][0, 1] == pytest.approx(1.0, abs=1e-6)


def test_names_come_from_labels_else_from_words_else_from_the_place() -> None:
    graph, truth = planted(2)
    group = sorted(key for key, number in truth.items() if number == 1)
    key = frozenset(group)

    def name(annotations: Annotations, known: Known) -> str:
        return next(
            each.name
            for each in suggest(graph, annotations, known)
            if frozenset(each.members) == key
        )

    made = Provenance(Origin.PERSON)
    labels = {
        each: Label("Texas" if at < 2 else f"odd {at}", Scope.OCCURRENCE, made)
        for at, each in enumerate(group)
    }
    assert name(Annotations(labels), Known()) == "Texas"
    peaks = {each.feature_key: record(each.feature_key, "Dallas", "x") for each in group}
    assert name(Annotations(), Known(peaks)) == "dallas"
    outs = {
        each.feature_key: record(each.feature_key, f"p{at}", "Austin")
        for at, each in enumerate(group)
    }
    assert name(Annotations(), Known(outs)) == "say austin"
    assert name(Annotations(), Known()).startswith("at “t1”, layer")


def test_hostile_labels_make_plain_names() -> None:
    graph, truth = planted(2)
    made = Provenance(Origin.PERSON)
    labels = {key: Label("a\x1b[31m\u202eb" + "x" * 500, Scope.OCCURRENCE, made) for key in truth}
    for each in suggest(graph, Annotations(labels)):
        assert "\x1b" not in each.name
        assert "\u202e" not in each.name
        assert len(each.name) <= 210


def test_accepting_keeps_what_people_grouped() -> None:
    graph, _ = planted(4)
    found = suggest(graph)
    own = Supernode(found[0].name, found[0].members[:-1])
    before = Annotations(supernodes=(own,))
    edit = accepting(before, found)
    after = edit.patch(before).apply(before)
    assert after.supernode(own.name) == own
    members = [key for group in after.supernodes for key in group.members]
    assert len(members) == len(set(members))
    assert found[0].members[-1] not in members
    assert edit.patch(before).inverse(before).apply(after) == before
    assert isinstance(ClusteringGrouper(), Grouper)


def test_cosines_of_nothing_are_zero() -> None:
    rows = np.array([[0.0, 0.0], [3.0, 4.0], [-3.0, -4.0]])
    np.testing.assert_allclose(cosines(rows), [[0, 0, 0], [0, 1, -1], [0, -1, 1]], atol=1e-15)


@pytest.mark.parametrize(
    ("path", "least"),
    [
        ("graphs/anthropic/opposite_of_small.json", 0.55),
        ("graphs/neuronpedia/gemma-small-big-en.json", 0.55),
    ],
)
def test_suggestions_agree_with_people(path: str, least: float) -> None:
    """Adjusted Rand index, without labels, evidence, pins or the number of groups."""
    from sklearn.metrics import adjusted_rand_score

    from graphlabel.files import read_graph

    document = read_graph(real(path))
    truth = {key: group.name for group in document.annotations.supernodes for key in group.members}
    of = {key: at for at, each in enumerate(suggest(document.graph)) for key in each.members}
    keys = sorted(truth)
    ours = [of.get(key, -1 - at) for at, key in enumerate(keys)]
    assert adjusted_rand_score([truth[key] for key in keys], ours) >= least


@pytest.mark.parametrize("path", real_graphs(), ids=lambda path: path.stem)
def test_real_graphs_of_every_dialect_get_suggestions(path: Path) -> None:
    from graphlabel.files import read_graph

    document = read_graph(path)
    assert suggest(document.graph, document.annotations)
