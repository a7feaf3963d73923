"""``baez`` and ``baez_last``: what a verbalizer says of the activations at the peaks."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphlabel.annotation import Verbalization
from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.excerpts import STEPS, firing_examples, strongest
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods.eleuther import MARKER
from graphlabel.labeling.tools import Tools, last_paragraph
from graphlabel.labeling.verbalizers import Passage
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE, fenced, quoted
from graphlabel.records import ActivationExample, FeatureRecord

WORDS = 8

_SYSTEM = f"""\
You name features of a neural network. One feature fired in several texts. For each text another \
model put the network's state at that moment into words: a description of what the network was \
attending to, which can hold errors and much that has nothing to do with the feature. The number \
before a description, 1 to 10, says how strongly the feature fired; trust high numbers more. Name \
the one thing that the descriptions share and that would explain the feature, as specifically as \
they allow, in at most {WORDS} English words. {DATA_RULE}
End with one line: {MARKER} followed by the name."""


@dataclass(frozen=True, slots=True)
class VerbalizedPeaks:
    """Verbalized activations at the peaks of the strongest examples; up to 8 words."""

    name: ClassVar[str]
    last: ClassVar[bool]
    """Whether only the last paragraph of each verbalization is shown."""
    tools: Tools
    examples: int = 5
    temperature: float | None = None
    max_tokens: int = 400

    def request(self, evidence: Evidence) -> Request:
        """The verbalizations, strongest first; raises UsageError without a verbalizer."""
        chosen = _distinct(evidence.record, self.examples)
        passages = [Passage.of_example(each) for each in chosen]
        spoken = self.tools.need_verbalizer(self.name).verbalize(passages)
        maximum = strongest(evidence.record)
        blocks = (
            self._block(example, verbalization, maximum)
            for example, verbalization in zip(chosen, spoken, strict=True)
        )
        asked = Turn(Role.USER, "\n\n".join(blocks))
        return Request(_SYSTEM, (asked,), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``[EXPLANATION]:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))

    def _block(self, example: ActivationExample, spoken: Verbalization, maximum: float) -> str:
        text = last_paragraph(spoken.text) if self.last else spoken.text
        strength = step(example.peak_activation, maximum)
        lines = [quoted(line) for line in text.splitlines() if line.strip()]
        return f"{strength}\n{fenced('description', lines)}"


@dataclass(frozen=True, slots=True)
class Baez(VerbalizedPeaks):
    """All of each verbalization."""

    name: ClassVar[str] = "baez"
    last: ClassVar[bool] = False


@dataclass(frozen=True, slots=True)
class BaezLast(VerbalizedPeaks):
    """The last paragraph of each verbalization."""

    name: ClassVar[str] = "baez_last"
    last: ClassVar[bool] = True


def step(activation: float, maximum: float) -> int:
    """min(10, ceil(10·a/a_max)): 1 for the weakest positive activation, 10 for the strongest."""
    return min(STEPS, max(1, math.ceil(STEPS * activation / maximum)))


def _distinct(record: FeatureRecord, count: int) -> Sequence[ActivationExample]:
    """The strongest examples, each text up to its peak once."""
    texts: dict[str, ActivationExample] = {}
    for example in firing_examples(record):
        texts.setdefault(Passage.of_example(example).text, example)
    return tuple(texts.values())[:count]
