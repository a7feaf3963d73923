"""The token counter, and labelling a graph by tier."""

from __future__ import annotations

from graphlabel.annotation import (
    Annotations,
    FeatureClass,
    Label,
    Origin,
    Provenance,
    Routing,
    Scope,
    Tier,
    WindowScore,
)
from graphlabel.graph import AttributionGraph, Edges, FeatureKey, Node, NodeKey, NodeKind
from graphlabel.labeling import TokenCounter, label_tier_one
from graphlabel.records import ActivationExample, FeatureRecord, LogitEffect, Quantile


def example(tokens: str, peak: int, activation: float = 1.0) -> ActivationExample:
    parts = tuple(f" {word}" for word in tokens.split())
    return ActivationExample.of(
        parts, tuple(float(activation) if i == peak else 0.0 for i in range(len(parts)))
    )


def record(
    *examples: ActivationExample, logits: tuple[LogitEffect, ...] = (), feature: int = 0
) -> FeatureRecord:
    key = FeatureKey(0, feature)
    return FeatureRecord(key, None, (Quantile("top", examples),), top_logits=logits)


def routing(feature_class: FeatureClass, start: int = 0) -> Routing:
    score = WindowScore(1.0, 1.0, 3, (start, 0))
    return Routing(feature_class, {"input": score, "output": None, "cross": None}, "")


INPUT, OUTPUT = routing(FeatureClass.INPUT), routing(FeatureClass.OUTPUT)


def test_an_input_feature_is_named_by_its_peak_token() -> None:
    found = TokenCounter().label(
        record(
            example("in Dallas is", 1), example("near dallas now", 1), example("Dallas .", 0, 3)
        ),
        INPUT,
    )
    assert found is not None
    assert (found.text, found.trust) == ("Dallas", 1.0)


def test_tokens_before_the_peak_are_taken_in_when_the_window_says_so() -> None:
    examples = (example("a the capital of x", 3), example("b the capital of y", 3, 2.0))
    found = TokenCounter().label(record(*examples), routing(FeatureClass.INPUT, -2))
    assert found is not None
    assert found.text == "the capital of"


def test_activation_decides_between_tokens() -> None:
    found = TokenCounter().label(
        record(example("a Waco", 1, 1.0), example("b Austin", 1, 9.0), example("c Waco", 1, 1.0)), INPUT
    )  # fmt: skip
    assert found is not None
    assert found.text == "Austin"


def test_few_tokens_are_listed_when_none_holds_half() -> None:
    words = ("one", "two", "three", "four")
    found = TokenCounter().label(
        record(*(example(f"x {word}", 1, 5 - i) for i, word in enumerate(words))), INPUT
    )
    assert found is not None
    assert found.text == "one / two / three"
    assert found.trust < 1


def test_an_output_feature_says_what_comes_next() -> None:
    logits = (LogitEffect(" Austin", 3.0), LogitEffect(" Texas", 0.5))
    found = TokenCounter().label(
        record(example("is Austin", 0), example("to Austin", 0), logits=logits), OUTPUT
    )
    assert found is not None
    assert found.text == "say Austin"


def test_logits_speak_where_no_token_follows() -> None:
    found = TokenCounter().label(
        record(example("is", 0), example("was", 0), logits=(LogitEffect(" Austin", 2.0),)), OUTPUT
    )
    assert found is not None
    assert found.text == "say Austin"


def test_other_classes_and_empty_evidence_get_no_label() -> None:
    counter = TokenCounter()
    assert counter.label(record(example("a b", 1)), routing(FeatureClass.CROSS)) is None
    assert counter.label(record(), INPUT) is None


def graph() -> AttributionGraph:
    nodes = [Node(NodeKey(NodeKind.FEATURE, 0, i, 1), influence=i / 10) for i in range(5)]
    nodes.append(Node(NodeKey(NodeKind.FEATURE, 0, 0, 2), influence=0.05))
    return AttributionGraph("p", ("a", "b", "c"), tuple(nodes), Edges.of([], [], []), 1)


def test_tiers_are_labelled_or_wait() -> None:
    classes = (FeatureClass.INPUT, FeatureClass.INPUT, FeatureClass.CROSS, FeatureClass.OBSCURE, FeatureClass.INPUT)  # fmt: skip
    routings = {FeatureKey(0, i): routing(each) for i, each in enumerate(classes)}
    person = Label("mine", Scope.FEATURE, Provenance(Origin.PERSON, "ada"))
    before = Annotations(labels={FeatureKey(0, 1): person}, routings=routings)
    records = {FeatureKey(0, i): record(example("x Dallas", 1), feature=i) for i in range(4)}
    after, report = label_tier_one(
        graph(), before, records.get, TokenCounter(), scope=Scope.FEATURE, time="now"
    )
    assert (report.labelled, report.kept, report.without_evidence) == (1, 1, 1)
    assert after.labels[FeatureKey(0, 1)] == person
    label = after.labels[FeatureKey(0, 0)]
    assert (label.text, label.provenance.method, label.provenance.score) == ("Dallas", "token_count", 1.0)  # fmt: skip
    assert [key.feature for key in report.waiting[Tier.MODEL]] == [2]
    assert [key.feature for key in report.waiting[Tier.PERSON]] == [3]
    again, _ = label_tier_one(
        graph(), after, records.get, TokenCounter(), scope=Scope.FEATURE, time="now"
    )
    assert again == after


def test_a_label_that_holds_only_at_the_top_is_marked() -> None:
    def stretch(name: str, words: list[str], strength: float) -> Quantile:
        return Quantile(
            name, tuple(example(f"a{i} {w} b{i}", 1, strength) for i, w in enumerate(words))
        )

    fades = FeatureRecord(FeatureKey(0, 7), None, (
        stretch("top", ["Dallas"] * 4, 4), stretch("q1", ["Dallas"] * 3, 3), stretch("q0", ["x", "y", "z"], 1),
    ))  # fmt: skip
    node = Node(NodeKey(NodeKind.FEATURE, 0, 7, 1), " Dallas")
    target = Node(NodeKey(NodeKind.LOGIT, 1, 9, 1), " x", probability=1.0)
    graph = AttributionGraph(
        "p", ("<bos>", " Dallas"), (node, target), Edges.of([0], [1], [1.0]), 1
    )
    annotations = Annotations().with_routings({FeatureKey(0, 7): INPUT})
    for _ in range(2):  # labelling again leaves one mark
        annotations, report = label_tier_one(
            graph, annotations, lambda _: fades, TokenCounter(), scope=Scope.FEATURE, time="t"
        )
        assert report.only_at_top == 1
        assert annotations.routings[FeatureKey(0, 7)].notes == (
            "the label “Dallas” holds only at the top: in 100% of the top examples, 0% of the lower half",
        )
    lasting = FeatureRecord(
        FeatureKey(0, 7),
        None,
        (stretch("top", ["Dallas"] * 4, 4), stretch("q0", ["Dallas"] * 3, 1)),
    )
    annotations, report = label_tier_one(
        graph, annotations, lambda _: lasting, TokenCounter(), scope=Scope.FEATURE, time="t"
    )
    assert report.only_at_top == 0
    assert annotations.routings[FeatureKey(0, 7)].notes == ()
