"""The labels of two methods that differ most in meaning."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import combinations

from graphlabel.embedding import Encoder
from graphlabel.graph import FeatureKey


@dataclass(frozen=True, slots=True)
class LabelPair:
    """One feature's labels by two methods."""

    key: FeatureKey
    methods: tuple[str, str]
    labels: tuple[str, str]
    cosine: float
    """Of the labels' sentence embeddings."""


def furthest_apart(
    labels: Mapping[str, Mapping[FeatureKey, str]], encoder: Encoder, most: int = 5
) -> list[LabelPair]:
    """The pairs of labels with the lowest cosine, at most one a feature, furthest first."""
    texts = sorted({text for named in labels.values() for text in named.values() if text})
    if len(labels) < 2 or not texts:
        return []
    vectors = dict(zip(texts, encoder.encode(texts), strict=True))
    worst: dict[FeatureKey, LabelPair] = {}
    for one, other in combinations(labels, 2):
        for key in labels[one].keys() & labels[other].keys():
            pair = labels[one][key], labels[other][key]
            if not all(pair):
                continue
            cosine = float(vectors[pair[0]] @ vectors[pair[1]])
            if key not in worst or cosine < worst[key].cosine:
                worst[key] = LabelPair(key, (one, other), pair, cosine)
    return sorted(worst.values(), key=lambda pair: (pair.cosine, pair.key))[:most]
