"""Output check: does a feature labelled `say X` really raise X? No language model is asked.

X is looked up among the logits the feature's decoder direction moves (the logit lens); with the
model at hand also among those that fall when the feature is taken out where it fires.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from graphlabel.protocol.tail import label_parts
from graphlabel.records import FeatureRecord
from graphlabel.scoring.outcome import LabelTest, Score, unscored
from graphlabel.scoring.scorer import Report, no_report
from graphlabel.scoring.split import TestText

SAY = "say "
_KIND = re.compile(r"(an?|the|some|any|one of|what) \S|.*:\s", re.IGNORECASE)
"""How a part of a label begins that names a kind: `say a city`, `say a city: Paris, Rome`."""
TOP = 10
"""A feature says X when X is among the tokens it raises most."""


@dataclass(frozen=True, slots=True)
class Raised:
    """What a feature does to the logit of a text's first token."""

    rank: int | None
    """Its place among all tokens, 1 being raised most; None where it is not among those known."""
    delta_logit: float | None = None
    """The logit change per unit of activation through the final norm's weight, beside the mean
    token's."""
    ablation: float | None = None
    """By how much its logit falls when the feature is taken out at its peaks; None without a
    model."""
    chance: float = 0.0
    """How likely a random token's rank is among the first ten."""


@runtime_checkable
class Lens(Protocol):
    """Knows which logits features move."""

    @property
    def how(self) -> str:
        """Where it knows it from, in words for a report."""
        ...

    def raised(
        self, record: FeatureRecord, text: str, positives: Sequence[TestText]
    ) -> Raised | None:
        """What the feature does to a text's first token; None where nothing is known of either."""
        ...


class ListedLogits:
    """The top logits that came with the record; all others are lower."""

    how = "by the top logits the source lists"

    def raised(
        self, record: FeatureRecord, text: str, positives: Sequence[TestText]
    ) -> Raised | None:
        """The rank of the first listed token that the text begins with."""
        if not record.top_logits:
            return None
        wanted = text.casefold()
        for rank, logit in enumerate(record.top_logits, start=1):
            if begins(wanted, logit.token):
                return Raised(rank, logit.value)
        return Raised(None)


def begins(text: str, token: str) -> bool:
    """Whether a case-folded text is a token, or begins with one of two letters or more."""
    bare = token.strip().casefold()
    return bare == text or (len(bare) > 1 and text.startswith(bare))


def said_texts(label: str) -> list[str]:
    """The texts that a ``say X`` label names, case folded: of ``say in / at or on`` three.

    What names a kind, such as ``say a city``, is none.
    """
    named = [part for each in label_parts(SAY + label[len(SAY) :]) for part in each.split(" or ")]
    return [part for part in named if not _KIND.match(part)]


class OutputCheck:
    """The share of a label's parts that are among the ten tokens the feature raises most."""

    name = "output_check"
    measure = "in the top 10"
    label_free = False

    def __init__(self, lens: Lens | None = None) -> None:
        """Look logits up through this lens; by default among those that came with the record."""
        self._lens = lens or ListedLogits()

    def score(self, tests: Sequence[LabelTest], report: Report = no_report) -> list[Score]:
        """The check of every ``say X`` label; other labels say nothing of outputs."""
        scores = []
        for done, test in enumerate(tests, start=1):
            scores.append(self._score(test))
            report(done, len(tests))
        return scores

    def _score(self, test: LabelTest) -> Score:
        if not test.label.casefold().startswith(SAY):
            return unscored(test, self.name, "the label does not say what comes next", 0.0)
        parts = said_texts(test.label)
        if not parts:
            why = "the label says a kind of token, and no kind has a logit"
            return unscored(test, self.name, why, 0.0)
        looked = [self._lens.raised(test.record, part, test.positives) for part in parts]
        found = [each for each in looked if each is not None]
        if not found:
            why = "no logits are known of the feature, or its token is not in the vocabulary"
            return unscored(test, self.name, why, 0.0)
        in_top = [each.rank is not None and each.rank <= TOP for each in found]
        ranks = [each.rank for each in found if each.rank is not None]
        deltas = [each.delta_logit for each in found if each.delta_logit is not None]
        ablations = [each.ablation for each in found if each.ablation is not None]
        measures = {"in_top_10": sum(in_top) / len(in_top)}
        measures |= {"rank": float(min(ranks))} if ranks else {}
        measures |= {"delta_logit": max(deltas)} if deltas else {}
        measures |= {"ablation": max(ablations)} if ablations else {}
        return Score(
            test.record.key,
            self.name,
            test.label,
            measures["in_top_10"],
            sum(each.chance for each in found) / len(found),
            measures,
            judged=len(found),
        )
