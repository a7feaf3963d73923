"""The scores of many features at once: every window embedded, each distinct text once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from graphlabel.embedding import Encoder
from graphlabel.graph import FeatureKey
from graphlabel.protocol.correlation import Correlation, correlations, embed_texts
from graphlabel.protocol.judging import Examples, judged_examples
from graphlabel.protocol.settings import ExampleSettings
from graphlabel.protocol.windows import Window
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, eq=False)
class ScoredFeature:
    """A feature with the correlation score of each window."""

    examples: Examples
    scores: Mapping[Window, Correlation | None]
    empty: Mapping[Window, int]
    """How many examples' windows held no token."""


def score_features(
    records: Iterable[FeatureRecord],
    windows: Sequence[Window],
    encoder: Encoder,
    settings: ExampleSettings,
) -> dict[FeatureKey, ScoredFeature]:
    """Score every feature in every window over the examples it is judged by."""
    examples = {record.key: judged_examples(record, settings) for record in records}
    return score_examples(examples, windows, encoder)


def score_examples(
    examples: Mapping[FeatureKey, Examples], windows: Sequence[Window], encoder: Encoder
) -> dict[FeatureKey, ScoredFeature]:
    """Score features in every window over examples that have been chosen."""
    texts: list[str] = []
    spans: dict[tuple[FeatureKey, Window], tuple[slice, list[int]]] = {}
    for key, chosen in examples.items():
        for window in windows:
            found = chosen.texts(window)
            kept = [place for place, text in enumerate(found) if text is not None]
            spans[key, window] = (slice(len(texts), len(texts) + len(kept)), kept)
            texts += [text for text in found if text is not None]
    embedded = embed_texts(encoder, texts)
    weights = {key: np.array(chosen.weights) for key, chosen in examples.items()}
    computed = correlations(
        embedded,
        [span for span, _ in spans.values()],
        [weights[key][kept] for (key, _), (_, kept) in spans.items()],
    )
    by_place = dict(zip(spans, computed, strict=True))
    return {
        key: ScoredFeature(
            chosen,
            {window: by_place[key, window] for window in windows},
            {window: len(chosen.chosen) - len(spans[key, window][1]) for window in windows},
        )
        for key, chosen in examples.items()
    }
