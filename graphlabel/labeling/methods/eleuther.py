"""``eleuther_acts_top20`` and ``_top5``: texts with marked tokens (Paulo et al. 2024)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import ClassVar

from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.excerpts import Excerpt, scaled, strongest, top_excerpts
from graphlabel.labeling.labeler import Proposal
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE, fenced

WORDS = 30
MARKER = "[EXPLANATION]:"

_SYSTEM = f"""\
You interpret features of a neural network. You see texts on which one feature fires, the \
strongest first. The tokens on which it fires stand between << and >>, several in a row together; \
below each text these tokens are listed with their activation from 0 to 10, 10 being the feature's \
strongest. Find what the marked tokens have in common, or what the texts have in common around \
them, and say it in one short English phrase that would let somebody guess which tokens of a new \
text are marked. Do not list the examples and do not mention the marks. {DATA_RULE}"""

_THINK = (
    "First think aloud in a few lines: what the marked tokens are, what stands around them, what "
    "would contradict your idea. "
)
_END = f"End with one line: {MARKER} followed by the phrase."


@dataclass(frozen=True, slots=True)
class MarkedTexts:
    """Texts of about 32 tokens, those above 0.6 of the text's maximum marked; a phrase."""

    name: ClassVar[str]
    examples: int
    chain_of_thought: bool = False
    """Whether the model reasons before it answers."""
    before: int = 16
    after: int = 15
    threshold: float = 0.6
    """Tokens above this share of their text's strongest activation are marked."""
    temperature: float | None = None
    max_tokens: int = 500

    def request(self, evidence: Evidence) -> Request:
        """The marked texts with their activations."""
        system = f"{_SYSTEM}\n{_THINK if self.chain_of_thought else ''}{_END}"
        excerpts = top_excerpts(
            evidence.record, self.examples, before=self.before, after=self.after
        )
        maximum = strongest(evidence.record)
        lines = [
            line
            for number, each in enumerate(excerpts, start=1)
            for line in self._shown(number, each, maximum)
        ]
        asked = Turn(Role.USER, fenced("texts", lines))
        return Request(system, (asked,), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``[EXPLANATION]:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))

    def _shown(self, number: int, excerpt: Excerpt, maximum: float) -> tuple[str, str]:
        least = self.threshold * max(excerpt.activations)
        fires = [value > least for value in excerpt.activations]
        pairs = zip(excerpt.tokens, excerpt.activations, fires, strict=True)
        listed = ", ".join(
            f'("{token}", {scaled(value, maximum)})' for token, value, firing in pairs if firing
        )
        return f"{number}. {marked(excerpt.tokens, fires)}", f"   activations: {listed}"


def marked(tokens: tuple[str, ...], fires: list[bool]) -> str:
    """Tokens as running text, those that fire between << and >>, neighbours together."""
    parts = []
    runs = groupby(zip(tokens, fires, strict=True), key=lambda pair: pair[1])
    for firing, run in runs:
        text = "".join(token for token, _ in run)
        parts.append(f"<<{text}>>" if firing else text)
    return "".join(parts).strip()


@dataclass(frozen=True, slots=True)
class Top20(MarkedTexts):
    """The 20 strongest texts."""

    name: ClassVar[str] = "eleuther_acts_top20"
    examples: int = 20


@dataclass(frozen=True, slots=True)
class Top5(MarkedTexts):
    """The 5 strongest texts."""

    name: ClassVar[str] = "eleuther_acts_top5"
    examples: int = 5
