"""``np_acts-logits-general``: the same four lists, weighed as a whole (Neuronpedia)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods.lists import MARKER
from graphlabel.labeling.methods.max_act_logits import four_lists
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE

WORDS = 20

_SYSTEM = f"""\
You describe features of a neural network. Of one feature you see the tokens on which it fires \
most strongly, the token that follows each of them, the tokens whose logits it raises, and the \
texts around the peaks, the strongest first. Any of them can be what matters, and any can be \
noise. Weigh all four together and say what the feature is about, as specifically as the evidence \
allows and no more.
Write plain English, 3 to {WORDS} words. {DATA_RULE}
End with one line: {MARKER} followed by the description."""


@dataclass(frozen=True, slots=True)
class ActsLogitsGeneral:
    """Peak tokens, next tokens, logits and texts, without examples or order; 3 to 20 words."""

    name: ClassVar[str] = "np_acts-logits-general"
    examples: int = 10
    temperature: float | None = None
    max_tokens: int = 400

    def request(self, evidence: Evidence) -> Request:
        """The four lists."""
        asked = Turn(Role.USER, four_lists(evidence, self.examples))
        return Request(_SYSTEM, (asked,), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``Explanation:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))
