"""circuit-tracer's packed features: ``index.json.gz`` beside one binary file a layer.

The index maps a layer to ``{"filename", "offsets"}``. Record i of a layer is the bytes
offsets[i] … offsets[i + 1] of its file: a length (4 bytes, little-endian) and that many bytes of
gzip or deflated JSON, of the same form as a feature JSON file. The folder is local or on a web
server that answers to byte ranges.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64

from graphlabel.errors import EvidenceError
from graphlabel.evidence.source import PlainNames, Report
from graphlabel.evidence.sources.feature_json import read_feature
from graphlabel.evidence.sources.files import Files, RemoteFiles, inner_name
from graphlabel.evidence.sources.loose import decode_json, fields, index, items, unpack
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet

KIND = "packed features"
INDEX = "index.json.gz"
_PREFIX = 4


@dataclass(frozen=True, eq=False)
class Shard:
    """The file of a layer."""

    filename: str
    offsets: Int64[np.ndarray, " n_offsets"]
    """Where each record starts, and where the last one ends; rising."""

    @property
    def n_features(self) -> int:
        """How many features the layer has, empty ones included."""
        return len(self.offsets) - 1


class PackedFeatures(PlainNames):
    """A folder of packed features, local or on a web server."""

    kind = KIND

    def __init__(self, files: Files, identity: TranscoderSet | None = None) -> None:
        """Read the index; raises EvidenceError when it is missing or broken."""
        self.transcoder_set = identity
        self._files = files
        where = f"{files.place}/{INDEX}"
        data = files.read(INDEX, lambda data: _shards(data, where))
        if data is None:
            raise EvidenceError(f"there is no {where}; check --features")
        self._shards = _shards(data, where)

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return f"the packed features in {self._files.place}"

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature with a record, in order."""
        for layer, shard in sorted(self._shards.items()):
            for feature in np.diff(shard.offsets).nonzero()[0]:
                yield FeatureKey(layer, int(feature))

    def fetch(self, keys: Iterable[FeatureKey], report: Report | None = None) -> None:
        """Bring features of a web folder near."""
        if isinstance(self._files, RemoteFiles):
            self._files.remote.at_once(self.get, keys, report)

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature; None when it never fired or there is no such feature."""
        shard = self._shards.get(key.layer)
        if shard is None or not 0 <= key.feature < shard.n_features:
            return None
        start, stop = shard.offsets[key.feature : key.feature + 2].tolist()
        if start == stop:
            return None
        where = f"feature {key.feature} in {self._files.place}/{shard.filename}"
        data = self._files.read_span(shard.filename, start, stop)
        if data is None:
            raise EvidenceError(f"there is no {self._files.place}/{shard.filename}; get it as well")
        length = int.from_bytes(data[:_PREFIX], "little")
        packed = data[_PREFIX : _PREFIX + length]
        if len(data) < stop - start or len(packed) < length or not packed:
            raise EvidenceError(f"{where} is cut off; get the file again")
        value = decode_json(unpack(packed, where), where)
        return read_feature(value, key, self.transcoder_set, where)


def is_packed(files: Files) -> bool:
    """Whether a folder has an index of packed features; raises EvidenceError when it is broken."""
    where = f"{files.place}/{INDEX}"
    return files.read(INDEX, lambda data: _shards(data, where)) is not None


def _shards(data: bytes, where: str) -> dict[int, Shard]:
    # a server may have unpacked it on the way
    plain = unpack(data, where) if data[:2] == b"\x1f\x8b" else data
    found = fields(decode_json(plain, where), where)
    shards = {}
    for name, value in found.items():
        layer = index(name)
        entry = fields(value, f"{where}: layer {name[:20]}")
        filename = entry.get("filename")
        if layer is None or not isinstance(filename, str):
            raise EvidenceError(f"{where} is broken: “{name[:20]}” is no layer with a filename")
        offsets = items(entry.get("offsets"), f"{where}: offsets of layer {layer}")
        shards[layer] = Shard(inner_name(filename), _rising(offsets, where, layer))
    if not shards:
        raise EvidenceError(f"{where} names no layer")
    return shards


def _rising(offsets: Sequence[object], where: str, layer: int) -> Int64[np.ndarray, " n_offsets"]:
    try:
        places = np.array(offsets)
    except (ValueError, OverflowError):  # lists within the list
        places = np.array([])
    rises = len(places) > 1 and places.dtype.kind == "i" and places[0] >= 0
    if not rises or (np.diff(places) < 0).any():
        raise EvidenceError(f"{where} is broken: the offsets of layer {layer} do not rise")
    return places.astype(np.int64)
