"""Where feature records come from: the one protocol, and opening a source by its path."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Protocol, runtime_checkable

from graphlabel.errors import EvidenceError, FeatureNotFoundError
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet


@runtime_checkable
class FeatureSource(Protocol):
    """A place that knows the evidence of features."""

    @property
    def name(self) -> str:
        """What to call the source in messages."""
        ...

    @property
    def transcoder_set(self) -> TranscoderSet | None:
        """Whose features these are; None when the source does not say."""
        ...

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        """The record of a feature, or None when the source does not have it."""
        ...

    def keys(self) -> Iterator[FeatureKey]:
        """Every feature the source has, in order."""
        ...


def open_source(place: str | Path) -> FeatureSource:
    """The feature source at a path; raises EvidenceError when there is none."""
    from graphlabel.evidence.index.reader import ParquetIndex

    path = Path(place)
    if (path / "index.json").is_file():
        return ParquetIndex(path)
    if not path.exists():
        raise EvidenceError(f"there is no feature source at {path}; check --features")
    raise EvidenceError(
        f"{path} is no feature index (it has no index.json); "
        "name a folder that holds a feature index"
    )


def need(source: FeatureSource, key: FeatureKey) -> FeatureRecord:
    """The record of a feature; raises FeatureNotFoundError when the source does not have it."""
    record = source.get(key)
    if record is None:
        raise FeatureNotFoundError(f"{source.name} has no feature {key}; see its layers and width")
    return record
