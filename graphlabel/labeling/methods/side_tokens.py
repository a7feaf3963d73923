"""``side_tokens``: tier 1 by a small language model, from the tokens of the side that decided."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import ClassVar

from graphlabel.annotation import FeatureClass
from graphlabel.errors import EvidenceError
from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.excerpts import Excerpt, scaled, strongest
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods import few_shot
from graphlabel.labeling.methods.few_shot import few_shot_turns
from graphlabel.labeling.methods.lists import MARKER, logits_block, shown_excerpts
from graphlabel.labeling.token_count import clearer_side
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE, fenced

WORDS = 5

_INPUT = f"""\
A feature of a neural network fires on the token that ends each of these lines, the strongest \
first; the number is its activation from 0 to 10. Name what the lines share: the token or words \
themselves if they are nearly all the same (“Dallas”), else their kind (“US cities”). At most \
{WORDS} words. {DATA_RULE}
Answer with one line: {MARKER} followed by the name."""

_OUTPUT = f"""\
A feature of a neural network makes certain tokens come next. You see what followed where it \
fired, the strongest first, with its activation from 0 to 10, and the tokens whose logits it \
raises most. Name what it says next: “say X” if X is nearly always the same, else “say a …” with \
its kind (“say a capital”). At most {WORDS} words. {DATA_RULE}
Answer with one line: {MARKER} followed by the name."""


@dataclass(frozen=True, slots=True)
class SideTokens:
    """The deciding window's tokens (and logits, for output features); 1 to 5 words."""

    name: ClassVar[str] = "side_tokens"
    examples: int = 10
    temperature: float | None = None
    max_tokens: int = 100

    def request(self, evidence: Evidence) -> Request:
        """What stands in the window that made the feature input or output.

        Of a feature that was not routed, the side that the token counter would name. Raises
        EvidenceError for cross and obscure features.
        """
        routing = evidence.routing
        side = routing.feature_class if routing else clearer_side(evidence.record)
        if side not in (FeatureClass.INPUT, FeatureClass.OUTPUT):
            raise EvidenceError(f"{self.name} names input and output features, this is neither")
        score = routing.scores.get(side.value) if routing else None
        shown = partial(_shown, side, score.window if score else _WINDOWS[side], self.examples)
        turns = few_shot_turns(shown, _ANSWERED[side])
        asked = Turn(Role.USER, shown(evidence))
        return Request(_SYSTEM[side], (*turns, asked), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``Explanation:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))


_SYSTEM = {FeatureClass.INPUT: _INPUT, FeatureClass.OUTPUT: _OUTPUT}
_WINDOWS = {FeatureClass.INPUT: (-1, 0), FeatureClass.OUTPUT: (1, 2)}
_ANSWERED = {
    FeatureClass.INPUT: (
        (few_shot.KNOTS, f"{MARKER} knot"),
        (few_shot.SHADES, f"{MARKER} shades of purple"),
    ),
    FeatureClass.OUTPUT: (
        (few_shot.TEA, f"{MARKER} say tea"),
        (few_shot.MOONS, f"{MARKER} say a moon of Saturn"),
    ),
}


def _shown(side: FeatureClass, window: tuple[int, int], count: int, evidence: Evidence) -> str:
    maximum = strongest(evidence.record)
    excerpts = shown_excerpts(evidence, count)
    lines = [
        f"{scaled(each.activations[each.peak], maximum)}\t{text}"
        for each in excerpts
        if (text := _tokens(each, *window))
    ]
    block = fenced("tokens", lines)
    return block if side is FeatureClass.INPUT else f"{block}\n\n{logits_block(evidence)}"


def _tokens(excerpt: Excerpt, start: int, stop: int) -> str:
    first, last = max(excerpt.peak + start, 0), max(excerpt.peak + stop + 1, 0)
    return "".join(excerpt.tokens[first:last]).strip()
