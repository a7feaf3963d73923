"""Which texts a feature is silent on: negatives must be checked, not assumed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Bool

from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import Excerpt, cut_excerpt, runs


@runtime_checkable
class SilenceCheck(Protocol):
    """Tells on which texts features do not fire."""

    @property
    def how(self) -> str:
        """How silence was checked, in words for a report."""
        ...

    @property
    def measured(self) -> bool:
        """Whether silence was measured, rather than told from the records at hand."""
        ...

    def silent(
        self, records: Sequence[FeatureRecord], texts: Sequence[Excerpt]
    ) -> Bool[np.ndarray, "features texts"]:
        """Whether each feature is silent on each text."""
        ...


class ByRecords:
    """Silence as far as the records at hand tell: the text is none of the feature's own examples.

    A feature of density d still fires by chance on about 1 − (1 − d)^T of texts of T tokens; see
    ``expected_firing``.
    """

    how = "by the records at hand (no text shares 12 tokens in a row with the feature's examples)"
    measured = False

    def silent(
        self, records: Sequence[FeatureRecord], texts: Sequence[Excerpt]
    ) -> Bool[np.ndarray, "features texts"]:
        """Whether no example of the feature shares a run of tokens with the text."""
        held = [runs(text) for text in texts]
        found = np.ones((len(records), len(texts)), dtype=bool)
        for row, record in enumerate(records):
            own: set[tuple[str, ...]] = set()
            for part in record.quantiles:
                own.update(*(runs(cut_excerpt(example, 10**6)) for example in part.examples))
            found[row] = [mine.isdisjoint(own) for mine in held]
        return found


def expected_firing(record: FeatureRecord, text: Excerpt) -> float | None:
    """How likely a feature fires on a random text of this length; None for an unknown density."""
    if record.density is None:
        return None
    return float(1 - (1 - min(record.density, 1.0)) ** len(text.tokens))
