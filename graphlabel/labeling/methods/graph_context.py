"""``graph_context``: a feature's evidence beside its place in the graph (ours)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from graphlabel.errors import EvidenceError
from graphlabel.labeling.answers import marked_label
from graphlabel.labeling.evidence import Evidence, GraphContext, Neighbour
from graphlabel.labeling.labeler import Proposal
from graphlabel.labeling.methods.eleuther import marked
from graphlabel.labeling.methods.lists import MARKER
from graphlabel.labeling.methods.max_act_logits import ORDER, four_lists
from graphlabel.llm import Completion, Request, Role, Turn
from graphlabel.llm.quoting import DATA_RULE, fenced, quoted

WORDS = 8

_SYSTEM = f"""\
You name nodes of a model's attribution graph: what a feature of its network stands for while it \
reads one prompt. You see the tokens on which the feature fires most strongly anywhere, the token \
that follows each of them, the tokens whose logits it raises and the texts around the peaks, the \
strongest first; then the prompt with the tokens where it fires now between << and >>, and the \
nodes with the strongest edges into and out of it, each with the edge's weight (negative: it \
inhibits). Try these in order and stop at the first that fits:
{ORDER}
Then let the prompt and the neighbours decide between readings that the evidence leaves open; they \
may make a name more specific, never one the evidence contradicts. A neighbour's name can be wrong.
Write plain English, at most {WORDS} words, no sentence, nothing about features or tokens in \
general. {DATA_RULE}
End with one line: {MARKER} followed by the name."""


@dataclass(frozen=True, slots=True)
class InGraph:
    """As np_max-act-logits, with the prompt and the labelled neighbours; 1 to 8 words."""

    name: ClassVar[str] = "graph_context"
    reads_graph: ClassVar[bool] = True
    examples: int = 10
    neighbours: int = 5
    """So many parents and so many children are shown."""
    temperature: float | None = None
    max_tokens: int = 400

    def request(self, evidence: Evidence) -> Request:
        """The four lists, the prompt and the neighbours; raises EvidenceError without a graph."""
        if evidence.context is None:
            raise EvidenceError(f"{self.name} reads a graph and there is none; choose another")
        shown = f"{four_lists(evidence, self.examples)}\n\n{self._place(evidence.context)}"
        asked = Turn(Role.USER, shown)
        return Request(_SYSTEM, (asked,), self.max_tokens, self.temperature)

    def proposal(self, answer: Completion) -> Proposal:
        """What follows the last ``Explanation:``."""
        return Proposal(marked_label(answer, MARKER, WORDS))

    def _place(self, context: GraphContext) -> str:
        tokens = tuple(map(quoted, context.tokens))
        fires = [place in context.positions for place in range(len(tokens))]
        blocks = (
            fenced("prompt", [marked(tokens, fires)]),
            fenced("parents", _named(context.parents[: self.neighbours])),
            fenced("children", _named(context.children[: self.neighbours])),
        )
        return "\n\n".join(blocks)


def _named(neighbours: Sequence[Neighbour]) -> list[str]:
    return [f"{each.weight:+.3g}\t{quoted(each.name)}" for each in neighbours]
