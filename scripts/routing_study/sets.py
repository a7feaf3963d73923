"""The features that rules are judged on, with their gold classes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from benchmarks.routing import Line, read_gold
from graphlabel import atlas
from graphlabel.errors import FeatureListError, GraphLabelError
from graphlabel.evidence import open_source, parts_of
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, eq=False)
class Gold:
    """Some features and the classes they should be routed to."""

    name: str
    records: tuple[FeatureRecord, ...]
    """The gold's features, and the others of its source that calibrations are made on."""
    classes: dict[FeatureKey, str]
    """The gold classes."""
    halves: dict[FeatureKey, str]
    """Which half a feature belongs to; empty for a gold without halves."""

    def of_half(self, half: str) -> Gold:
        """The features of one half."""
        kept = {key: name for key, name in self.classes.items() if self.halves.get(key) == half}
        return Gold(f"{self.name}, {half}", self.records, kept, {})


def atlas_gold() -> Gold:
    """Atlas's features; every feature of its index takes part in the calibration."""
    source = open_source(str(atlas.INDEX_FOLDER))
    records = [record for key in source.keys() if (record := source.get(key)) is not None]  # noqa: SIM118
    return _gold("atlas", records, [source.name_of(r.key) for r in records], atlas.GOLD_FILE)


def folder_gold(folder: Path) -> Gold:
    """The gold of a folder that holds gold.jsonl and feature sources beside it.

    Features of different hook points share layers and numbers, so all are numbered anew.
    """
    records: list[FeatureRecord] = []
    names: list[str] = []
    for place in sorted(path for path in folder.iterdir() if path.is_dir()):
        for part in parts_of(open_source(str(place))):
            for key in _keys(part):
                record = part.get(key)
                if record is not None:
                    records.append(replace(record, key=FeatureKey(key.layer, len(records))))
                    names.append(part.name_of(key))
    return _gold(folder.name, records, names, folder / "gold.jsonl")


def _keys(source: object) -> Sequence[FeatureKey]:
    try:
        return list(source.keys())  # type: ignore[attr-defined]
    except FeatureListError:
        return []


def _gold(name: str, records: list[FeatureRecord], names: list[str], file: Path) -> Gold:
    lines: dict[str, Line] = {line.feature: line for line in read_gold(file)}
    classes, halves = {}, {}
    for record, feature in zip(records, names, strict=True):
        line = lines.get(feature)
        if line is not None and line.chosen:
            classes[record.key] = line.chosen
            halves[record.key] = line.half
    if not classes:
        raise GraphLabelError(f"none of the gold's features is in a source beside {file}")
    return Gold(name, tuple(records), classes, halves)
