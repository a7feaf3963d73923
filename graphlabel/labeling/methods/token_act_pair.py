"""``oai_token-act-pair``: every token with its activation (Bills et al. 2023)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from graphlabel.errors import AnswerError
from graphlabel.labeling.answers import CUT, said, short_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.excerpts import Excerpt, scaled, strongest, top_excerpts
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods import few_shot
from graphlabel.llm import Completion, Request, Role, StopReason, Turn
from graphlabel.llm.quoting import DATA_RULE, fenced

WORDS = 30

_SYSTEM = f"""\
You explain features of a neural network. Of one feature you see texts, one token a line: the \
token, a tab, and how strongly the feature fires there, a whole number from 0 (not at all) to 10 \
(its strongest). Find what the tokens with high numbers, or what stands around them, have in \
common that the others do not. {DATA_RULE}
Answer with one English sentence: This feature looks for …"""

_SENTENCE = re.compile(r"looks?\s+for\s+([^\n]*)(\n?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class TokenActivationPairs:
    """The 10 strongest texts as lines of token and activation; one sentence “… looks for …”."""

    name: ClassVar[str] = "oai_token-act-pair"
    examples: int = 10
    before: int = 64
    """Tokens shown before a peak; texts are otherwise shown whole."""
    after: int = 64
    temperature: float | None = None
    max_tokens: int = 200

    def request(self, evidence: Evidence) -> Request:
        """The texts, after two invented features."""
        turns = few_shot.few_shot_turns(self._shown, _ANSWERED)
        asked = Turn(Role.USER, self._shown(evidence))
        return Request(_SYSTEM, (*turns, asked), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What the feature looks for, by the first sentence that says so; raises AnswerError."""
        found = _SENTENCE.search(said(answer))
        if not found:
            raise AnswerError("the answer has no “looks for”")
        if answer.stop is StopReason.LENGTH and not found[2]:
            raise AnswerError(CUT)
        return Proposal(short_label(found[1], WORDS))

    def _shown(self, evidence: Evidence) -> str:
        maximum = strongest(evidence.record)
        excerpts = top_excerpts(
            evidence.record, self.examples, before=self.before, after=self.after
        )
        return "\n\n".join(_pairs(each, maximum) for each in excerpts)


def _pairs(excerpt: Excerpt, maximum: float) -> str:
    pairs = zip(excerpt.tokens, excerpt.activations, strict=True)
    return fenced("text", [f"{token}\t{scaled(value, maximum)}" for token, value in pairs])


_ANSWERED = (
    (few_shot.SHADES, "This feature looks for words for shades of purple."),
    (few_shot.MOONS, "This feature looks for the word right before the name of a moon of Saturn."),
)
