"""Features about weekdays and colours, and gateways that answer by a rule."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence

from graphlabel.graph import FeatureKey
from graphlabel.llm import Answer, Completion, Query
from graphlabel.records import ActivationExample, FeatureRecord, LogitEffect, Quantile

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
COLOURS = ("red", "blue", "green", "yellow", "purple", "orange", "black")
NOUNS = ("boat", "lamp", "song", "road", "cake", "hill", "door", "bird", "coin", "tree")
VERBS = ("fell", "burned", "ended", "turned", "rose", "shone", "moved", "broke")


def example(
    word: str, number: int, activation: float, sampled: int | None = None
) -> ActivationExample:
    """A text of its own around a word on which the feature fires."""
    noun, verb = NOUNS[number % len(NOUNS)], VERBS[number % len(VERBS)]
    words = (
        f"the {noun} {number} {verb} when {word} came to {noun} and {verb} again {number}".split()
    )
    tokens = tuple(f" {each}" for each in words)
    place = words.index(word)
    acts = tuple(activation if i == place else 0.0 for i in range(len(tokens)))
    return ActivationExample.of(tokens, acts, sampled=sampled)


def record(
    words: Sequence[str],
    feature: int = 0,
    *,
    count: int = 30,
    logits: Sequence[str] = (),
    density: float | None = 0.01,
) -> FeatureRecord:
    """A feature that fires on some words: top examples and ten stretches, strongest first."""
    top = [example(words[i % len(words)], 100 * feature + i, 10.0 - 0.01 * i) for i in range(8)]
    stretches = [Quantile("top", tuple(top))]
    for quantile in range(9, -1, -1):
        numbers = range(
            1000 * (feature + 1) + 10 * quantile,
            1000 * (feature + 1) + 10 * quantile + max(1, (count - 8) // 10),
        )
        made = (example(words[n % len(words)], n, 0.5 + 0.9 * quantile) for n in numbers)
        stretches.append(Quantile(f"q{quantile}", tuple(made)))
    effects = tuple(LogitEffect(token, 2.0 - 0.1 * i) for i, token in enumerate(logits))
    return FeatureRecord(
        FeatureKey(0, feature), None, tuple(stretches), top_logits=effects, density=density
    )


class RuleGateway:
    """Answers by a function of the last question; keeps what it was asked."""

    model = "rule"

    def __init__(self, rule: Callable[[str], Answer | str]) -> None:
        self.rule = rule
        self.queries: list[Query] = []
        self.kept: list[tuple[str, str, str]] = []

    def unusable(self, query: Query, answer: Completion, about: str, why: str) -> None:
        self.kept.append((about, why, answer.text))

    def ask(
        self, queries: Sequence[Query], done: Callable[[int, Answer], None] | None = None
    ) -> list[Answer]:
        self.queries += queries
        answers: list[Answer] = []
        for place, query in enumerate(queries):
            found = self.rule(query.request.turns[-1].text)
            answers.append(Completion(found, self.model) if isinstance(found, str) else found)
            if done:
                done(place, answers[-1])
        return answers


def listed_texts(question: str) -> list[str]:
    """The numbered JSON strings of a question."""
    return [json.loads(text) for text in re.findall(r'^\d+\. (".*")$', question, re.MULTILINE)]


def knows(words: Sequence[str]) -> Callable[[str], str]:
    """A judge that says 1 to texts with one of the words."""

    def rule(question: str) -> str:
        return json.dumps(
            [int(any(word in text for word in words)) for text in listed_texts(question)]
        )

    return rule
