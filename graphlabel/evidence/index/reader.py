"""Reading a local feature index, a feature at a time."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from graphlabel.errors import EvidenceError
from graphlabel.evidence.index.format import (
    ROWS_PER_GROUP,
    layer_path,
    read_manifest,
    vocabulary_path,
)
from graphlabel.evidence.source import PlainNames
from graphlabel.graph import FeatureKey
from graphlabel.records import (
    ActivationExample,
    FeatureRecord,
    Histogram,
    LogitEffect,
    Quantile,
    TranscoderSet,
)


class ParquetIndex(PlainNames):
    """A feature index in a local folder."""

    kind = "feature index"

    def __init__(self, folder: Path) -> None:
        """Open the index; raises EvidenceError when it is broken."""
        self.folder = folder
        self.manifest = read_manifest(folder)
        self._special = frozenset(self.manifest.special_token_ids)
        self._vocabulary: list[str] | None = None
        self._files: dict[int, pq.ParquetFile] = {}
        self._group = lru_cache(maxsize=16)(self._read_group)

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return f"the index {self.folder}"

    @property
    def transcoder_set(self) -> TranscoderSet:
        """Whose features these are."""
        return self.manifest.transcoder_set

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature that fired at least once while the index was built, in order."""
        for layer in self.manifest.layers:
            table = self._file(layer).read(columns=["feature", "max_activation"])
            columns = (table[name].to_pylist() for name in ("feature", "max_activation"))
            for feature, highest in zip(*columns, strict=True):
                if highest > 0:
                    yield FeatureKey(layer, feature)

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when the index does not have it."""
        if key.layer not in self.manifest.layers or not 0 <= key.feature < self.manifest.n_features:
            return None
        if key.feature >= self._file(key.layer).metadata.num_rows:
            return None
        group, row = divmod(key.feature, ROWS_PER_GROUP)
        (found,) = self._group(key.layer, group).slice(row, 1).to_pylist()
        return self._record(key, found)

    def _file(self, layer: int) -> pq.ParquetFile:
        if layer not in self._files:
            path = layer_path(self.folder, layer)
            try:
                self._files[layer] = pq.ParquetFile(path)
            except (OSError, pa.ArrowException) as error:
                raise EvidenceError(f"{path} cannot be read: {error}; rebuild the index") from error
        return self._files[layer]

    def _read_group(self, layer: int, group: int) -> pa.Table:
        try:
            return self._file(layer).read_row_group(group)
        except (OSError, pa.ArrowException) as error:
            path = layer_path(self.folder, layer)
            raise EvidenceError(f"{path} cannot be read: {error}; rebuild the index") from error

    def _text(self, token_id: int) -> str:
        if self._vocabulary is None:
            path = vocabulary_path(self.folder)
            try:
                self._vocabulary = pq.read_table(path)["text"].to_pylist()
            except (OSError, pa.ArrowException) as error:
                raise EvidenceError(f"{path} cannot be read: {error}; rebuild the index") from error
        known = 0 <= token_id < len(self._vocabulary)
        return self._vocabulary[token_id] if known else f"<{token_id}>"

    def _record(self, key: FeatureKey, row: dict[str, Any]) -> FeatureRecord:
        counts = tuple(row["histogram"])
        quantiles = tuple(self._quantile(part) for part in row["quantiles"])
        held = sum(len(part["examples"]) for part in row["quantiles"])
        return FeatureRecord(
            key=key,
            transcoder_set=self.transcoder_set,
            quantiles=quantiles,
            top_logits=self._logits(row["top_logits"]),
            bottom_logits=self._logits(row["bottom_logits"]),
            density=row["density"],
            max_activation=row["max_activation"],
            histogram=Histogram(row["histogram_low"], row["histogram_high"], counts)
            if counts
            else None,
            dropped=held - sum(len(quantile.examples) for quantile in quantiles),
        )

    def _quantile(self, part: dict[str, Any]) -> Quantile:
        """A stretch of examples; those that make no sense are left out."""
        examples = []
        for each in part["examples"]:
            try:
                example = self._example(each)
            except EvidenceError:
                continue
            if len(example.special) < len(example.tokens):
                examples.append(example)
        return Quantile(part["name"], tuple(examples))

    def _logits(self, entries: list[dict[str, Any]]) -> tuple[LogitEffect, ...]:
        return tuple(LogitEffect(self._text(each["id"]), each["value"]) for each in entries)

    def _example(self, each: dict[str, Any]) -> ActivationExample:
        ids = tuple(each["ids"])
        return ActivationExample(
            tokens=tuple(self._text(token) for token in ids),
            activations=tuple(float(value) for value in each["acts"]),
            token_ids=ids,
            special=frozenset(i for i, token in enumerate(ids) if token in self._special),
            sampled=each.get("token"),
        )
