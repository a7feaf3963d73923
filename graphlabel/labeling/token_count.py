"""The token counter: tier 1 without any model.

Input features are named by what stands at and just before the peak, output features by what stands
after it together with the tokens whose logits the feature raises.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence

from graphlabel.annotation import FeatureClass, Routing, WindowScore
from graphlabel.labeling.labeler import Proposal
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.settings import ExampleSettings, Strategy
from graphlabel.records import ActivationExample, FeatureRecord

LOGIT_SHARE = 0.5
"""Weight of the logits beside the next tokens, whose shares sum to 1."""
TOP_LOGITS = 5
EXAMPLES = ExampleSettings(n=10, examples=Strategy.STRONG)
"""Those that routing judges by: the ten largest alone may all be of one token among several."""
ENOUGH = 0.5
"""A text that holds this share of the activation names the feature alone."""
MANY = 3
"""At most so many texts are listed when none does."""
SEVERAL = " / "
"""What stands between them."""


class TokenCounter:
    """Labels features by counting tokens, weighted by activation."""

    name = "token_count"

    def label(self, record: FeatureRecord, routing: Routing | None) -> Proposal | None:
        """The feature's name, or None for classes a counter cannot name.

        Of a feature that was not routed the side on which more of the evidence agrees is named.
        """
        if routing is None:
            return max(_sides(record).values(), key=_clarity, default=None)
        examples = judged_examples(record, EXAMPLES).chosen
        if not examples:
            return None
        if routing.feature_class is FeatureClass.INPUT:
            return _input_label(examples, routing.scores.get("input"))
        if routing.feature_class is FeatureClass.OUTPUT:
            return _output_label(examples, record)
        return None


def clearer_side(record: FeatureRecord) -> FeatureClass | None:
    """Input or output, whichever more of the evidence agrees on; None without evidence."""
    sides = _sides(record)
    return max(sides, key=lambda side: _clarity(sides[side]), default=None)


def _sides(record: FeatureRecord) -> dict[FeatureClass, Proposal]:
    """What each side would be called; nothing of a feature that never fires."""
    examples = judged_examples(record, EXAMPLES).chosen
    if not examples:
        return {}
    sides = {
        FeatureClass.INPUT: _input_label(examples, None),
        FeatureClass.OUTPUT: _output_label(examples, record),
    }
    return {side: proposal for side, proposal in sides.items() if proposal is not None}


def _clarity(proposal: Proposal) -> tuple[bool, float]:
    """One text before several, then by how much of the evidence agrees."""
    return SEVERAL not in proposal.text, proposal.trust or 0.0


def _input_label(
    examples: Sequence[ActivationExample], score: WindowScore | None
) -> Proposal | None:
    """The peak token; with the tokens before it where they are what the examples share."""
    start = score.window[0] if score else 0
    for first in range(start, 1):
        shares = _shares((_join(e.window(first, 0)), e.peak_activation) for e in examples)
        if shares and (first == 0 or shares[0][1] > ENOUGH):
            return _named(shares)
    return None


def _output_label(examples: Sequence[ActivationExample], record: FeatureRecord) -> Proposal | None:
    """``say X``, from the next tokens and from the logits the decoder direction raises."""
    next_tokens = _shares((_join(e.window(1, 1)), e.peak_activation) for e in examples)
    totals: dict[str, float] = defaultdict(float)
    shown: dict[str, str] = {}
    for text, share in next_tokens:
        totals[text.casefold()] += share
        shown.setdefault(text.casefold(), text)
    logits = [logit for logit in record.top_logits[:TOP_LOGITS] if (logit.value or 1.0) > 0]
    strength = sum(logit.value or 1.0 for logit in logits)
    for logit in logits:
        text = logit.token.strip()
        if text:
            totals[text.casefold()] += LOGIT_SHARE * (logit.value or 1.0) / strength
            shown.setdefault(text.casefold(), text)
    if not totals:
        return None
    whole = sum(totals.values())
    ranked = sorted(totals.items(), key=lambda item: -item[1])
    proposal = _named([(shown[folded], total / whole) for folded, total in ranked])
    return proposal and Proposal(f"say {proposal.text}", proposal.trust)


def _join(tokens: Iterable[str]) -> str:
    return " ".join("".join(tokens).split())


def _shares(weighted: Iterable[tuple[str, float]]) -> list[tuple[str, float]]:
    """Texts (case-folded for counting) with their share of the weight, largest first."""
    totals: dict[str, float] = defaultdict(float)
    spellings: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
    for text, weight in weighted:
        if text:
            totals[text.casefold()] += weight
            spellings[text.casefold()][text] += weight
    whole = sum(totals.values())
    ranked = sorted(totals.items(), key=lambda item: -item[1])
    return [
        (max(spellings[folded].items(), key=lambda item: item[1])[0], total / whole)
        for folded, total in ranked
        if whole > 0
    ]


def _named(shares: Sequence[tuple[str, float]]) -> Proposal | None:
    """One text where it holds half the weight, else the few largest, joined by a slash."""
    if not shares:
        return None
    if shares[0][1] >= ENOUGH:
        return Proposal(shares[0][0], shares[0][1])
    few = shares[:MANY]
    return Proposal(SEVERAL.join(text for text, _ in few), sum(share for _, share in few))
