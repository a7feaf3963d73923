"""SAEDashboard's batches: a JSON file holds some features of one layer of one SAE set."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import lru_cache
from pathlib import Path

from graphlabel.errors import EvidenceError
from graphlabel.evidence.combined import CombinedSource
from graphlabel.evidence.source import FeatureSource
from graphlabel.evidence.sources.dashboards import dashboard_record, key_of_source_name, source_name
from graphlabel.evidence.sources.loose import (
    Fields,
    decode_json,
    fields,
    index,
    items,
    read_file,
    text,
)
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet

KIND = "SAEDashboard batches"


class SaeDashboard:
    """The features of one set, from any number of batches; a few batches are held at a time."""

    kind = KIND

    def __init__(
        self, place: str, identity: TranscoderSet, files: Mapping[FeatureKey, Path]
    ) -> None:
        """Know which file has which feature."""
        self.transcoder_set = identity
        self._place = place
        self._files = files
        self._batch = lru_cache(maxsize=2)(_features)

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return f"the SAEDashboard batches of {self.transcoder_set.name} in {self._place}"

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature of the batches, in order."""
        return iter(sorted(self._files))

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when no batch has it."""
        path = self._files.get(key)
        if path is None:
            return None
        feature = self._batch(path)[key]
        activations = items(feature.get("activations"), f"{path}: {key}: activations")
        return dashboard_record(key, self.transcoder_set, feature, activations)

    def name_of(self, key: FeatureKey) -> str:
        """As Neuronpedia calls it: ``7-res-jb/123``."""
        return source_name(self.transcoder_set, key)

    def key_named(self, name: str) -> FeatureKey | None:
        """The feature of ``7-res-jb/123``."""
        return key_of_source_name(self.transcoder_set, name)


def looks_like_batch(value: object) -> bool:
    """Whether a JSON value is a batch."""
    return isinstance(value, dict) and {"features", "layer", "sae_set"} <= value.keys()


def open_batches(paths: list[Path], place: Path) -> FeatureSource:
    """The batches among some files, a source for each set; raises EvidenceError."""
    sets: dict[TranscoderSet, dict[FeatureKey, Path]] = {}
    for path in paths:
        batch = decode_json(read_file(path), str(path))
        if looks_like_batch(batch):
            files = sets.setdefault(_owner(batch, path), {})
            for key in _by_key(batch, path):
                files.setdefault(key, path)
    sources = [SaeDashboard(str(place), owner, files) for owner, files in sets.items()]
    if len(sources) == 1:
        return sources[0]
    return CombinedSource(sources, f"the SAEDashboard batches in {place}")


def _owner(batch: Fields, path: Path) -> TranscoderSet:
    model, name = text(batch.get("model_id")), text(batch.get("sae_set"))
    suffix = text(batch.get("sae_id_suffix"))
    if not name:
        raise EvidenceError(f"{path} is broken: its sae_set is no text")
    return TranscoderSet(model, f"{name}__{suffix}" if suffix else name)


def _features(path: Path) -> dict[FeatureKey, Fields]:
    return _by_key(fields(decode_json(read_file(path), str(path)), str(path)), path)


def _by_key(batch: Fields, path: Path) -> dict[FeatureKey, Fields]:
    layer = index(batch.get("layer"))
    if layer is None:
        raise EvidenceError(f"{path} is broken: its layer is no whole number")
    found: dict[FeatureKey, Fields] = {}
    for each in items(batch.get("features"), f"{path}: features"):
        feature = fields(each, f"{path}: features")
        number = index(feature.get("feature_index"))
        if number is None:
            raise EvidenceError(f"{path} is broken: a feature without a feature_index")
        found.setdefault(FeatureKey(layer, number), feature)
    return found
