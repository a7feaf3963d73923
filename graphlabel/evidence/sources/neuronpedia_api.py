"""Features from Neuronpedia's API, kept on disk once they have been asked for.

``GET /api/feature/{model}/{layer}-{set}/{index}`` for one feature, ``POST /api/features`` for many.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from urllib.parse import quote, unquote, urlsplit

from graphlabel.errors import EvidenceError, FeatureListError
from graphlabel.evidence.source import Report
from graphlabel.evidence.sources.dashboards import (
    dashboard_record,
    key_of_source_name,
    source_name,
    split_source_id,
)
from graphlabel.evidence.sources.loose import decode_json, fields, index, items, text
from graphlabel.evidence.sources.remote import Remote
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet

KIND = "Neuronpedia API"
SCHEME = "neuronpedia:"
BASE = "https://www.neuronpedia.org"
BASE_VARIABLE = "NEURONPEDIA_BASE_URL"
KEY_VARIABLE = "NEURONPEDIA_API_KEY"
BATCH = 32
INTERVAL = 0.1
"""Seconds between two requests at the least."""
_HOSTS = ("neuronpedia.org", "www.neuronpedia.org")
_PART = re.compile(r"^[\w.+ -]+$")


def server(*, offline: bool = False) -> Remote:
    """Neuronpedia, or what NEURONPEDIA_BASE_URL names; the key is NEURONPEDIA_API_KEY."""
    key = os.environ.get(KEY_VARIABLE, "").strip()
    if not (key.isascii() and key.isprintable()):
        raise EvidenceError(f"{KEY_VARIABLE} holds characters no key has; set it again")
    return Remote(
        os.environ.get(BASE_VARIABLE) or BASE,
        headers={"x-api-key": key} if key else {},
        offline=offline,
        interval=INTERVAL,
    )


def is_neuronpedia(place: str) -> bool:
    """Whether a place names this API: ``neuronpedia:…`` or a page of Neuronpedia's."""
    if place.startswith(SCHEME):
        return True
    try:
        return place.startswith(("http://", "https://")) and urlsplit(place).hostname in _HOSTS
    except ValueError:
        return False


def parse_place(place: str) -> tuple[str, str, int | None]:
    """Model, source set and layer of ``neuronpedia:gemma-2-2b/20-gemmascope-res-16k``.

    Without a layer in front of the set, all layers are meant. Raises EvidenceError.
    """
    path = place.removeprefix(SCHEME) if place.startswith(SCHEME) else urlsplit(place).path
    parts = [unquote(part) for part in path.strip("/").split("/")]
    if len(parts) < 2 or not all(_PART.match(part) for part in parts[:2]):
        raise EvidenceError(
            f"“{place[:80]}” names no source set; write neuronpedia:MODEL/SET, such as "
            "neuronpedia:gemma-2-2b/gemmascope-transcoder-16k"
        )
    split = split_source_id(parts[1])
    return (parts[0], split[1], split[0]) if split else (parts[0], parts[1], None)


class NeuronpediaApi:
    """A source set on Neuronpedia, all its layers or one."""

    kind = KIND

    def __init__(self, model: str, name: str, layer: int | None, remote: Remote) -> None:
        """Ask nothing yet."""
        self.transcoder_set = TranscoderSet(model, name)
        self._layer = layer
        self._remote = remote
        self._no_batches = False

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        offline = " (offline)" if self._remote.offline else ""
        return f"{self.transcoder_set} on {urlsplit(self._remote.base).netloc}{offline}"

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature; None when there is none, or offline when it is not kept."""
        if not self._is_ours(key):
            return None
        where = self._remote.address(self._path(key))
        read = partial(self._record, key=key, where=where)
        data = self._remote.get(self._path(key), check=read)
        return None if data is None else read(data)

    def _record(self, data: bytes, key: FeatureKey, where: str) -> FeatureRecord | None:
        """The feature of an answer; None when it says there is none."""
        value = decode_json(data, where)
        if not value:
            return None
        found = fields(value, where)
        return dashboard_record(
            key,
            self.transcoder_set,
            found,
            items(found.get("activations"), f"{where}: activations"),
            items(found.get("explanations"), f"{where}: explanations"),
        )

    def fetch(self, keys: Iterable[FeatureKey], report: Report | None = None) -> None:
        """Ask for the features that are not kept yet, a few batches at once, and keep them.

        What has arrived when this is stopped or fails is kept. Raises EvidenceError.
        """
        wanted = [
            key
            for key in keys
            if self._is_ours(key)
            and self._remote.kept(self._remote.address(self._path(key))) is None
        ]
        if self._remote.offline or not wanted:
            return
        done = 0

        def fetch(batch: list[FeatureKey]) -> None:
            nonlocal done
            self._fetch(batch)
            done += len(batch)

        self._remote.at_once(
            fetch, _batches(wanted), report and (lambda *_: report(done, len(wanted)))
        )

    def keys(self) -> Iterator[FeatureKey]:
        """Not to be had: the API does not list features. Raises FeatureListError."""
        raise FeatureListError(
            f"{self.name} does not list its features; download the set's export files and name "
            "their folder instead, or route with --rule raw, which needs no list"
        )

    def name_of(self, key: FeatureKey) -> str:
        """As its pages call it: ``20-gemmascope-res-16k/123``."""
        return source_name(self.transcoder_set, key)

    def key_named(self, name: str) -> FeatureKey | None:
        """The feature of ``20-gemmascope-res-16k/123``, with or without the model in front."""
        return key_of_source_name(self.transcoder_set, name)

    def _is_ours(self, key: FeatureKey) -> bool:
        return self._layer in (None, key.layer) and key.layer >= 0 and key.feature >= 0

    def _path(self, key: FeatureKey) -> str:
        source_id = f"{key.layer}-{self.transcoder_set.name}"
        return f"api/feature/{quote(self.transcoder_set.model)}/{quote(source_id)}/{key.feature}"

    def _fetch(self, batch: list[FeatureKey]) -> None:
        """A batch of one layer in one request, or one by one where the server has no batches."""
        model, name = self.transcoder_set.model, self.transcoder_set.name
        answered = None
        if not self._no_batches:
            asked = [
                {"modelId": model, "layer": f"{key.layer}-{name}", "index": key.feature}
                for key in batch
            ]
            answered = self._remote.post("api/features", asked)
        if answered is None:
            self._no_batches = True
            for key in batch:
                self.get(key)
            return
        self._keep(answered, batch)

    def _keep(self, answered: bytes, batch: list[FeatureKey]) -> None:
        where = self._remote.address("api/features")
        found: dict[FeatureKey, Mapping[str, object]] = {}
        for each in items(decode_json(answered, where), where):
            feature = fields(each, where)
            split, number = split_source_id(text(feature.get("layer"))), index(feature.get("index"))
            if split is not None and number is not None:
                found[FeatureKey(split[0], number)] = feature
        bodies = {key: json.dumps(found[key]).encode() if key in found else None for key in batch}
        self._remote.cache.put(
            {self._remote.address(self._path(key)): body for key, body in bodies.items()}
        )


def _batches(keys: list[FeatureKey]) -> Iterator[list[FeatureKey]]:
    """Batches of one layer each: answers are told apart by layer and index."""
    ranked = sorted(set(keys))
    start = 0
    for stop in range(1, len(ranked) + 1):
        full = stop - start == BATCH
        if stop == len(ranked) or full or ranked[stop].layer != ranked[start].layer:
            yield ranked[start:stop]
            start = stop
