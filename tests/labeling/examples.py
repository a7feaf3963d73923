"""Features made by hand, and a gateway that answers from a script."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.graph import AttributionGraph, Edges, FeatureKey, Node, NodeKey, NodeKind
from graphlabel.llm import Answer, Completion, Query, Request
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


def graph(features: int = 5) -> AttributionGraph:
    """Features 0, 1, … at position 1, ever less influential; feature 0 at position 2 as well."""
    nodes = [Node(NodeKey(NodeKind.FEATURE, 0, i, 1), influence=i / 10) for i in range(features)]
    nodes.append(Node(NodeKey(NodeKind.FEATURE, 0, 0, 2), influence=0.05))
    return AttributionGraph("p", ("a", "b", "c"), tuple(nodes), Edges.of([], [], []), 1)


def completion(text: str) -> Completion:
    return Completion(text, "scripted-1", input_tokens=100, output_tokens=7, dollars=0.001)


@dataclass
class ScriptedGateway:
    """Answers with what a function makes of the request; stands in for the network alone."""

    answer: Callable[[Request], Answer]
    model: str = "scripted"
    asked: list[Query] = field(default_factory=list)
    kept: list[tuple[str, str, str]] = field(default_factory=list)
    """Of every unusable answer: what it was about, why, and the answer."""

    def unusable(self, query: Query, answer: Completion, about: str, why: str) -> None:
        self.kept.append((about, why, answer.text))

    def ask(
        self, queries: Sequence[Query], done: Callable[[int, Answer], None] | None = None
    ) -> list[Answer]:
        answers = []
        for place, query in enumerate(queries):
            self.asked.append(query)
            answers.append(self.answer(query.request))
            if done:
                done(place, answers[-1])
        return answers
