"""What a label may be made from, and what it is tested on."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np

from graphlabel.records import FeatureRecord, Quantile
from graphlabel.scoring.excerpts import Excerpt, cut_excerpt, without_overlap
from graphlabel.scoring.quantiles import excerpts_by_quantile


@dataclass(frozen=True, slots=True)
class TestText:
    """A text, and whether the feature fires on it."""

    # pytest would take the name for a test
    __test__ = False

    excerpt: Excerpt
    quantile: int | None
    """The tenth of the feature's activations it stands for; None where the feature is silent."""

    @property
    def fires(self) -> bool:
        """Whether the feature fires on the text."""
        return self.quantile is not None


@dataclass(frozen=True, slots=True)
class Split:
    """A feature's evidence in two parts that share no text."""

    train: FeatureRecord
    """The record as a label method may see it: the strongest examples, no earlier explanations."""
    test: tuple[TestText, ...]
    """Texts on which the feature fires, spread over the quantiles; the strongest first."""


def split_record(record: FeatureRecord, train: int, test: int, seed: int = 0) -> Split:
    """The ``train`` strongest examples, and up to ``test`` others from all ten quantiles.

    Copies are dropped first; no test text shares a run of tokens with a train text or with another
    test text. The quantiles take turns from the strongest down; within one, texts are drawn by
    seed. Raises EvidenceError for examples without any token but special ones.
    """
    ranked = [cut_excerpt(example) for example in record.top_examples]
    firing = [excerpt for excerpt in ranked if excerpt.peak_activation > 0]
    chosen = without_overlap(firing)[:train]
    seen = replace(
        record,
        quantiles=(Quantile("top", tuple(excerpt.source for excerpt in chosen)),),
        explanations=(),
    )
    return Split(seen, held_out(record, chosen, test, seed))


def held_out(
    record: FeatureRecord, seen: Iterable[Excerpt], most: int, seed: int = 0
) -> tuple[TestText, ...]:
    """Up to ``most`` texts on which the feature fires that overlap none of those seen."""
    generator = np.random.default_rng([seed, record.key.layer, record.key.feature])
    shelves: dict[int, list[Excerpt]] = {}
    taken = list(seen)
    for number, excerpts in excerpts_by_quantile(record).items():
        order = generator.permutation(len(excerpts))
        shelves[number] = without_overlap([excerpts[i] for i in order], taken)
        taken += shelves[number]
    picked: list[TestText] = []
    while len(picked) < most and any(shelves.values()):
        for number, shelf in shelves.items():
            if shelf and len(picked) < most:
                picked.append(TestText(shelf.pop(0), number))
    return tuple(sorted(picked, key=lambda text: -(text.quantile or 0)))
