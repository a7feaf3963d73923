"""From features and their labels to the tests that scorers run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from graphlabel.errors import EvidenceError
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord
from graphlabel.scoring.excerpts import cut_excerpt
from graphlabel.scoring.negatives import Negatives, PooledText, choose_negatives
from graphlabel.scoring.outcome import LabelTest
from graphlabel.scoring.silence import SilenceCheck
from graphlabel.scoring.split import Split, held_out, split_record

LEAST = 2
"""Texts on which a feature fires that a test needs."""


@dataclass(frozen=True, slots=True)
class SampleSettings:
    """How texts are drawn."""

    train: int = 5
    """The strongest examples, which label methods see."""
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
        """A test for every labelled feature that is ready."""
        return [self.test(key, labels[key]) for key in self.splits if key in labels]

    def test(self, key: FeatureKey, label: str) -> LabelTest:
        """The test of one label."""
        split = self.splits[key]
        return LabelTest(split.train, label, split.test, self.negatives[key].texts)

    @property
    def remarks(self) -> list[str]:
        """What a reader of scores must know of the texts, a sentence each."""
        found = [f"negatives were checked {self.silence}"]
        texts = sum(len(each.texts) for each in self.negatives.values())
        expected = sum(each.expected_firing or 0.0 for each in self.negatives.values())
        if expected >= 1:
            found.append(
                f"by their density alone, features fire on about {expected:.0f} of the {texts} "
                "negatives: scores are too low by that"
            )
        few = sum(len(self.negatives[k].texts) < len(s.test) for k, s in self.splits.items())
        if few:
            found.append(f"{few} features have fewer negatives than positives: they fire so often")
        if self.too_few:
            found.append(f"{len(self.too_few)} features were passed over: too few distinct texts")
        return found


Splitter = Callable[[FeatureRecord], Split | None]


def for_new_labels(settings: SampleSettings) -> Splitter:
    """Splits records whose labels are made afterwards, from the train examples alone.

    A feature needs all its train examples and as many test texts as it is to be tested on.
    """

    def split(record: FeatureRecord) -> Split | None:
        found = split_record(record, settings.train, settings.test, settings.seed)
        whole = len(found.train.top_examples) == settings.train
        return found if whole and len(found.test) == settings.test else None

    return split


def for_kept_labels(settings: SampleSettings) -> Splitter:
    """Splits records whose labels are there already.

    No test text overlaps the ``train`` strongest examples, which a label may have been made from.
    """

    def split(record: FeatureRecord) -> Split | None:
        strongest = [cut_excerpt(example) for example in record.top_examples[: settings.train]]
        found = held_out(record, strongest, settings.test, settings.seed)
        return Split(record, found) if len(found) >= LEAST else None

    return split


def prepare_features(
    records: Iterable[FeatureRecord],
    split: Splitter,
    pool: Sequence[PooledText],
    check: SilenceCheck,
    settings: SampleSettings,
    most: int | None = None,
) -> Prepared:
    """Split the records into train and test texts and find negatives, until ``most`` are ready.

    A feature with too few texts is passed over and counted.
    """
    splits: dict[FeatureKey, Split] = {}
    whole: list[FeatureRecord] = []
    too_few: list[FeatureKey] = []
    for record in records:
        if most is not None and len(splits) == most:
            break
        found = _split_or_none(record, split)
        if found is None:
            too_few.append(record.key)
        else:
            splits[record.key] = found
            whole.append(record)
    negatives = choose_negatives(whole, pool, check, settings.test, settings.seed)
    return Prepared(splits, negatives, tuple(too_few), check.how)


def _split_or_none(record: FeatureRecord, split: Splitter) -> Split | None:
    try:
        return split(record)
    except EvidenceError:  # nothing but special tokens
        return None
