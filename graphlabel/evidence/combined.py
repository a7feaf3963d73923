"""Several sources as one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from graphlabel.errors import FeatureListError
from graphlabel.evidence.source import FeatureSource, RemoteSource, Report, parts_of
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet


class CombinedSource:
    """Any number of sources; the first that has a feature gives its whole record.

    Records are never merged: each keeps the transcoder set of the source it came from.
    """

    def __init__(self, sources: Iterable[FeatureSource], name: str = "") -> None:
        """Ask the sources in the order given; combined ones among them are taken apart."""
        self.parts = tuple(part for source in sources for part in parts_of(source))
        self._name = name

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        return self._name or " and ".join(dict.fromkeys(part.name for part in self.parts))

    @property
    def kind(self) -> str:
        """The kinds of the parts."""
        return ", ".join(dict.fromkeys(part.kind for part in self.parts))

    @property
    def transcoder_set(self) -> TranscoderSet | None:
        """The set of all parts; None when they differ or one does not say."""
        sets = {part.transcoder_set for part in self.parts}
        return sets.pop() if len(sets) == 1 else None

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of the first part that has the feature."""
        for part in self.parts:
            record = part.get(key)
            if record is not None:
                return record
        return None

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature of the parts that can list theirs, each once, in order.

        Raises FeatureListError when no part can.
        """
        found: set[FeatureKey] = set()
        failed: list[FeatureListError] = []
        for part in self.parts:
            try:
                found.update(part.keys())
            except FeatureListError as error:
                failed.append(error)
        if failed and len(failed) == len(self.parts):
            raise failed[0]
        return iter(sorted(found))

    def name_of(self, key: FeatureKey) -> str:
        """What the part that would give the feature calls it."""
        for part in self.parts:
            if part.get(key) is not None:
                return part.name_of(key)
        return f"{key.layer}/{key.feature}"

    def key_named(self, name: str) -> FeatureKey | None:
        """The key of the first part that knows the name."""
        keys = (part.key_named(name) for part in self.parts)
        return next((key for key in keys if key is not None), None)

    def fetch(self, keys: Iterable[FeatureKey], report: Report | None = None) -> None:
        """Bring features near, each from the first part that has it."""
        wanted = list(keys)
        for part in self.parts:
            if isinstance(part, RemoteSource):
                part.fetch(wanted, report)
            wanted = [key for key in wanted if part.get(key) is None]
