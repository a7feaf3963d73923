"""Making a calibration from a source's own features."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from graphlabel.embedding import Encoder
from graphlabel.errors import CalibrationError
from graphlabel.protocol.calibration import MIN_FEATURES, Calibration
from graphlabel.protocol.correlation import embed_texts, prefix_correlations
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.scoring import ScoredFeature, score_features
from graphlabel.protocol.settings import CalibratedSettings
from graphlabel.protocol.windows import Examples, Window, judged_examples
from graphlabel.records import FeatureRecord

_CHUNK = 5_000


def calibrate(
    records: Sequence[FeatureRecord],
    encoder: Encoder,
    settings: CalibratedSettings | None = None,
    *,
    source: str = "",
) -> Calibration:
    """Draw windows of different features' examples and keep what their scores look like.

    Raises CalibrationError when there are fewer than 200 usable features.
    """
    settings = settings or CalibratedSettings()
    random = np.random.default_rng(settings.seed)
    usable = [(record, judged_examples(record, settings.n)) for record in records]
    usable = [(record, found) for record, found in usable if len(found.chosen) >= 2]
    if len(usable) < MIN_FEATURES:
        raise CalibrationError(
            f"a calibration needs at least {MIN_FEATURES} features with two or more examples, "
            f"the source has {len(usable)}; route with --rule raw or name a larger source"
        )
    if len(usable) > settings.max_features:
        chosen = np.sort(random.choice(len(usable), settings.max_features, replace=False))
        usable = [usable[place] for place in chosen]
    pool = _Pool([found for _, found in usable], settings.windows, encoder)
    features, examples = pool.draw(random, settings.draws, settings.n)
    null_scores = {
        window: pool.scores(window, features, examples, weighted=settings.weighted)
        for window in settings.windows
    }
    counts = range(2, settings.n + 1)
    nulls = {
        (window, m): NullTable.of(scores[:, m - 1])
        for window, scores in null_scores.items()
        for m in counts
    }
    min_p = {
        (side, m): _min_p_table([(nulls[w, m], null_scores[w][:, m - 1]) for w in windows])
        for side, windows in settings.sides.items()
        for m in counts
    }
    scored = score_features(
        [record for record, _ in usable], settings.windows, encoder, n=settings.n
    )
    calibration = Calibration(
        encoder=encoder.name,
        encoder_revision=encoder.revision,
        settings=settings,
        source=source,
        n_features=len(usable),
        nulls=nulls,
        min_p=min_p,
        q95={window: _q95(scored.values(), window, settings) for window in settings.windows},
    )
    return replace(calibration, cutoffs=_cutoffs(calibration, list(scored.values())))


class _Pool:
    """Every window of every usable example, embedded."""

    def __init__(
        self, examples: Sequence[Examples], windows: Sequence[Window], encoder: Encoder
    ) -> None:
        rows: list[tuple[int, tuple[str, ...], float]] = []
        for feature, found in enumerate(examples):
            columns = zip(*(found.texts(window) for window in windows), strict=True)
            for texts, weight in zip(columns, found.weights, strict=True):
                kept = [text for text in texts if text is not None]
                if len(kept) == len(windows):
                    rows.append((feature, tuple(kept), weight))
        self._by_feature: list[list[int]] = [[] for _ in examples]
        for place, (feature, _, _) in enumerate(rows):
            self._by_feature[feature].append(place)
        self._by_feature = [places for places in self._by_feature if places]
        self._weights = np.array([weight for _, _, weight in rows])
        self._embedded = {
            window: embed_texts(encoder, [texts[number] for _, texts, _ in rows])
            for number, window in enumerate(windows)
        }

    def draw(
        self, random: np.random.Generator, draws: int, n: int
    ) -> tuple[Int[np.ndarray, "draws n"], Int[np.ndarray, "draws n"]]:
        """Draw n different features a time, and one example of each."""
        count = len(self._by_feature)
        if count < n:
            raise CalibrationError(
                f"a calibration needs {n} features whose windows all hold a token, "
                f"there are {count}; name a larger source"
            )
        features = random.integers(count, size=(draws, n))
        while True:
            ranked = np.sort(features, axis=1)
            repeated = (ranked[:, 1:] == ranked[:, :-1]).any(axis=1)
            if not repeated.any():
                break
            features[repeated] = random.integers(count, size=(int(repeated.sum()), n))
        sizes = np.array([len(places) for places in self._by_feature])
        starts = np.concatenate([[0], np.cumsum(sizes)[:-1]])
        flat = np.array([place for places in self._by_feature for place in places])
        within = (random.random((draws, n)) * sizes[features]).astype(np.int64)
        return features, flat[starts[features] + within]

    def scores(
        self,
        window: Window,
        features: Int[np.ndarray, "draws n"],
        examples: Int[np.ndarray, "draws n"],
        *,
        weighted: bool,
    ) -> Float[np.ndarray, "draws n"]:
        """The score of the first m windows of every draw."""
        embedded = self._embedded[window]
        scores = np.empty(examples.shape)
        for start in range(0, len(examples), _CHUNK):
            part = examples[start : start + _CHUNK]
            weights = self._weights[part] if weighted else np.ones(part.shape)
            scores[start : start + _CHUNK] = prefix_correlations(
                embedded.vectors[part], embedded.literals[part], weights
            )
        return scores


def _min_p_table(windows: list[tuple[NullTable, np.ndarray]]) -> NullTable:
    smallest = np.minimum.reduce([null.p_values(scores) for null, scores in windows])
    return NullTable.of(-np.log10(smallest))


def _q95(scored: Iterable[ScoredFeature], window: Window, settings: CalibratedSettings) -> float:
    values = []
    for feature in scored:
        found = feature.scores[window]
        if found is not None:
            values.append(found.weighted if settings.weighted else found.s)
    return float(np.quantile(values, 0.95)) if values else 1.0


def _cutoffs(calibration: Calibration, scored: list[ScoredFeature]) -> dict[str, float]:
    cutoffs = {}
    for side in calibration.settings.sides:
        scores = [calibration.side_score(side, feature.scores) for feature in scored]
        p_values = [score.p for score in scores if score is not None and score.p is not None]
        rate = calibration.settings.false_discovery_rate
        cutoffs[side] = benjamini_hochberg(np.array(p_values), rate)
    return cutoffs


def benjamini_hochberg(p_values: Float[np.ndarray, " n"], rate: float) -> float:
    """The largest p that is declared a discovery at this false discovery rate; 0 if none is.

    Benjamini & Hochberg 1995: the largest p_(k) with p_(k) ≤ rate · k / n.
    """
    ranked = np.sort(p_values)
    passing = ranked <= rate * np.arange(1, len(ranked) + 1) / max(len(ranked), 1)
    return float(ranked[passing.nonzero()[0][-1]]) if passing.any() else 0.0
