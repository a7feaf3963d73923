"""The layer profile: which layers hold which classes, and whether that follows the hypothesis.

The hypothesis: early layers are input, middle layers abstract (cross), late layers output.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from graphlabel.annotation import FeatureClass
from graphlabel.errors import EvidenceError

CLASSES = tuple(FeatureClass)
Z95 = 1.959963984540054
"""The 97.5 % point of the normal distribution."""
PERMUTATIONS = 10_000


@dataclass(frozen=True, slots=True)
class Share:
    """A share of a layer's features with its 95 % Wilson interval."""

    count: int
    of: int
    share: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Trend:
    """One part of the hypothesis."""

    claim: str
    z: float
    """Cochran-Armitage z in the direction of the claim; 0 where there is nothing to test."""
    p: float
    """One-sided permutation p."""


@dataclass(frozen=True, eq=False)
class Profile:
    """Classes by layer, and the test of the hypothesis."""

    layers: tuple[int, ...]
    counts: Int[np.ndarray, "layers 4"]
    """Features by layer and class, classes in the protocol's order."""
    trends: tuple[Trend, ...]
    """Input falls with the layer; cross peaks in the middle; output rises."""
    joint: Trend
    """All three at once: the sum of their z."""

    def share(self, layer: int, feature_class: FeatureClass) -> Share:
        """The share of a class in a layer."""
        row = self.counts[self.layers.index(layer)]
        return wilson(int(row[CLASSES.index(feature_class)]), int(row.sum()))


def wilson(count: int, of: int) -> Share:
    """A share with its 95 % score interval (Wilson 1927); all of [0, 1] when there is nothing."""
    if not of:
        return Share(0, 0, 0.0, 0.0, 1.0)
    share, square = count / of, Z95**2
    middle = (share + square / (2 * of)) / (1 + square / of)
    spread = Z95 * math.sqrt(share * (1 - share) / of + square / (4 * of**2)) / (1 + square / of)
    # rounding may leave the share itself just outside
    low, high = min(share, max(0.0, middle - spread)), max(share, min(1.0, middle + spread))
    return Share(count, of, share, low, high)


def layer_profile(
    classes: Iterable[tuple[int, FeatureClass]],
    *,
    permutations: int = PERMUTATIONS,
    seed: int = 0,
) -> Profile:
    """The profile of features given as (layer, class).

    Trends are Cochran-Armitage tests (Armitage 1955) with the layer's number, or minus the squared
    distance from the middle, as the score; p-values are one-sided and from tables with the same
    margins, that is, from shuffling classes over features. Raises EvidenceError without features.
    """
    found = list(classes)
    if not found:
        raise EvidenceError("no feature has a class, so there is no profile; route first")
    layers = tuple(sorted({layer for layer, _ in found}))
    counts = np.zeros((len(layers), len(CLASSES)), dtype=np.int64)
    for layer, feature_class in found:
        counts[layers.index(layer), CLASSES.index(feature_class)] += 1
    observed = _statistics(counts[None], layers)[0]
    shuffled = _statistics(_shuffled(counts, permutations, seed), layers)
    claims = (
        "input falls with the layer",
        "cross peaks in the middle layers",
        "output rises with the layer",
        "early input, middle abstract, late output",
    )
    observed = np.append(observed, observed.sum())
    shuffled = np.column_stack([shuffled, shuffled.sum(axis=1)])
    beaten = (shuffled >= observed - 1e-9).sum(axis=0)
    trends = tuple(
        Trend(claim, float(z), float((1 + count) / (permutations + 1)))
        for claim, z, count in zip(claims, observed, beaten, strict=True)
    )
    return Profile(layers, counts, trends[:3], trends[3])


def _shuffled(
    counts: Int[np.ndarray, "layers classes"], permutations: int, seed: int
) -> Int[np.ndarray, "permutations layers classes"]:
    """Tables with the same margins as if classes were dealt out to the features at random."""
    from scipy.stats import random_table

    rows, columns = counts.sum(axis=1), counts.sum(axis=0)
    drawn = random_table(rows, columns).rvs(size=permutations, random_state=seed)
    return np.asarray(drawn).astype(np.int64)


def _statistics(
    tables: Int[np.ndarray, "tables layers classes"], layers: tuple[int, ...]
) -> Float[np.ndarray, "tables 3"]:
    """The z of each part of the hypothesis, larger when the table speaks for it."""
    depth = np.array(layers, dtype=np.float64)
    middle = -((depth - (depth[0] + depth[-1]) / 2) ** 2)
    parts = (
        (FeatureClass.INPUT, -depth),
        (FeatureClass.CROSS, middle),
        (FeatureClass.OUTPUT, depth),
    )
    return np.column_stack(
        [_armitage(tables, CLASSES.index(which), score) for which, score in parts]
    )


def _armitage(
    tables: Int[np.ndarray, "tables layers classes"],
    which: int,
    score: Float[np.ndarray, " layers"],
) -> Float[np.ndarray, " tables"]:
    """Cochran-Armitage z of one class's share against the layers' scores."""
    sizes = tables.sum(axis=2)
    whole = sizes.sum(axis=1)
    share = tables[:, :, which].sum(axis=1) / whole
    centred = score - (sizes @ score / whole)[:, None]
    statistic = (tables[:, :, which] * centred).sum(axis=1)
    variance = share * (1 - share) * (sizes * centred**2).sum(axis=1)
    z = np.zeros(len(tables))
    np.divide(statistic, np.sqrt(variance), out=z, where=variance > 1e-12)
    return z
