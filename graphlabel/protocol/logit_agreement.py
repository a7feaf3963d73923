"""Logit agreement: do the tokens that follow the peak stand among the feature's top logits?

A feature whose decoder direction raises the tokens that come next writes them; one that merely
fires on a token which something usually follows does not.
"""

from __future__ import annotations

from dataclasses import dataclass

from graphlabel.protocol.decision import Case, Opinion
from graphlabel.protocol.judging import Examples
from graphlabel.records import FeatureRecord

CLOSE = 0.25
"""Input and output are close when their values differ by no more."""
AGREEING = 0.5
"""The share of examples whose next token must be among the top logits."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """How often the next token is one whose logit the feature raises most."""

    share: float
    """Of the examples that have a next token, 0 to 1."""
    mean_rank: float | None
    """Mean place of those tokens among the top logits, the first being 1."""
    n: int
    """Examples that have a next token."""


def logit_agreement(record: FeatureRecord, examples: Examples) -> Agreement | None:
    """The agreement of a feature's next tokens with its top logits; None without either."""
    ranks: dict[str, int] = {}
    for place, logit in enumerate(record.top_logits, start=1):
        ranks.setdefault(_folded(logit.token), place)
    following = [tokens[0] for each in examples.chosen if (tokens := each.window(1, 1))]
    if not ranks or not following:
        return None
    found = [ranks[_folded(token)] for token in following if _folded(token) in ranks]
    mean = sum(found) / len(found) if found else None
    return Agreement(len(found) / len(following), mean, len(following))


@dataclass(frozen=True, slots=True)
class LogitAgreement:
    """Decides for output where both sides are candidates, close, and the logits agree."""

    close: float = CLOSE
    agreeing: float = AGREEING

    def __call__(self, case: Case) -> Opinion:
        """Raise the output side to the input side's value where the logits speak for it."""
        values = case.values
        found = logit_agreement(case.record, case.feature.examples)
        both = min(values["input"], values["output"]) >= case.threshold
        if found is None or not both or abs(values["input"] - values["output"]) > self.close:
            return Opinion(values)
        words = f"{found.share:.0%} of the next tokens are among its top logits"
        if found.share < self.agreeing:
            return Opinion(values, words)
        return Opinion({**values, "input": float("-inf")}, f"{words}, which speaks for output")


def _folded(token: str) -> str:
    return token.strip().casefold()
