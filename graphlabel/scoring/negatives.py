"""Negatives: other features' texts on which a feature was found silent."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import Excerpt, cut_excerpt, without_overlap
from graphlabel.scoring.silence import SilenceCheck, expected_firing
from graphlabel.scoring.split import TestText

PER_FEATURE = 3
"""Texts each feature gives to the pool."""
MOST = 400
"""Texts in the pool at most."""


@dataclass(frozen=True, slots=True)
class PooledText:
    """A text some feature fires on."""

    owner: FeatureKey
    excerpt: Excerpt


@dataclass(frozen=True, slots=True)
class Negatives:
    """A feature's negatives and what is known of them."""

    texts: tuple[TestText, ...]
    rejected: int
    """Texts of the pool on which the feature fires, or may."""
    expected_firing: float | None
    """How many of the texts the feature fires on by its density alone; None where silence was
    measured or the density is unknown."""


def text_pool(records: Iterable[FeatureRecord], seed: int = 0) -> list[PooledText]:
    """A few texts of each feature, no two sharing a run of tokens, drawn by seed."""
    generator = np.random.default_rng(seed)
    drawn: list[PooledText] = []
    for record in records:
        texts = [cut_excerpt(each) for each in record.top_examples]
        firing = [text for text in texts if text.peak_activation > 0]
        order = generator.permutation(len(firing))[:PER_FEATURE]
        drawn += [PooledText(record.key, firing[i]) for i in order]
    order = generator.permutation(len(drawn))
    shuffled = [drawn[i] for i in order]
    kept = {id(text) for text in without_overlap(text.excerpt for text in shuffled)}
    return [text for text in shuffled if id(text.excerpt) in kept][:MOST]


def choose_negatives(
    records: Sequence[FeatureRecord],
    pool: Sequence[PooledText],
    check: SilenceCheck,
    count: int,
    seed: int = 0,
) -> dict[FeatureKey, Negatives]:
    """Up to ``count`` texts of the pool on which each feature is silent, drawn by seed."""
    silent = check.silent(records, [text.excerpt for text in pool])
    found = {}
    for row, record in enumerate(records):
        generator = np.random.default_rng([seed, 1, record.key.layer, record.key.feature])
        others = [i for i in generator.permutation(len(pool)) if pool[i].owner != record.key]
        chosen = [pool[i].excerpt for i in others if silent[row, i]][:count]
        likely = None if check.measured else [expected_firing(record, text) for text in chosen]
        known = [each for each in likely or [] if each is not None]
        found[record.key] = Negatives(
            tuple(TestText(excerpt, None) for excerpt in chosen),
            sum(not silent[row, i] for i in others),
            sum(known) if known else None,
        )
    return found
