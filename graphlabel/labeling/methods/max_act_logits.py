"""``np_max-act-logits``: peak tokens, then next tokens, then logits, then texts (Neuronpedia)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods import few_shot
from graphlabel.labeling.methods.lists import (
    MARKER,
    logits_block,
    nexts_block,
    peaks_block,
    shown_excerpts,
    texts_block,
)
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE

WORDS = 6

ORDER = """\
1. The peak tokens: if most share a meaning, a form or a spelling, name what they share. If most \
are one and the same token, that token is the name.
2. The next tokens: else, if most of the tokens that follow the peaks are alike, the name is \
“say X”, X being that token or its kind (“say a city”).
3. The raised logits: else, if most of the tokens whose probability the feature raises are alike, \
the name is “say X” for them. They are often noise; noise names nothing.
4. The texts: else name the theme they have in common, as specifically as they allow."""
"""In which order the lists are tried."""

_SYSTEM = f"""\
You name features of a neural network. Of one feature you see the tokens on which it fires most \
strongly, the token that follows each of them, the tokens whose logits it raises, and the texts \
around the peaks, the strongest first. Try these in order and stop at the first that fits:
{ORDER}
Write plain English, at most {WORDS} words, no sentence, nothing about features or tokens in \
general. {DATA_RULE}
End with one line: {MARKER} followed by the name."""


@dataclass(frozen=True, slots=True)
class MaxActLogits:
    """As np_max-act, with the tokens after the peaks and the logits; 1 to 6 words."""

    name: ClassVar[str] = "np_max-act-logits"
    examples: int = 10
    temperature: float | None = None
    max_tokens: int = 300

    def request(self, evidence: Evidence) -> Request:
        """The four lists, after three invented features."""
        turns = few_shot.few_shot_turns(self._shown, ANSWERED)
        asked = Turn(Role.USER, self._shown(evidence))
        return Request(_SYSTEM, (*turns, asked), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``Explanation:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))

    def _shown(self, evidence: Evidence) -> str:
        return four_lists(evidence, self.examples)


def four_lists(evidence: Evidence, count: int) -> str:
    """Peak tokens, next tokens, raised logits and texts; raises EvidenceError without examples."""
    excerpts = shown_excerpts(evidence, count)
    blocks = (
        peaks_block(excerpts),
        nexts_block(excerpts),
        logits_block(evidence),
        texts_block(excerpts),
    )
    return "\n\n".join(blocks)


ANSWERED = (
    (few_shot.SHADES, f"Most peak tokens are shades of purple.\n{MARKER} shades of purple"),
    (
        few_shot.MOONS,
        "The peak tokens share nothing; moons of Saturn follow them, and the logits agree.\n"
        f"{MARKER} say a moon of Saturn",
    ),
    (
        few_shot.BEES,
        "Peak tokens, next tokens and logits share nothing; the texts all tell of keeping bees.\n"
        f"{MARKER} beekeeping",
    ),
)
"""Invented features with good answers."""
