"""From features and their labels to the tests that scorers run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphlabel.errors import EvidenceError
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import cut_excerpt
from graphlabel.scoring.negatives import Negatives, PooledText, choose_negatives
from graphlabel.scoring.outcome import LabelTest
from graphlabel.scoring.silence import SilenceCheck
from graphlabel.scoring.split import Split, TestText, held_out, split_record

LEAST = 2
"""Texts on which a feature fires that a test needs."""


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How texts are drawn."""

    train: int = 5
    """Examples that label methods see."""
    test: int = 10
    """Texts on which the feature fires, and as many on which it is silent."""
    seed: int = 0


@dataclass(frozen=True, slots=True)
class Prepared:
    """Features ready to be labelled and tested."""

    splits: Mapping[FeatureKey, Split]
    negatives: Mapping[FeatureKey, Negatives]
    too_few: tuple[FeatureKey, ...]
    """Features without enough texts that do not overlap."""
    silence: str
    """How it was checked that features are silent on their negatives."""

    def tests(self, labels: Mapping[FeatureKey, str]) -> list[LabelTest]:
        """A test for every labelled feature."""
        return [
            self.test(split.train, key, labels[key])
            for key, split in self.splits.items()
            if key in labels
        ]

    def test(self, record: FeatureRecord, key: FeatureKey, label: str) -> LabelTest:
        """The test of one label."""
        return LabelTest(record, label, self.splits[key].test, self.negatives[key].texts)


def prepare_features(
    records: Iterable[FeatureRecord],
    pool: Sequence[PooledText],
    check: SilenceCheck,
    settings: SampleSettings,
    most: int | None = None,
) -> Prepared:
    """Split the records into train and test texts and find negatives, until ``most`` are ready.

    A feature needs all its train examples and as many test texts as it is to be tested on; one
    that has fewer is passed over and counted.
    """
    splits: dict[FeatureKey, Split] = {}
    whole: list[FeatureRecord] = []
    too_few: list[FeatureKey] = []
    for record in records:
        if most is not None and len(splits) == most:
            break
        try:
            split = split_record(record, settings.train, settings.test, settings.seed)
        except EvidenceError:
            too_few.append(record.key)
            continue
        train = split.train.top_examples
        if len(train) < settings.train or len(split.test) < settings.test:
            too_few.append(record.key)
            continue
        splits[record.key] = split
        whole.append(record)
    negatives = choose_negatives(whole, pool, check, settings.test, settings.seed)
    return Prepared(splits, negatives, tuple(too_few), check.how)


def test_texts(record: FeatureRecord, settings: SampleSettings) -> tuple[TestText, ...]:
    """Texts for a label that is there already: none overlaps the examples it may be made from.

    Those are the strongest ``train`` examples. Empty where too few texts are left.
    """
    strongest = [cut_excerpt(example) for example in record.top_examples[: settings.train]]
    found = held_out(record, strongest, settings.test, settings.seed)
    return found if len(found) >= LEAST else ()
