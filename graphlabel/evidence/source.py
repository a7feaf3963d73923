"""Where feature records come from: the one protocol, and what can be asked of any source."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, runtime_checkable

from graphlabel.errors import EvidenceError, FeatureNotFoundError
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet

Report = Callable[[int, int], None]
"""Told how many of how many features are at hand, as they arrive."""

_KEY = re.compile(r"^\s*L?(\d{1,9})\s*[/:#_ ,]\s*#?(\d{1,12})\s*$", re.IGNORECASE)


@runtime_checkable
class FeatureSource(Protocol):
    """A place that knows the evidence of features."""

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        ...

    @property
    def kind(self) -> str:
        """What kind of source it is, such as “feature index”."""
        ...

    @property
    def transcoder_set(self) -> TranscoderSet | None:
        """Whose features these are; None when the source does not say."""
        ...

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when the source does not have it.

        Raises EvidenceError when the record is there and cannot be read.
        """
        ...

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature the source has, in order.

        Raises FeatureListError when the source cannot say (a plain web folder, an API).
        """
        ...

    def name_of(self, key: FeatureKey) -> str:
        """What the source itself calls a feature."""
        ...

    def key_named(self, name: str) -> FeatureKey | None:
        """The key of a feature by the source's own name, or None when it has no such name."""
        ...


@runtime_checkable
class RemoteSource(FeatureSource, Protocol):
    """A source that is asked for many features at once, because each answer takes a while."""

    def fetch(self, keys: Iterable[FeatureKey], report: Report | None = None) -> None:
        """Bring features near, so that ``get`` answers at once."""
        ...


class PlainNames:
    """Names of sources that call features by layer and index: ``2/214``."""

    def name_of(self, key: FeatureKey) -> str:
        """Layer and index."""
        return f"{key.layer}/{key.feature}"

    def key_named(self, name: str) -> FeatureKey | None:
        """The feature of ``2/214``, ``2_214``, ``L2 #214`` and the like."""
        return parse_key(name)


def parse_key(text: str) -> FeatureKey | None:
    """A feature key from ``2/214``, ``2_214``, ``L2 #214`` and the like; None if it is none."""
    match = _KEY.match(text)
    return FeatureKey(int(match[1]), int(match[2])) if match else None


def parts_of(source: FeatureSource) -> tuple[FeatureSource, ...]:
    """The sources a combined source is made of, each of one transcoder set; else itself."""
    found = getattr(source, "parts", None)
    return found if isinstance(found, tuple) else (source,)


def find_named(source: FeatureSource, text: str) -> tuple[FeatureSource, FeatureKey] | None:
    """The part and key of a feature by its own name, else by layer and index.

    None when the text is neither. The feature itself may still be missing.
    """
    parts = parts_of(source)
    named = [(part, key) for part in parts if (key := part.key_named(text)) is not None]
    plain = parse_key(text)
    if plain is not None:
        named += [(part, plain) for part in parts]
    if not named:
        return None
    return next((each for each in named if each[0].get(each[1]) is not None), named[0])


def need(source: FeatureSource, key: FeatureKey) -> FeatureRecord:
    """The record of a feature; raises FeatureNotFoundError when the source does not have it."""
    record = source.get(key)
    if record is None:
        raise FeatureNotFoundError(
            f"{source.name} has no feature {key}; check its layer and number"
        )
    return record


def get_records(
    source: FeatureSource, keys: Iterable[FeatureKey], report: Report | None = None
) -> dict[FeatureKey, FeatureRecord | None]:
    """The records of many features, None for those the source does not have.

    Raises EvidenceError for the first record that is there and cannot be read.
    """
    wanted = list(dict.fromkeys(keys))
    if isinstance(source, RemoteSource):
        source.fetch(wanted, report)
    return {key: source.get(key) for key in wanted}


def every_key(source: FeatureSource) -> Iterator[tuple[FeatureSource, FeatureKey]]:
    """Every feature with the part that gives it, part by part.

    Features of several transcoder sets (or hook points) that share a layer and index all come; of
    parts that hold the same set, the first that has a feature gives it. Raises FeatureListError
    when a part cannot list its features.
    """
    seen: set[tuple[TranscoderSet | None, FeatureKey]] = set()
    for part in parts_of(source):
        for key in part.keys():  # noqa: SIM118  # a source is no mapping
            if (part.transcoder_set, key) not in seen:
                seen.add((part.transcoder_set, key))
                yield part, key


def every_record(source: FeatureSource) -> Iterator[tuple[str, FeatureRecord]]:
    """Every feature with the source's own name of it, part by part (see ``every_key``).

    Raises EvidenceError for the first record that cannot be read.
    """
    for part, key in every_key(source):
        record = part.get(key)
        if record is None:
            raise EvidenceError(f"{part.name} lists the feature {key} but does not have it")
        yield part.name_of(key), record
