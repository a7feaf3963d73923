"""Who judged which feature how, taken from a store or from files of labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from graphlabel.exchange.agreement import Judgement
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import TranscoderSet
from graphlabel.store import NewLabel, StoredLabel
from graphlabel.store.labels import annotator


class _Features:
    """Names of features that are the same for every annotator, however their sets were named."""

    def __init__(self) -> None:
        self._sets: list[TranscoderSet] = []

    def name(self, label: NewLabel | StoredLabel) -> str | None:
        """The feature a label is about; None for labels of tokens, errors and logits."""
        target = label.target
        if isinstance(target, FeatureKey):
            key = target
        elif target.kind is NodeKind.FEATURE:
            key = target.feature_key
        else:
            return None
        return f"{self._owner(label)} {key}".strip()

    def _owner(self, label: NewLabel | StoredLabel) -> str:
        owner = label.transcoder_set
        if owner is None:
            return label.graph
        for known in self._sets:
            if known.matches(owner):
                return str(known)
        self._sets.append(owner)
        return str(owner)


def judgements_of_store(labels: Iterable[StoredLabel]) -> Iterator[Judgement]:
    """The judgements in stored labels; labels of occurrences count for their feature.

    Features of a set nobody named are told apart by the graph they are in.
    """
    features = _Features()
    for each in sorted(labels, key=lambda label: label.id):
        item = features.name(each)
        if item is not None:
            yield Judgement(item, each.annotator, each.feature_class, each.label.text)


def judgements_of_files(files: Mapping[str, Sequence[NewLabel]]) -> Iterator[Judgement]:
    """The judgements in files of labels, by the name of whoever a file's nameless rows are by."""
    features = _Features()
    for name, labels in files.items():
        for each in labels:
            item = features.name(each)
            if item is not None:
                who = annotator(each.label.provenance)
                nameless = who == each.label.provenance.origin.value
                yield Judgement(
                    item, name if nameless else who, each.feature_class, each.label.text
                )
