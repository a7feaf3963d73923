"""How far annotators agree: kappa of their classes, cosine of their labels.

Cohen's kappa (1960) for each two annotators, Fleiss' kappa (1971) for all of three or more, with
bootstrap intervals over features (percentiles).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int64

from graphlabel.annotation import FeatureClass

Encode = Callable[[Sequence[str]], Float[np.ndarray, "texts width"]]
"""Unit vectors of texts."""

CLASSES = tuple(FeatureClass)
RESAMPLES = 1000
CONFIDENCE = 0.95


class Judgement(NamedTuple):
    """What one annotator said of one feature."""

    item: str
    """The feature, or the occurrence: the same text for every annotator."""
    annotator: str
    feature_class: FeatureClass | None = None
    text: str = ""


class Estimate(NamedTuple):
    """A number with its bootstrap interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True, slots=True)
class PairAgreement:
    """Two annotators on the features both judged."""

    first: str
    second: str
    n_classes: int
    """Features to which both gave a class."""
    same: float | None
    """Share of those with the same class."""
    kappa: Estimate
    """Cohen's; not defined where both gave nothing but one and the same class."""
    confusion: tuple[tuple[int, ...], ...]
    """Counts by class of the first (rows) and of the second annotator, in the order of CLASSES."""
    n_labels: int
    """Features to which both gave a label."""
    cosine: Estimate
    """Mean cosine of the two labels."""
    chance: float | None
    """The same between labels of different features: what agreement has to exceed."""


@dataclass(frozen=True, slots=True)
class Agreement:
    """The agreement of all annotators."""

    annotators: Mapping[str, int] = field(default_factory=dict)
    """How many features each judged."""
    pairs: tuple[PairAgreement, ...] = ()
    fleiss: Estimate | None = None
    """Fleiss' kappa; None for fewer than three annotators."""
    n_fleiss: int = 0
    """Features to which every annotator gave a class."""
    differences: tuple[str, ...] = ()
    """Items that got different classes, in order."""


class _Said(NamedTuple):
    classes: dict[str, int]
    texts: dict[str, str]


def agreement(
    judgements: Iterable[Judgement], encode: Encode | None = None, *, seed: int = 0
) -> Agreement:
    """Agreement on the features that several annotators judged; a repeated judgement counts last.

    Without ``encode`` labels are not compared.
    """
    said: dict[str, _Said] = {}
    for judgement in judgements:
        theirs = said.setdefault(judgement.annotator, _Said({}, {}))
        if judgement.feature_class is not None:
            theirs.classes[judgement.item] = CLASSES.index(judgement.feature_class)
        if judgement.text:
            theirs.texts[judgement.item] = judgement.text
    names = sorted(said)
    vectors = _vectors(said.values(), encode) if encode else None
    n_fleiss, fleiss = _fleiss(list(said.values()), seed) if len(names) > 2 else (0, None)
    return Agreement(
        annotators={
            name: len(said[name].classes.keys() | said[name].texts.keys()) for name in names
        },
        pairs=tuple(
            _pair(one, two, said[one], said[two], vectors, seed)
            for one, two in combinations(names, 2)
        ),
        fleiss=fleiss,
        n_fleiss=n_fleiss,
        differences=_differences(said.values()),
    )


def _vectors(said: Collection[_Said], encode: Encode) -> dict[str, Float[np.ndarray, " width"]]:
    """The vector of every label that is compared with another."""
    named = Counter(item for theirs in said for item in theirs.texts)
    texts = sorted(
        {text for theirs in said for item, text in theirs.texts.items() if named[item] > 1}
    )
    return dict(zip(texts, encode(texts), strict=True)) if texts else {}


def _pair(
    one: str,
    two: str,
    first: _Said,
    second: _Said,
    vectors: Mapping[str, Float[np.ndarray, " width"]] | None,
    seed: int,
) -> PairAgreement:
    both = sorted(first.classes.keys() & second.classes.keys())
    a, b = (np.array([each.classes[item] for item in both], np.int64) for each in (first, second))
    cells = a * len(CLASSES) + b
    named = sorted(first.texts.keys() & second.texts.keys())
    cosine, chance = Estimate(None, None, None), None
    if vectors is not None and named:
        left, right = (
            np.stack([vectors[each.texts[item]] for item in named]) for each in (first, second)
        )
        cosine, chance = _cosines(left, right, seed)
    return PairAgreement(
        first=one,
        second=two,
        n_classes=len(both),
        same=float((a == b).mean()) if both else None,
        kappa=_bootstrap(len(both), lambda at: cohen_kappa(_confusion(cells[at])), seed),
        confusion=tuple(tuple(row) for row in _confusion(cells).tolist()),
        n_labels=len(named),
        cosine=cosine,
        chance=chance,
    )


def _confusion(cells: Int64[np.ndarray, " items"]) -> Int64[np.ndarray, "classes classes"]:
    shape = (len(CLASSES), len(CLASSES))
    return np.bincount(cells, minlength=shape[0] * shape[1]).reshape(shape).astype(np.int64)


def _cosines(
    left: Float[np.ndarray, "labels width"], right: Float[np.ndarray, "labels width"], seed: int
) -> tuple[Estimate, float | None]:
    """Mean cosine of the pairs, and of every label with those of the other features."""
    own = np.einsum("ij,ij->i", left, right, dtype=np.float64)
    every = left.sum(axis=0, dtype=np.float64) @ right.sum(axis=0, dtype=np.float64)
    n = len(left)
    chance = float((every - own.sum()) / (n * (n - 1))) if n > 1 else None
    return _bootstrap(n, lambda at: float(own[at].mean()), seed), chance


def _fleiss(said: Sequence[_Said], seed: int) -> tuple[int, Estimate]:
    common = sorted(set.intersection(*(set(each.classes) for each in said)))
    counts = np.zeros((len(common), len(CLASSES)), np.int64)
    for row, item in enumerate(common):
        for each in said:
            counts[row, each.classes[item]] += 1
    return len(common), _bootstrap(len(common), lambda at: fleiss_kappa(counts[at]), seed)


def cohen_kappa(confusion: Int64[np.ndarray, "classes classes"]) -> float:
    """Cohen's kappa of a table of counts; NaN where chance alone would always agree."""
    from statsmodels.stats.inter_rater import cohens_kappa

    with np.errstate(divide="ignore", invalid="ignore"):
        return float(cohens_kappa(confusion, return_results=False))


def fleiss_kappa(counts: Int64[np.ndarray, "items classes"]) -> float:
    """Fleiss' kappa of how many annotators gave each item each class; NaN likewise."""
    from statsmodels.stats.inter_rater import fleiss_kappa as of_counts

    with np.errstate(divide="ignore", invalid="ignore"):
        return float(of_counts(counts))


def _bootstrap(
    n: int, statistic: Callable[[Int64[np.ndarray, " items"]], float], seed: int
) -> Estimate:
    """A statistic of items with a percentile interval; draws where it is undefined are left out."""
    if not n:
        return Estimate(None, None, None)
    value = statistic(np.arange(n))
    rng = np.random.default_rng(seed)
    found = np.array([statistic(rng.integers(n, size=n)) for _ in range(RESAMPLES)])
    found = found[np.isfinite(found)]
    if not np.isfinite(value) or not len(found):
        return Estimate(None, None, None)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(found, [tail, 1 - tail])
    return Estimate(value, float(low), float(high))


def _differences(said: Iterable[_Said]) -> tuple[str, ...]:
    classes: dict[str, set[int]] = {}
    for theirs in said:
        for item, chosen in theirs.classes.items():
            classes.setdefault(item, set()).add(chosen)
    return tuple(sorted(item for item, chosen in classes.items() if len(chosen) > 1))
