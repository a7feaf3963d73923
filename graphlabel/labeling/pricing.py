"""What labelling would cost, before anything is sent."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from graphlabel.annotation import Verbalization
from graphlabel.graph import FeatureKey
from graphlabel.labeling.evidence import Evidence
from graphlabel.labeling.labeler import PromptedLabeler
from graphlabel.labeling.proposing import Unnamed, asking
from graphlabel.labeling.verbalizers import Done, Subject
from graphlabel.llm import Request
from graphlabel.llm.terms import Terms, likely_input


@dataclass(frozen=True, slots=True)
class Price:
    """What a question would cost; None where the price table does not know the model."""

    dollars: float | None
    """About how much, if the answer is as long as it may be."""
    bound: float | None
    """The most that it can cost."""


def prices(
    method: PromptedLabeler,
    evidence: Mapping[FeatureKey, Evidence],
    terms: Terms,
    *,
    batch: bool = False,
) -> tuple[dict[FeatureKey, Price], dict[FeatureKey, Unnamed]]:
    """The price of every feature that a method can ask about, and why it cannot of the others.

    Of methods that read verbalizations make the method with a ``SampleVerbalizer``: nothing is
    verbalized for a price.
    """
    found: dict[FeatureKey, Price] = {}
    cannot: dict[FeatureKey, Unnamed] = {}
    for key, each in evidence.items():
        request = asking(method, each)
        if isinstance(request, Unnamed):
            cannot[key] = request
        else:
            found[key] = price(request, terms, batch=batch)
    return found, cannot


def price(request: Request, terms: Terms, *, batch: bool = False) -> Price:
    """What one question would cost."""
    return Price(
        terms.dollars(likely_input(request), request.max_tokens, batch=batch),
        terms.bound(request, batch=batch),
    )


def total(each: Sequence[Price]) -> Price:
    """What several questions would cost together."""
    dollars = [one.dollars for one in each]
    bounds = [one.bound for one in each]
    return Price(_sum(dollars), _sum(bounds))


def _sum(amounts: Sequence[float | None]) -> float | None:
    known = [amount for amount in amounts if amount is not None]
    return sum(known, 0.0) if len(known) == len(amounts) else None


class SampleVerbalizer:
    """Says as much as an NLA does, without a model: for prices."""

    name = "a sample"
    layer: int | None = None

    def verbalize(
        self, subjects: Sequence[Subject], done: Done | None = None
    ) -> list[Verbalization]:
        """A text of 200 tokens for each, of the length of English words."""
        texts = [
            Verbalization(" ".join(["word"] * 160), self.name, each.reading) for each in subjects
        ]
        for place, text in enumerate(texts):
            if done is not None:
                done(place, text)
        return texts
