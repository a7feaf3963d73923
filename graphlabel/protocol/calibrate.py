"""Making a calibration from a source's own features."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime

import numpy as np
from jaxtyping import Float

from graphlabel._version import __version__
from graphlabel.embedding import Encoder
from graphlabel.errors import CalibrationError
from graphlabel.graph import FeatureKey
from graphlabel.protocol.calibration import QUANTILES, Calibration
from graphlabel.protocol.judging import Examples, judged_examples
from graphlabel.protocol.null import NullTable
from graphlabel.protocol.pool import Pool
from graphlabel.protocol.scoring import ScoredFeature, score_examples
from graphlabel.protocol.settings import CalibratedSettings
from graphlabel.protocol.windows import Window
from graphlabel.records import FeatureRecord

Report = Callable[[str, int, int], None]
"""Told a phase, what of it is done, and the whole."""

_BATCH = 64


def calibrate(
    records: Iterable[FeatureRecord],
    encoder: Encoder,
    settings: CalibratedSettings | None = None,
    *,
    source: str = "",
    report: Report = lambda *_: None,
) -> Calibration:
    """Draw windows of different features' examples and keep what their scores look like.

    Raises CalibrationError when fewer features than ``settings.min_features`` (200) have two
    examples.
    """
    settings = settings or CalibratedSettings()
    random = np.random.default_rng(settings.seed)
    usable = _usable(records, settings, random)
    scored: dict[FeatureKey, ScoredFeature] = {}
    keys = list(usable)
    for start in range(0, len(keys), _BATCH):
        part = {key: usable[key] for key in keys[start : start + _BATCH]}
        scored |= score_examples(part, settings.windows, encoder)
        report("features", len(scored), len(usable))
    nulls, min_p = _nulls(list(usable.values()), encoder, settings, random, report)
    values = {window: _values(scored.values(), window, settings) for window in settings.windows}
    calibration = Calibration(
        encoder=encoder.name,
        encoder_revision=encoder.revision,
        settings=settings,
        source=source,
        n_features=len(usable),
        nulls=nulls,
        min_p=min_p,
        q95={w: float(np.quantile(s, 0.95)) if len(s) else 1.0 for w, s in values.items()},
        quantiles={
            w: tuple(float(q) for q in np.quantile(s, QUANTILES)) if len(s) else ()
            for w, s in values.items()
        },
        version=__version__,
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return with_cutoffs(calibration, scored.values())


def _usable(
    records: Iterable[FeatureRecord], settings: CalibratedSettings, random: np.random.Generator
) -> dict[FeatureKey, Examples]:
    judged = ((record.key, judged_examples(record, settings)) for record in records)
    usable = {key: found for key, found in judged if len(found.chosen) >= 2}
    if len(usable) < settings.min_features:
        raise too_few_features(len(usable), settings)
    if len(usable) <= settings.max_features:
        return usable
    keys = list(usable)
    chosen = np.sort(random.choice(len(keys), settings.max_features, replace=False))
    return {keys[place]: usable[keys[place]] for place in chosen}


def too_few_features(count: int, settings: CalibratedSettings) -> CalibrationError:
    """What to say when a source has too few features for a calibration."""
    return CalibrationError(
        f"a calibration needs at least {settings.min_features} features with two or more "
        f"examples, the source has {count}; route with --rule raw or name a larger source"
    )


def _nulls(
    examples: Sequence[Examples],
    encoder: Encoder,
    settings: CalibratedSettings,
    random: np.random.Generator,
    report: Report,
) -> tuple[dict[tuple[Window, int], NullTable], dict[tuple[str, int], NullTable]]:
    """Nulls by window and count, and by side those of the smallest p, over shared draws."""
    pool = Pool(examples, settings.windows, random)
    drawn = pool.draw(random, settings.draws, settings.n)
    counts = range(2, settings.n + 1)
    nulls: dict[tuple[Window, int], NullTable] = {}
    min_p: dict[tuple[str, int], NullTable] = {}
    done = 0
    for side, windows in settings.sides.items():
        smallest = {m: np.ones(settings.draws) for m in counts}
        for window in windows:
            gram = pool.gram(window, encoder)
            scores = pool.scores(gram, drawn, weighted=settings.weighted)
            for m in counts:
                nulls[window, m] = table = NullTable.of(scores[:, m - 1])
                smallest[m] = np.minimum(smallest[m], table.p_values(scores[:, m - 1]))
            done += 1
            report("chance", done, len(settings.windows))
        min_p |= {(side, m): NullTable.of(-np.log10(smallest[m])) for m in counts}
    return nulls, min_p


def _values(
    scored: Iterable[ScoredFeature], window: Window, settings: CalibratedSettings
) -> list[float]:
    found = [feature.scores[window] for feature in scored]
    return [(s.weighted if settings.weighted else s.s) for s in found if s is not None]


def with_cutoffs(calibration: Calibration, scored: Iterable[ScoredFeature]) -> Calibration:
    """The calibration with its cut-offs fixed by the scores of its own features."""
    settings, features, cutoffs = calibration.settings, list(scored), {}
    for side in settings.sides:
        scores = [calibration.side_score(side, feature.scores) for feature in features]
        p_values = [score.p for score in scores if score is not None and score.p is not None]
        cutoffs[side] = benjamini_hochberg(np.array(p_values), settings.false_discovery_rate)
    return replace(calibration, cutoffs=cutoffs)


def benjamini_hochberg(p_values: Float[np.ndarray, " n"], rate: float) -> float:
    """The p up to which features are discoveries at this false discovery rate; 0 if none is.

    Benjamini & Hochberg 1995: rate · k / n for the largest k with p_(k) ≤ rate · k / n. No p of
    these features lies between p_(k) and that bound, which also serves features that are not among
    them.
    """
    bounds = rate * np.arange(1, len(p_values) + 1) / max(len(p_values), 1)
    passing = np.sort(p_values) <= bounds
    return float(bounds[passing.nonzero()[0][-1]]) if passing.any() else 0.0
