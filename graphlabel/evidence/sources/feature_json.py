"""Features as one JSON file each: the form of Anthropic's frontend, circuit-tracer and others.

``<folder>/<number>.json`` with ``examples_quantiles``; the folder is local or on a web server.
"""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterable, Iterator
from enum import StrEnum
from functools import partial
from pathlib import Path

from graphlabel.errors import EvidenceError, FeatureListError
from graphlabel.evidence.source import Report, parse_key
from graphlabel.evidence.sources.files import Files, LocalFiles, RemoteFiles
from graphlabel.evidence.sources.loose import (
    Fields,
    RawExample,
    decode_json,
    fields,
    histogram,
    index,
    items,
    logit_effects,
    number,
    read_examples,
    share,
    text,
    unpack,
)
from graphlabel.graph import FeatureKey
from graphlabel.graph.pairing import cantor, cantor_inverse
from graphlabel.records import FeatureRecord, Quantile, TranscoderSet

KIND = "feature JSON"
MOST_LAYERS = 64
"""A numbering that would give some file a higher layer is not the folder's."""
_SAMPLE = 4096
_DECIMAL = 100_000
_OPAQUE_FROM = 10_000_000
"""Feature numbers from here on are no index into a layer but an id of the whole model."""


class Numbering(StrEnum):
    """How files are named after features."""

    CANTOR = "cantor"
    """circuit-tracer: the Cantor pairing of layer and index."""
    PAIR = "pair"
    """``{layer}_{index}.json``."""
    FOLDERS = "folders"
    """``{layer}/{index}.json``."""
    DECIMAL = "decimal"
    """Older files of gemma-2-2b: layer · 100,000 + index."""
    OPAQUE = "opaque"
    """Anthropic: a number of the whole model that says nothing of the layer."""

    def name_of(self, key: FeatureKey) -> str:
        """The name of a feature's file, without its ending."""
        layer, feature = key
        names = {
            Numbering.CANTOR: lambda: str(cantor(layer, feature)),
            Numbering.PAIR: lambda: f"{layer}_{feature}",
            Numbering.FOLDERS: lambda: f"{layer}/{feature}",
            Numbering.DECIMAL: lambda: str(layer * _DECIMAL + feature),
            Numbering.OPAQUE: lambda: str(feature),
        }
        return names[self]()

    def key_of(self, name: str) -> FeatureKey | None:
        """The feature of a file name; opaque numbers get layer 0."""
        if self in (Numbering.PAIR, Numbering.FOLDERS):
            return parse_key(name.replace("-", "_"))
        code = index(name)
        if code is None:
            return None
        if self is Numbering.CANTOR:
            return FeatureKey(*cantor_inverse(code))
        if self is Numbering.DECIMAL:
            return FeatureKey(*divmod(code, _DECIMAL))
        return FeatureKey(0, code)


class FeatureJson:
    """A folder of feature JSON files, local or on a web server."""

    kind = KIND

    def __init__(
        self, files: Files, numbering: Numbering | None, identity: TranscoderSet | None = None
    ) -> None:
        """Read from a folder; without a numbering it is found by trying."""
        self.transcoder_set = identity
        self._files = files
        self._numbering = numbering

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return f"the feature JSON in {self._files.place}"

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when there is no file for it."""
        for numbering in self._candidates(key):
            where = f"{self._files.place}/{numbering.name_of(key)}.json"
            read = partial(self._record, key=key, where=where)
            data = self._files.read(f"{numbering.name_of(key)}.json", read)
            if data is not None:
                self._numbering = numbering
                return read(data)
        return None

    def _record(self, data: bytes, key: FeatureKey, where: str) -> FeatureRecord:
        plain = unpack(data, where) if data[:2] == b"\x1f\x8b" else data
        return read_feature(decode_json(plain, where), key, self.transcoder_set, where)

    def fetch(self, keys: Iterable[FeatureKey], report: Report | None = None) -> None:
        """Bring features of a web folder near."""
        if isinstance(self._files, RemoteFiles):
            self._files.remote.at_once(self.get, keys, report)

    def _candidates(self, key: FeatureKey) -> tuple[Numbering, ...]:
        if self._numbering is not None:
            return (self._numbering,)
        if key.feature >= _OPAQUE_FROM:
            return (Numbering.OPAQUE, Numbering.PAIR)
        return (Numbering.CANTOR, Numbering.PAIR)

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature there is a file for, in order; a web server does not list them."""
        if not isinstance(self._files, LocalFiles) or self._numbering is None:
            raise FeatureListError(
                f"{self.name} cannot be listed: a web folder does not say what it holds; ask for "
                "single features, route with --rule raw, or download the folder"
            )
        keys = (self._numbering.key_of(stem) for stem in _stems(self._files.root))
        return iter(sorted(key for key in keys if key is not None))

    def name_of(self, key: FeatureKey) -> str:
        """The file's name without its ending."""
        return (self._numbering or Numbering.CANTOR).name_of(key)

    def key_named(self, name: str) -> FeatureKey | None:
        """The feature whose file has this name."""
        return (self._numbering or Numbering.CANTOR).key_of(name)


def looks_like_feature(value: object) -> bool:
    """Whether a JSON value is a feature of this form."""
    return isinstance(value, dict) and "examples_quantiles" in value


def numbering_of(root: Path) -> Numbering | None:
    """How a folder's files are named; None when it holds no file named like a feature."""
    stems = list(itertools.islice(_stems(root), _SAMPLE))
    if any("/" in stem for stem in stems):
        return Numbering.FOLDERS
    if any(parse_key(stem.replace("-", "_")) for stem in stems):
        return Numbering.PAIR
    codes = [code for stem in stems if (code := index(stem)) is not None]
    if not codes:
        return None
    if all(cantor_inverse(code)[0] < MOST_LAYERS for code in codes):
        return Numbering.CANTOR
    if all(code // _DECIMAL < MOST_LAYERS for code in codes):
        return Numbering.DECIMAL
    return Numbering.OPAQUE


def _stems(root: Path, depth: int = 1) -> Iterator[str]:
    """Names of JSON files without their ending, those in numbered folders as layer/index."""
    try:
        with os.scandir(root) as found:
            for entry in found:
                if entry.name.endswith(".json") and entry.is_file():
                    yield entry.name.removesuffix(".json")
                elif depth and index(entry.name) is not None and entry.is_dir():
                    yield from (f"{entry.name}/{stem}" for stem in _stems(Path(entry.path), 0))
    except OSError as error:
        raise EvidenceError(f"{root} cannot be read: {error.strerror or error}") from error


def read_feature(
    value: object, key: FeatureKey, identity: TranscoderSet | None, where: str
) -> FeatureRecord:
    """A feature from its JSON; raises EvidenceError when it is of another form.

    Of the optional fields, those that make no sense are left out.
    """
    found = fields(value, where)
    if "examples_quantiles" not in found:
        raise EvidenceError(f"{where} is no feature: it has no “examples_quantiles”")
    quantiles, dropped = _quantiles(found, where)
    stated = text(found.get("transcoder_id"))
    low, high = number(found.get("act_min")), number(found.get("act_max"))
    return FeatureRecord(
        key=key,
        transcoder_set=identity or (TranscoderSet.stated(stated) if stated else None),
        quantiles=quantiles,
        top_logits=logit_effects(found.get("top_logits")),
        bottom_logits=logit_effects(found.get("bottom_logits")),
        density=share(found.get("activation_frequency")),
        max_activation=high if high is not None else _highest(quantiles),
        histogram=histogram(found.get("histogram"), low, high),
        dropped=dropped,
    )


def _quantiles(found: Fields, where: str) -> tuple[tuple[Quantile, ...], int]:
    read, dropped = [], 0
    for part in items(found["examples_quantiles"], f"{where}: examples_quantiles"):
        stretch = fields(part, f"{where}: examples_quantiles")
        raw = [_raw(each) for each in items(stretch.get("examples"), f"{where}: examples")]
        examples, bad = read_examples(raw)
        dropped += bad
        if examples:
            read.append(Quantile(text(stretch.get("quantile_name")) or "examples", examples))
    # top examples come first, whatever order the file has; the others stay as they are
    return tuple(sorted(read, key=lambda each: "top" not in each.name.lower())), dropped


def _raw(value: object) -> RawExample:
    if not isinstance(value, dict):
        return RawExample(None, None)
    sampled = value.get("train_token_ind", value.get("train_token_index"))
    return RawExample(value.get("tokens"), value.get("tokens_acts_list"), sampled)


def _highest(quantiles: tuple[Quantile, ...]) -> float | None:
    peaks = [example.peak_activation for part in quantiles for example in part.examples]
    return max(peaks, default=None)
