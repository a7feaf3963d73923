"""A feature's evidence: examples, logits, histogram, explanations."""

from __future__ import annotations

from dataclasses import dataclass

from graphlabel.graph import FeatureKey
from graphlabel.records.examples import ActivationExample
from graphlabel.records.identity import TranscoderSet


@dataclass(frozen=True, slots=True)
class LogitEffect:
    """A vocabulary token and how far the feature's decoder direction moves its logit."""

    token: str
    value: float | None = None
    """Logit change per unit of activation, through the final norm's weight; None if unknown."""


@dataclass(frozen=True, slots=True)
class Quantile:
    """Examples from one stretch of the feature's activation distribution."""

    name: str
    examples: tuple[ActivationExample, ...]


@dataclass(frozen=True, slots=True)
class Explanation:
    """What somebody's label method once said of the feature."""

    text: str
    method: str = ""
    model: str = ""
    score: float | None = None


@dataclass(frozen=True, slots=True)
class Histogram:
    """Counts of positive activations in bins of equal width from ``low`` to ``high``."""

    low: float
    high: float
    counts: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FeatureRecord:
    """Everything a source knows of one feature."""

    key: FeatureKey
    transcoder_set: TranscoderSet | None
    quantiles: tuple[Quantile, ...]
    """Top examples first, then stretches of the activation distribution from high to low."""
    top_logits: tuple[LogitEffect, ...] = ()
    bottom_logits: tuple[LogitEffect, ...] = ()
    density: float | None = None
    """Share of tokens on which the feature fires, 0 to 1."""
    max_activation: float | None = None
    histogram: Histogram | None = None
    explanations: tuple[Explanation, ...] = ()
    dropped: int = 0
    """Examples the source holds that are broken: no tokens, NaN, a peak outside the text."""
    remarks: tuple[str, ...] = ()
    """What a reader of the evidence should know, such as activations on a scale of 0 to 10."""

    @property
    def top_examples(self) -> tuple[ActivationExample, ...]:
        """Examples by falling peak activation: the first quantile's."""
        if not self.quantiles:
            return ()
        ranked = sorted(self.quantiles[0].examples, key=lambda e: -e.peak_activation)
        return tuple(ranked)
