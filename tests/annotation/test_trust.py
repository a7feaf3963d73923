"""Trust in labels, and the order in which to look again."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import numpy as np
import pytest

from graphlabel.annotation import (
    Annotations,
    Label,
    LabelScore,
    Origin,
    Provenance,
    Review,
    Scope,
    needs_attention,
    node_trust,
    trust_of,
    trust_order,
)
from graphlabel.annotation.encoding import decode_value, encode_value
from graphlabel.annotation.trust import influence_shares
from graphlabel.graph import AttributionGraph, Edges, FeatureKey, Node, NodeKey, NodeKind

MACHINE = Provenance(Origin.MACHINE, method="token_count", score=0.8)


def graph(influence: list[float | None]) -> AttributionGraph:
    nodes = [
        Node(NodeKey(NodeKind.FEATURE, 0, i, 1), influence=each) for i, each in enumerate(influence)
    ]
    nodes.append(Node(NodeKey(NodeKind.TOKEN, -1, 0, 1), influence=0.05))
    return AttributionGraph("p", ("a", "b"), tuple(nodes), Edges.of([], [], []), 1)


def labelled(provenances: dict[int, Provenance]) -> Annotations:
    return Annotations(
        {FeatureKey(0, i): Label("x", Scope.FEATURE, each) for i, each in provenances.items()}
    )


def test_what_was_measured_wins_then_what_was_stated() -> None:
    assert trust_of(None) == 0.0
    assert trust_of(Label("x")) == 0.0
    assert trust_of(Label("x", provenance=MACHINE)) == 0.8
    assert trust_of(Label("x", provenance=Provenance(Origin.PERSON))) == 1.0
    person = Provenance(Origin.PERSON).scored([LabelScore("detection", 0.6, 0.5)])
    assert trust_of(Label("x", provenance=person)) == pytest.approx(0.2)
    assert trust_of(Label("x", provenance=replace(MACHINE, score=7.0))) == 1.0


def test_a_persons_decision_settles_it() -> None:
    found = labelled({0: MACHINE, 1: Provenance(Origin.MACHINE)})
    first, second, third = (NodeKey(NodeKind.FEATURE, 0, i, 1) for i in range(3))
    assert [node_trust(key, found) for key in (first, second, third)] == [0.8, None, None]
    decided = replace(found, reviews={first: Review.REJECTED, second: Review.ACCEPTED})
    assert [node_trust(key, decided) for key in (first, second, third)] == [0.0, 1.0, None]
    need = needs_attention(graph([0.5, 0.2, 0.6, None]), decided)
    np.testing.assert_allclose(need, [0.3, 0.0, 0.1, 0, 0], atol=1e-12)


def test_scores_of_one_scorer_replace_its_earlier_ones() -> None:
    once = MACHINE.scored([LabelScore("detection", 1.0, 0.5), LabelScore("embedding", 0.5, 0.5)])
    assert once.score == 0.5
    again = once.scored([LabelScore("embedding", 0.75, 0.5)])
    assert [each.value for each in again.scores] == [1.0, 0.75]
    assert again.score == 0.75
    assert MACHINE.scored([]) == MACHINE


def test_what_judges_the_feature_is_kept_and_says_nothing_of_the_label() -> None:
    intruder = LabelScore("intruder", 0.2, 0.2, 5, of_feature=True)
    assert MACHINE.scored([intruder]) == replace(MACHINE, scores=(intruder,))
    both = MACHINE.scored([LabelScore("detection", 0.75, 0.5), intruder])
    assert (both.score, len(both.scores)) == (0.5, 2)


def test_scores_survive_the_file() -> None:
    score = LabelScore("detection", 0.9, 0.5, 20, 1, ((9, 1.0), (0, 0.5)), "m")
    label = Label("x", Scope.FEATURE, MACHINE.scored([score]))
    plain = msgspec.json.decode(msgspec.json.encode(encode_value(label)))
    assert decode_value(plain, Label) == label
    assert "scores" not in encode_value(Label("x", provenance=MACHINE))["provenance"]


def test_a_nodes_share_is_what_it_adds_to_those_before_it() -> None:
    shares = influence_shares([0.5, 0.2, None, 0.6, 0.05])
    # the token holds 5 %, then 0.2, 0.5, 0.6
    np.testing.assert_allclose(shares, [0.3, 0.15, 0.0, 0.1, 0.05], atol=1e-12)


def test_least_trusted_times_most_influential_comes_first() -> None:
    found = graph([0.5, 0.2, None, 0.6])
    annotations = labelled({0: replace(MACHINE, score=0.9), 1: replace(MACHINE, score=0.5)})
    np.testing.assert_allclose(
        needs_attention(found, annotations), [0.03, 0.075, 0, 0.1, 0], atol=1e-12
    )
    assert trust_order(found, annotations) == [3, 1, 0, 2]
    # an influence worked out elsewhere stands in for the stated one
    worked_out = needs_attention(found, annotations, [None, 0.4, 0.1, None, None])
    np.testing.assert_allclose(worked_out, [0, 0.15, 0.1, 0, 0], atol=1e-12)
    # among nodes that need none, the more influential first
    person = labelled({i: Provenance(Origin.PERSON) for i in range(4)})
    assert trust_order(found, person) == [1, 0, 3, 2]
