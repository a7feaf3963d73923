"""Neuronpedia's bulk export: folders of gzipped JSON lines.

``{model}/{layer}-{set}/`` holds ``features/``, ``activations/`` and ``explanations/`` (also
``explanations-…/``) with ``batch-N.jsonl.gz``; a row names its feature by modelId, layer and
index. A source's folder, a model's folder or one folder with all the files can be named.
"""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path

from graphlabel.errors import EvidenceError
from graphlabel.evidence.combined import CombinedSource
from graphlabel.evidence.source import FeatureSource
from graphlabel.evidence.sources.dashboards import (
    dashboard_record,
    key_of_source_name,
    source_name,
    split_source_id,
)
from graphlabel.evidence.sources.loose import Fields, decode_json, fields, index, read_file, text
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet

KIND = "Neuronpedia export"
_ROLES = ("features", "activations", "explanations")
_LONGEST_ROW = 64 * 2**20
_INDEX = re.compile(rb'"index"\s*:\s*"?(\d{1,12})"?')
_LAYER = re.compile(rb'"layer"\s*:\s*"([^"\\]{1,200})"')
Rows = Mapping[FeatureKey, Sequence[bytes]]


class NeuronpediaExport:
    """The export files of one source set, all its layers that are there."""

    kind = KIND

    def __init__(self, place: Path, identity: TranscoderSet, files: Mapping[str, Sequence[Path]]):
        """Read nothing yet; ``files`` lists the files of features, activations, explanations."""
        self.transcoder_set = identity
        self._place = place
        self._files = {role: tuple(files.get(role, ())) for role in _ROLES}
        self._rows = lru_cache(maxsize=4)(_read_rows)
        self._where: dict[tuple[str, int | None], dict[FeatureKey, list[Path]]] = {}

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return f"the Neuronpedia export of {self.transcoder_set.name} in {self._place}"

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature there is a row or an activation for, in order."""
        layers = {_layer(path) for paths in self._files.values() for path in paths}
        found: set[FeatureKey] = set()
        for layer in layers:
            # a feature without a row of its own may still have activations
            role = "features" if self._of_layer("features", layer) else "activations"
            found.update(self._places(role, layer))
        return iter(sorted(found))

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when no file has a row of it."""
        batches = self._places("features", key.layer).get(key, [])
        features = self._rows_of(batches, key)
        activations = self._activations(key, batches)
        if not features and not activations:
            return None
        explained = self._rows_of(self._places("explanations", key.layer).get(key, []), key)
        feature = features[0] if features else {}
        return dashboard_record(key, self.transcoder_set, feature, activations, explained)

    def name_of(self, key: FeatureKey) -> str:
        """As Neuronpedia calls it: ``20-gemmascope-res-16k/123``."""
        return source_name(self.transcoder_set, key)

    def key_named(self, name: str) -> FeatureKey | None:
        """The feature of ``20-gemmascope-res-16k/123``."""
        return key_of_source_name(self.transcoder_set, name)

    def _activations(self, key: FeatureKey, batches: Sequence[Path]) -> list[Fields]:
        """A feature's activations: in the batch of its own name, else wherever they are."""
        names = {path.name for path in batches}
        for path in self._of_layer("activations", key.layer):
            if path.name in names and key in self._rows(path, self.transcoder_set.name):
                return self._rows_of([path], key)
        return self._rows_of(self._places("activations", key.layer).get(key, []), key)

    def _rows_of(self, paths: Sequence[Path], key: FeatureKey) -> list[Fields]:
        return [
            fields(decode_json(row, f"{path}: {key}"), f"{path}: {key}")
            for path in paths
            for row in self._rows(path, self.transcoder_set.name)[key]
        ]

    def _of_layer(self, role: str, layer: int | None) -> list[Path]:
        return [
            path for path in self._files[role] if layer is None or _layer(path) in (layer, None)
        ]

    def _places(self, role: str, layer: int | None) -> dict[FeatureKey, list[Path]]:
        """Which files hold rows of which feature: one pass over a layer's files, on first use."""
        if (role, layer) not in self._where:
            where: dict[FeatureKey, list[Path]] = {}
            for path in self._of_layer(role, layer):
                for key in self._rows(path, self.transcoder_set.name):
                    where.setdefault(key, []).append(path)
            self._where[role, layer] = where
        return self._where[role, layer]


def _layer(path: Path) -> int | None:
    """The layer a file is of, from the folder of its source; None where no folder says."""
    for folder in (path.parent.parent.name, path.parent.name):
        split = split_source_id(folder)
        if split is not None:
            return split[0]
    return None


def export_files(folder: Path) -> list[Path]:
    """Every file of rows in a folder, its source folders and their role folders."""
    found: list[Path] = []
    for depth in ("", "*/", "*/*/"):
        found += (path for path in folder.glob(f"{depth}*.jsonl.gz") if _role(path) is not None)
    return sorted(found, key=_batch_order)


def _batch_order(path: Path) -> tuple[str, int, str]:
    number = re.search(r"(\d+)\.jsonl", path.name)
    return str(path.parent), int(number[1]) if number else -1, path.name


def _role(path: Path) -> str | None:
    """Whether a file holds features, activations or explanations, by its folder or its name."""
    for name in (path.parent.name, path.name):
        for role in _ROLES:
            if name == role or name.startswith((f"{role}-", f"{role}_", f"{role}.")):
                return role
    return None


def open_export(folder: Path) -> FeatureSource:
    """The export files in a folder, a source for each source set; raises EvidenceError."""
    sets: dict[TranscoderSet, dict[str, list[Path]]] = {}
    for path in export_files(folder):
        owner = _owner(path)
        role = _role(path)
        if owner is not None and role is not None:
            sets.setdefault(owner, {}).setdefault(role, []).append(path)
    if not sets:
        raise EvidenceError(f"{folder} holds export files, but no row that names its feature")
    sources = [NeuronpediaExport(folder, owner, files) for owner, files in sets.items()]
    if len(sources) == 1:
        return sources[0]
    return CombinedSource(sources, f"the Neuronpedia export in {folder}")


def _owner(path: Path) -> TranscoderSet | None:
    """Whose features a file is of, from its first row; None when it is empty."""
    try:
        with gzip.open(path) as file:
            row = file.readline(_LONGEST_ROW)
    except (OSError, EOFError, zlib.error) as error:
        raise EvidenceError(f"{path} is cut off or corrupt: {error}; get it again") from error
    if not row.strip():
        return None
    found = fields(decode_json(row, str(path)), str(path))
    split = split_source_id(text(found.get("layer")))
    if split is None or index(found.get("index")) is None:
        raise EvidenceError(f"{path} is no export file: its rows name no layer and index")
    return TranscoderSet(text(found.get("modelId")), split[1])


def _read_rows(path: Path, name: str) -> Rows:
    """The rows of a file by feature, undecoded; rows of other sets are left out."""
    rows: dict[FeatureKey, list[bytes]] = {}
    for row in read_file(path).splitlines():
        if not row.strip():
            continue
        key = _key(row, path, name)
        if key is not None:
            rows.setdefault(key, []).append(row)
    return rows


def _key(row: bytes, path: Path, name: str) -> FeatureKey | None:
    numbers, layers = _INDEX.findall(row), _LAYER.findall(row)
    if len(numbers) == 1 and len(layers) == 1:
        split, feature = split_source_id(layers[0].decode("utf-8", "replace")), int(numbers[0])
    else:  # the texts within may look like fields: decode the row
        found = fields(decode_json(row, str(path)), str(path))
        split, number = split_source_id(text(found.get("layer"))), index(found.get("index"))
        if split is None or number is None:
            raise EvidenceError(f"{path} is broken: a row names no layer and index")
        feature = number
    if split is None:
        raise EvidenceError(f"{path} is broken: “{layers[0][:40]!r}” is no layer of a source set")
    return FeatureKey(split[0], feature) if split[1] == name else None
