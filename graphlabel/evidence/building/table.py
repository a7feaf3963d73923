"""From what was kept of a layer to the rows of its file."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from jaxtyping import Int

from graphlabel.evidence.building.choosing import chosen
from graphlabel.evidence.building.examples import Examples, joined
from graphlabel.evidence.building.histograms import BINS
from graphlabel.evidence.building.layer import LayerTables
from graphlabel.evidence.building.logits import LogitEffects
from graphlabel.evidence.building.settings import IndexSettings
from graphlabel.evidence.index.format import EXAMPLE, LAYER_SCHEMA, LOGIT, QUANTILE, TOP


def layer_table(
    layer: LayerTables,
    settings: IndexSettings,
    tokens_seen: int,
    logits: tuple[LogitEffects, LogitEffects],
) -> pa.Table:
    """One row a feature, in rising order."""
    counts = layer.histograms.counts
    bins = BINS - np.argmax(counts[:, ::-1] > 0, axis=1)
    bins[~counts.any(axis=1)] = 0
    columns = {
        "feature": np.arange(layer.n_features, dtype=np.int32),
        "density": (counts.sum(axis=1) / max(tokens_seen, 1)).astype(np.float32),
        "max_activation": layer.histograms.largest,
        "histogram_low": np.zeros(layer.n_features, np.float32),
        "histogram_high": layer.histograms.high * (bins / np.float32(BINS)).astype(np.float32),
        "histogram": _lists(bins, pa.array(counts[np.arange(BINS) < bins[:, None]])),
        "top_logits": _logits(logits[0]),
        "bottom_logits": _logits(logits[1]),
        "quantiles": _quantiles(layer, settings),
    }
    return pa.table(columns, schema=LAYER_SCHEMA)


def _lists(counts: Int[np.ndarray, " n"], values: pa.Array) -> pa.ListArray:
    offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int32)
    return pa.ListArray.from_arrays(pa.array(offsets), values)


def _logits(effects: LogitEffects) -> pa.ListArray:
    entries = pa.StructArray.from_arrays(
        [
            pa.array(effects.ids.ravel().astype(np.int32)),
            pa.array(effects.values.ravel().astype(np.float32)),
        ],
        fields=list(LOGIT),
    )
    return _lists(np.full(len(effects.ids), effects.ids.shape[1]), entries)


def _quantiles(layer: LayerTables, settings: IndexSettings) -> pa.ListArray:
    """Top examples, then those of the quantiles from the strongest to the weakest."""
    top, sample = layer.top.kept(), layer.sample.kept()
    top_ends = np.searchsorted(top.feature, np.arange(layer.n_features + 1))
    ends = np.searchsorted(sample.feature, np.arange(layer.n_features + 1))
    names: list[str] = []
    groups: list[Int[np.ndarray, " n"]] = []
    per_feature = np.zeros(layer.n_features, np.int64)
    for feature in np.flatnonzero(np.diff(top_ends)):
        before = len(groups)
        names.append(TOP)
        groups.append(np.arange(top_ends[feature], top_ends[feature + 1]))
        mine = np.arange(ends[feature], ends[feature + 1])
        for number, places in chosen(sample.take(mine), settings.quantiles, settings.per_quantile):
            names.append(f"q{number}")
            groups.append(len(top) + mine[places])
        per_feature[feature] = len(groups) - before
    flat = np.concatenate(groups) if groups else np.zeros(0, np.int64)
    sizes = np.array([len(group) for group in groups], np.int64)
    examples = _lists(sizes, _examples(joined([top, sample]).take(flat)))
    quantiles = pa.StructArray.from_arrays(
        [pa.array(names, pa.string()), examples], fields=list(QUANTILE)
    )
    return _lists(per_feature, quantiles)


def _examples(examples: Examples) -> pa.StructArray:
    exists = examples.ids >= 0
    lengths = exists.sum(axis=1)
    radius = examples.ids.shape[1] // 2
    parts = [
        _lists(lengths, pa.array(examples.ids[exists], pa.int32())),
        _lists(lengths, pa.array(examples.acts[exists], pa.float32())),
        pa.array(exists[:, :radius].sum(axis=1).astype(np.int16)),
    ]
    return pa.StructArray.from_arrays(parts, fields=list(EXAMPLE))
