"""Having a model say of each text whether it fits a label: what detection and fuzzing share."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from graphlabel.llm import Gateway, Query, Request, Role, Turn
from graphlabel.scoring.asking import ask_all, parse_numbers
from graphlabel.scoring.classification import Verdict, classification_score
from graphlabel.scoring.outcome import LabelTest, Score
from graphlabel.scoring.scorer import Report, no_report
from graphlabel.scoring.split import TestText
from graphlabel.scoring.wording import listed, quoted_label

Show = Callable[[TestText, np.random.Generator], str]
"""How a text is shown to the model."""


@dataclass(frozen=True, slots=True)
class JudgingPrompt:
    """How the question is put."""

    system: str
    examples: tuple[tuple[str, tuple[str, ...], str], ...]
    """Labels, some texts and the right answer; as many texts as a full batch has, since small
    models answer as many as they were shown."""

    def turns(self, label: str, texts: Sequence[str]) -> tuple[Turn, ...]:
        """The worked examples, then the question."""
        found: list[Turn] = []
        for shown, about, answer in self.examples:
            found.append(Turn(Role.USER, self._question(shown, about)))
            found.append(Turn(Role.ASSISTANT, answer))
        return (*found, Turn(Role.USER, self._question(label, texts)))

    @staticmethod
    def _question(label: str, texts: Sequence[str]) -> str:
        return f"Description: {quoted_label(label)}\nTexts:\n{listed(texts)}"


@dataclass(frozen=True, slots=True)
class _Batch:
    test: int
    texts: tuple[TestText, ...]


class Judge:
    """Shuffles a test's texts, asks in batches (the last may be short), counts the answers."""

    def __init__(
        self,
        name: str,
        gateway: Gateway,
        prompt: JudgingPrompt,
        show: Show,
        *,
        batch: int = 5,
        seed: int = 0,
        temperature: float | None = None,
    ) -> None:
        """``batch`` texts are shown in one question."""
        self.name, self._gateway, self._prompt, self._show = name, gateway, prompt, show
        self._batch, self._seed, self._temperature = batch, seed, temperature

    def score(self, tests: Sequence[LabelTest], report: Report = no_report) -> list[Score]:
        """Balanced accuracy of the answers for every test."""
        batches: list[_Batch] = []
        queries: list[Query] = []
        for place, test in enumerate(tests):
            for texts, query in self._questions(test):
                batches.append(_Batch(place, texts))
                queries.append(query)
        read = ask_all(
            self._gateway,
            queries,
            lambda i: tests[batches[i].test].record.key,
            lambda i, text: parse_numbers(text, len(batches[i].texts), 1),
            report,
        )
        verdicts: list[list[Verdict]] = [[] for _ in tests]
        failures: list[list[str]] = [[] for _ in tests]
        unparsed = [0] * len(tests)
        for batch, found in zip(batches, read, strict=True):
            said = found.value if found.value is not None else [None] * len(batch.texts)
            verdicts[batch.test] += [
                Verdict(text, None if each is None else bool(each))
                for text, each in zip(batch.texts, said, strict=True)
            ]
            unparsed[batch.test] += found.unparsed
            failures[batch.test] += [found.failure] if found.failure else []
        return [
            classification_score(test, self.name, verdicts[i], unparsed[i], failures[i])
            for i, test in enumerate(tests)
        ]

    def _questions(self, test: LabelTest) -> list[tuple[tuple[TestText, ...], Query]]:
        if not (test.label and test.positives and test.negatives):
            return []
        key = test.record.key
        generator = np.random.default_rng([self._seed, 2, key.layer, key.feature])
        order = [test.texts[i] for i in generator.permutation(len(test.texts))]
        found = []
        for start in range(0, len(order), self._batch):
            texts = tuple(order[start : start + self._batch])
            shown = [self._show(text, generator) for text in texts]
            request = Request(
                self._prompt.system,
                self._prompt.turns(test.label, shown),
                max_tokens=64 + 4 * len(texts),
                temperature=self._temperature,
            )
            found.append((texts, Query(request, f"score:{self.name}")))
        return found
