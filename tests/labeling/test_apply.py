"""Labelling a graph by tier: what is labelled, kept, left waiting, and where labels come from."""

from __future__ import annotations

import json
import re
from dataclasses import replace

import pytest

from graphlabel.annotation import (
    Annotations,
    FeatureClass,
    Label,
    Origin,
    Provenance,
    Routing,
    Scope,
    Tier,
)
from graphlabel.errors import UsageError
from graphlabel.graph import AttributionGraph, Edges, FeatureKey, Node, NodeKey, NodeKind
from graphlabel.labeling import TierReport, TokenCounter, label_tier, make_method, waiting_nodes
from graphlabel.llm import Answer, Completion, Failure, FailureKind, Gateway, Request
from graphlabel.records import FeatureRecord, Quantile
from tests.labeling.examples import (
    ScriptedGateway,
    completion,
    example,
    graph,
    record,
    routing,
)

TIME = "2026-11-21T10:00:00Z"
INPUT = routing(FeatureClass.INPUT)


def records(count: int = 5) -> dict[FeatureKey, FeatureRecord]:
    return {FeatureKey(0, i): record(example(f"x Word{i} y", 1), feature=i) for i in range(count)}


def routed(*classes: FeatureClass) -> Annotations:
    found = {FeatureKey(0, i): routing(each) for i, each in enumerate(classes)}
    return Annotations(routings=found)


def label_two(
    gateway: Gateway, before: Annotations, name: str = "np_max-act", **settings: object
) -> tuple[Annotations, TierReport]:
    return label_tier(
        graph(), before, records().get, make_method(name, settings), Tier.MODEL,
        scope=Scope.FEATURE, time=TIME, gateway=gateway,
    )  # fmt: skip


def echo(request: Request) -> Answer:
    """The first peak token as the explanation."""
    found = re.search(r"<peak_tokens \w+>\n1\. (\w+)", request.turns[-1].text)
    assert found
    return replace(completion(f"Explanation: theme of {found[1]}"), temperature=request.temperature)


CROSS = routed(*[FeatureClass.CROSS] * 4)


def test_tiers_are_labelled_or_wait() -> None:
    classes = (FeatureClass.INPUT, FeatureClass.INPUT, FeatureClass.CROSS, FeatureClass.OBSCURE, FeatureClass.INPUT)  # fmt: skip
    before = routed(*classes)
    person = Label("mine", Scope.FEATURE, Provenance(Origin.PERSON, "ada"))
    before = Annotations(labels={FeatureKey(0, 1): person}, routings=before.routings)
    after, report = label_tier(
        graph(), before, records(4).get, TokenCounter(), Tier.COUNTER, scope=Scope.FEATURE, time=TIME
    )  # fmt: skip
    assert (report.labelled, report.kept, report.without_evidence) == (1, 1, 1)
    assert after.labels[FeatureKey(0, 1)] == person
    label = after.labels[FeatureKey(0, 0)]
    assert (label.text, label.provenance) == (
        "Word0", Provenance(Origin.MACHINE, "graphlabel", "token_count", time=TIME, score=1.0),
    )  # fmt: skip
    assert [key.feature for key in waiting_nodes(graph(), after, Tier.MODEL)] == [2]
    assert [key.feature for key in waiting_nodes(graph(), after, Tier.PERSON)] == [3]
    again, _ = label_tier(
        graph(), after, records(4).get, TokenCounter(), Tier.COUNTER, scope=Scope.FEATURE, time=TIME
    )  # fmt: skip
    assert again == after


def test_a_label_that_holds_only_at_the_top_is_marked() -> None:
    def stretch(name: str, words: list[str], strength: float) -> Quantile:
        return Quantile(
            name, tuple(example(f"a{i} {w} b{i}", 1, strength) for i, w in enumerate(words))
        )

    def label(found: FeatureRecord, before: Annotations) -> tuple[Annotations, TierReport]:
        return label_tier(
            one, before, lambda _: found, TokenCounter(), Tier.COUNTER, scope=Scope.FEATURE, time="t"
        )  # fmt: skip

    fades = FeatureRecord(FeatureKey(0, 7), None, (
        stretch("top", ["Dallas"] * 4, 4), stretch("q1", ["Dallas"] * 3, 3), stretch("q0", ["x", "y", "z"], 1),
    ))  # fmt: skip
    node = Node(NodeKey(NodeKind.FEATURE, 0, 7, 1), " Dallas")
    target = Node(NodeKey(NodeKind.LOGIT, 1, 9, 1), " x", probability=1.0)
    one = AttributionGraph("p", ("<bos>", " Dallas"), (node, target), Edges.of([0], [1], [1.0]), 1)
    annotations = Annotations().with_routings({FeatureKey(0, 7): INPUT})
    for _ in range(2):  # labelling again leaves one mark
        annotations, report = label(fades, annotations)
        assert report.only_at_top == 1
        assert annotations.routings[FeatureKey(0, 7)].notes == (
            "the label “Dallas” holds only at the top: in 100% of the top examples, 0% of the lower half",
        )
    lasting = FeatureRecord(
        FeatureKey(0, 7),
        None,
        (stretch("top", ["Dallas"] * 4, 4), stretch("q0", ["Dallas"] * 3, 1)),
    )
    annotations, report = label(lasting, annotations)
    assert report.only_at_top == 0
    assert annotations.routings[FeatureKey(0, 7)].notes == ()


def test_a_models_label_says_where_it_comes_from() -> None:
    settings = {"cut_off": 0.4, "encoder": "MiniLM"}
    cross = Routing(FeatureClass.CROSS, {"cross": None}, "", settings)
    before = Annotations(routings={FeatureKey(0, 2): cross})
    gateway = ScriptedGateway(echo)
    after, report = label_two(gateway, before, examples=3, temperature=0.25)
    label = after.labels[FeatureKey(0, 2)]
    assert (label.text, label.scope) == ("theme of Word2", Scope.FEATURE)
    made, query = label.provenance, gateway.asked[0]
    assert (query.purpose, query.tier) == ("label:np_max-act", 2)
    assert (made.origin, made.method, made.model, made.time) == (Origin.MACHINE, "np_max-act", "scripted-1", TIME)  # fmt: skip
    assert made.prompt_hash == query.request.prompt_hash
    assert re.fullmatch("[0-9a-f]{64}", made.inputs_hash)
    assert (made.temperature, made.tokens, made.dollars, made.score) == (0.25, 107, 0.001, None)
    assert json.loads(made.settings) == {
        "tier": 2, "class": "cross", "routing": settings,
        "method": {"examples": 3, "temperature": 0.25, "max_tokens": 300},
    }  # fmt: skip
    assert (report.labelled, report.tokens, report.dollars, report.cached) == (1, 107, 0.001, 0)


def test_the_most_influential_feature_is_asked_first() -> None:
    gateway = ScriptedGateway(echo)
    label_two(gateway, CROSS)
    shown = [query.request.turns[-1].text for query in gateway.asked]
    assert [re.findall(r"Word(\d)", text)[0] for text in shown] == ["0", "1", "2", "3"]


def test_labels_by_people_and_from_the_file_are_not_even_asked_for() -> None:
    person = Label("mine", Scope.FEATURE, Provenance(Origin.PERSON, "ada"))
    found = Label("theirs", Scope.OCCURRENCE)
    at = NodeKey(NodeKind.FEATURE, 0, 2, 1)
    before = Annotations(labels={FeatureKey(0, 1): person, at: found}, routings=CROSS.routings)
    gateway = ScriptedGateway(echo)
    after, report = label_two(gateway, before)
    assert (report.labelled, report.kept, len(gateway.asked)) == (2, 2, 2)
    assert after.labels[FeatureKey(0, 1)] == person
    assert after.labels[at] == found


def test_one_failing_feature_never_loses_the_others() -> None:
    answers: dict[str, Answer] = {
        "Word0": completion("no idea"), "Word1": Failure(FailureKind.RATE_LIMIT, "429"),
        "Word2": completion("Explanation: two"), "Word3": completion("Explanation: 首都的名字"),
    }  # fmt: skip

    def answer(request: Request) -> Answer:
        shown = request.turns[-1].text
        return next(each for word, each in answers.items() if word in shown)

    gateway = ScriptedGateway(answer)
    after, report = label_two(gateway, CROSS)
    assert {key.feature: label.text for key, label in after.labels.items()} == {2: "two"}
    assert [(about, raw) for about, _, raw in gateway.kept] == [
        ("L0 #0", "no idea"), ("L0 #3", "Explanation: 首都的名字"),
    ]  # fmt: skip
    unnamed = {key.feature: each for key, each in report.unnamed.items()}
    assert unnamed[0].raw == "no idea"
    assert unnamed[0].kind == "unusable answer: the answer has no “Explanation:”"
    assert (unnamed[1].kind, unnamed[1].message) == ("rate limit", "429")
    assert "language" in unnamed[3].kind
    assert unnamed[3].raw == "Explanation: 首都的名字"
    assert report.tokens == 3 * 107  # what could not be used was paid all the same


def test_a_failed_answer_takes_no_label_away() -> None:
    first, _ = label_two(ScriptedGateway(echo), CROSS)
    second, report = label_two(ScriptedGateway(lambda _: completion("")), first)
    assert second == first
    assert report.labelled == 0


def test_an_interrupted_run_keeps_what_was_answered() -> None:
    gateway = ScriptedGateway(echo)

    def twice(request: Request) -> Answer:
        if len(gateway.asked) > 2:
            raise KeyboardInterrupt
        return echo(request)

    gateway.answer = twice
    after, report = label_two(gateway, CROSS)
    assert report.stopped
    assert sorted(key.feature for key in after.labels) == [0, 1]
    assert {each.kind for each in report.unnamed.values()} == {"interrupted"}


def test_a_method_that_reads_the_graph_labels_this_occurrence() -> None:
    nodes = [Node(NodeKey(NodeKind.FEATURE, 0, i, 1), influence=i / 10) for i in range(2)]
    nodes.append(Node(NodeKey(NodeKind.LOGIT, 1, 9, 2), " Austin", probability=1.0))
    made = AttributionGraph(
        "p", ("<bos>", " Dallas", " is"), tuple(nodes), Edges.of([0, 1], [1, 2], [2.0, -0.5]), 1
    )
    before = Annotations(routings=CROSS.routings, labels={FeatureKey(0, 0): Label("Texas", Scope.FEATURE)})  # fmt: skip
    gateway = ScriptedGateway(lambda _: completion("Explanation: a state's capital"))
    after, _ = label_tier(
        made, before, records().get, make_method("graph_context"), Tier.MODEL,
        scope=Scope.FEATURE, time=TIME, gateway=gateway,
    )  # fmt: skip
    assert after.labels[nodes[1].key].text == "a state's capital"
    assert after.labels[nodes[1].key].scope is Scope.OCCURRENCE
    (query,) = gateway.asked
    shown = query.request.turns[-1].text
    assert "<< Dallas>> is" in shown
    assert "+2\tTexas" in shown
    assert "-0.5\toutput “Austin”" in shown


def test_without_stated_influence_the_edges_tell_who_is_first() -> None:
    nodes = [Node(NodeKey(NodeKind.FEATURE, 0, i, 1)) for i in range(3)]
    nodes.append(Node(NodeKey(NodeKind.LOGIT, 1, 9, 1), " x", probability=1.0))
    made = AttributionGraph("p", ("a", "b"), tuple(nodes), Edges.of([0, 1, 2], [3, 3, 3], [0.1, 3.0, -1.0]), 1)  # fmt: skip
    found = waiting_nodes(made, CROSS, Tier.MODEL)
    assert [key.feature for key in found] == [1, 2, 0]


def test_a_method_that_needs_a_model_refuses_to_work_without() -> None:
    with pytest.raises(UsageError, match="asks a language model"):
        label_tier(
            graph(), CROSS, records().get, make_method("np_max-act"), Tier.MODEL,
            scope=Scope.FEATURE, time=TIME,
        )  # fmt: skip


def test_a_rerun_from_the_cache_keeps_the_price_and_pays_nothing() -> None:
    first, _ = label_two(ScriptedGateway(echo), CROSS)

    def cached(request: Request) -> Answer:
        said = echo(request)
        assert isinstance(said, Completion)
        return replace(said, cached=True)

    again, report = label_tier(
        graph(), first, records().get, make_method("np_max-act"), Tier.MODEL,
        scope=Scope.FEATURE, time="later", gateway=ScriptedGateway(cached),
    )  # fmt: skip
    assert again == first
    assert again.labels[FeatureKey(0, 1)].provenance.dollars == 0.001
    assert (report.labelled, report.cached, report.dollars) == (4, 4, 0.0)
    other, _ = label_two(ScriptedGateway(echo), first, examples=4)
    assert other.labels[FeatureKey(0, 1)].provenance.dollars == 0.001
    assert other != first
