"""``np_max-act``: what the peak tokens share, else what the texts are about (Neuronpedia)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods import few_shot
from graphlabel.labeling.methods.lists import MARKER, peaks_block, shown_excerpts, texts_block
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE

WORDS = 6

_SYSTEM = f"""\
You name features of a neural network. You see the tokens on which one feature fires most strongly \
and the texts they stand in, the strongest first. Try these in order and stop at the first that \
fits:
1. The peak tokens: if most share a meaning, a form or a spelling, name what they share. If most \
are one and the same token, that token is the name.
2. The texts: else name the theme they have in common, as specifically as they allow.
Write plain English, at most {WORDS} words, no sentence, nothing about features or tokens in \
general. {DATA_RULE}
End with one line: {MARKER} followed by the name."""


@dataclass(frozen=True, slots=True)
class MaxAct:
    """Peak tokens and texts of ±24 tokens; 1 to 6 words."""

    name: ClassVar[str] = "np_max-act"
    examples: int = 10
    temperature: float | None = None
    max_tokens: int = 300

    def request(self, evidence: Evidence) -> Request:
        """The two lists, after two invented features."""
        turns = few_shot.few_shot_turns(self._shown, _ANSWERED)
        asked = Turn(Role.USER, self._shown(evidence))
        return Request(_SYSTEM, (*turns, asked), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``Explanation:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))

    def _shown(self, evidence: Evidence) -> str:
        excerpts = shown_excerpts(evidence, self.examples)
        return f"{peaks_block(excerpts)}\n\n{texts_block(excerpts)}"


_ANSWERED = (
    (few_shot.SHADES, f"Most peak tokens are shades of purple.\n{MARKER} shades of purple"),
    (
        few_shot.BEES,
        f"The peak tokens share nothing; the texts all tell of keeping bees.\n{MARKER} beekeeping",
    ),
)
