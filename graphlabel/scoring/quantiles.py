"""In which tenth of a feature's activations a text is."""

from __future__ import annotations

from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import Excerpt, cut_excerpt

QUANTILES = 10
"""Quantile 9 is the strongest tenth, 0 the weakest."""


def excerpts_by_quantile(record: FeatureRecord) -> dict[int, list[Excerpt]]:
    """Every excerpt on which a feature fires by the quantile of its largest activation.

    Where the source says which stretch of the distribution examples were drawn from, those decide:
    an excerpt drawn for a weak token with a stronger one beside it belongs to the stronger's
    stretch, since a reader sees both. Otherwise quantiles are tenths of the examples at hand.
    """
    excerpts = [
        excerpt
        for part in record.quantiles
        for example in part.examples
        if (excerpt := cut_excerpt(example)).peak_activation > 0
    ]
    bounds = _bounds(record)
    found: dict[int, list[Excerpt]] = {number: [] for number in reversed(range(QUANTILES))}
    ranked = sorted(excerpts, key=lambda excerpt: -excerpt.peak_activation)
    for rank, excerpt in enumerate(ranked):
        if bounds:
            reached = (n for n, least in bounds if excerpt.peak_activation >= least)
            number = max(reached, default=min(n for n, _ in bounds))
        else:
            number = _tenth(len(ranked) - 1 - rank, len(ranked))
        found[number].append(excerpt)
    return {number: held for number, held in found.items() if held}


def _bounds(record: FeatureRecord) -> list[tuple[int, float]]:
    """The quantiles the source's stretches stand for, and the least activation drawn in each."""
    stretches = record.quantiles[1:]
    bounds = []
    for place, part in enumerate(stretches):
        drawn = [
            example.as_drawn().peak_activation
            for example in part.examples
            if example.as_drawn().peak_activation > 0
        ]
        if drawn:
            bounds.append((_tenth(len(stretches) - 1 - place, len(stretches)), min(drawn)))
    return bounds


def _tenth(place: int, of: int) -> int:
    """The tenth that a place among so many is in, counted from the weakest."""
    return (2 * place + 1) * QUANTILES // (2 * of)
