"""How a rule does on a gold set."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.stats import binomtest

from benchmarks.routing import CLASSES, ENOUGH, Agreement
from graphlabel.annotation import FeatureClass
from graphlabel.graph import FeatureKey
from scripts.routing_study.sets import Gold

RESAMPLES = 1_000


@dataclass(frozen=True, eq=False)
class Verdict:
    """The gold's classes beside the routed ones."""

    gold: tuple[str, ...]
    routed: tuple[str, ...]

    @classmethod
    def of(cls, gold: Gold, routed: Mapping[FeatureKey, FeatureClass]) -> Verdict:
        """Judge the routed classes of a gold's features."""
        return cls(tuple(gold.classes.values()), tuple(str(routed[key]) for key in gold.classes))

    @cached_property
    def agreement(self) -> Agreement:
        """The counts."""
        return Agreement.of(self.gold, self.routed)

    @property
    def macro_f1(self) -> float:
        """Mean F1 over the classes of which the gold has at least 15 features."""
        return self.agreement.macro_f1(ENOUGH)

    def interval(self, seed: int = 0) -> tuple[float, float]:
        """The 95 % bootstrap interval of macro-F1 (features drawn anew 1,000 times)."""
        random = np.random.default_rng(seed)
        codes = {name: number for number, name in enumerate(CLASSES)}
        true = np.array([codes[name] for name in self.gold])
        found = np.array([codes[name] for name in self.routed])
        chosen = self.agreement.sizes >= ENOUGH
        values = []
        for _ in range(RESAMPLES):
            take = random.integers(len(true), size=len(true))
            counts = np.zeros((len(CLASSES), len(CLASSES)), dtype=np.int64)
            np.add.at(counts, (true[take], found[take]), 1)
            total = np.maximum(counts.sum(0) + counts.sum(1), 1)
            values.append(float((2 * np.diagonal(counts) / total)[chosen].mean()))
        low, high = np.quantile(values, (0.025, 0.975))
        return float(low), float(high)

    def recall(self, name: str) -> tuple[int, int]:
        """How many features of a class were routed to it, of how many."""
        place = CLASSES.index(name)
        return int(self.agreement.counts[place, place]), int(self.agreement.sizes[place])

    def recall_interval(self, name: str) -> tuple[float, float]:
        """The 95 % Wilson interval of the recall of a class; not a number without features."""
        hits, size = self.recall(name)
        if size == 0:
            return float("nan"), float("nan")
        found = binomtest(hits, size).proportion_ci(method="wilson")
        return float(found.low), float(found.high)


def constant(gold: Gold, name: str) -> Verdict:
    """What routing every feature to one class gives."""
    return Verdict(tuple(gold.classes.values()), (name,) * len(gold.classes))


def best(verdicts: Sequence[Verdict]) -> int:
    """The number of the verdict with the highest macro-F1; the first of equals."""
    return int(np.argmax([verdict.macro_f1 for verdict in verdicts]))
