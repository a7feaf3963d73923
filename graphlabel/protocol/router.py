"""Routing many features, a batch at a time, past those whose evidence is broken."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import islice

from graphlabel.annotation import Routing
from graphlabel.embedding import Encoder
from graphlabel.errors import CalibrationError, EvidenceError
from graphlabel.graph import FeatureKey
from graphlabel.protocol.calibration import Calibration
from graphlabel.protocol.decision import Extension
from graphlabel.protocol.routing import route_calibrated, route_raw
from graphlabel.protocol.settings import CalibratedSettings, RawSettings
from graphlabel.protocol.tail import (
    alike_only_at_top,
    scores_in_words,
    side_window,
    stretch_scores,
)
from graphlabel.records import FeatureRecord

BATCH = 64


@dataclass(frozen=True, eq=False)
class Router:
    """One rule with all it needs."""

    encoder: Encoder
    settings: RawSettings | CalibratedSettings
    calibration: Calibration | None = None
    """Needed by the calibrated rule."""
    extensions: tuple[Extension, ...] = ()
    tail: bool = False
    """Whether every stretch of the activation distribution is scored as well."""

    def route(self, records: Iterable[FeatureRecord]) -> dict[FeatureKey, Routing]:
        """Route features; raises CalibrationError without a calibration where one is needed."""
        by_key = {record.key: record for record in records}
        routings = self._route(by_key.values())
        if not self.tail:
            return routings
        return {key: self._with_tail(by_key[key], routing) for key, routing in routings.items()}

    def _with_tail(self, record: FeatureRecord, routing: Routing) -> Routing:
        """The routing with the scores of every stretch among its notes."""
        window = side_window(routing)
        if window is None:
            return routing
        words = self.settings.whole_words
        stretches = stretch_scores(record, window, self.encoder, whole_words=words)
        null = self.calibration and self.calibration.nulls.get((window, self.settings.n))
        marked = alike_only_at_top(stretches, null.mean if null else 0.0)
        said = [marked] if marked else []
        return replace(routing, notes=(*said, scores_in_words(stretches), *routing.notes))

    def _route(self, records: Iterable[FeatureRecord]) -> dict[FeatureKey, Routing]:
        if isinstance(self.settings, RawSettings):
            return route_raw(records, self.encoder, self.settings, extensions=self.extensions)
        if self.calibration is None:
            raise CalibrationError("the calibrated rule needs a calibration; use --rule raw or one")
        calibration = self.calibration.deciding(self.settings)
        return route_calibrated(records, self.encoder, calibration, extensions=self.extensions)


@dataclass(frozen=True, slots=True)
class Routed:
    """A feature and its routing."""

    key: FeatureKey
    record: FeatureRecord
    routing: Routing


@dataclass(frozen=True, slots=True)
class Skipped:
    """A feature that could not be routed."""

    key: FeatureKey
    why: str
    broken: bool = True
    """Whether its evidence is broken, rather than missing."""


def route_stream(
    router: Router,
    keys: Iterable[FeatureKey],
    find: Callable[[FeatureKey], FeatureRecord | None],
    *,
    batch: int = BATCH,
) -> Iterator[Routed | Skipped]:
    """Route features in order, holding one batch in memory; broken ones are said and left out."""
    remaining = iter(keys)
    while part := list(islice(remaining, batch)):
        yield from _route_batch(router, part, find)


def _route_batch(
    router: Router, keys: Sequence[FeatureKey], find: Callable[[FeatureKey], FeatureRecord | None]
) -> Iterator[Routed | Skipped]:
    records: dict[FeatureKey, FeatureRecord] = {}
    skipped: dict[FeatureKey, Skipped] = {}
    for key in keys:
        try:
            record = find(key)
        except EvidenceError as error:
            skipped[key] = Skipped(key, str(error))
            continue
        if record is None:
            skipped[key] = Skipped(key, "the source does not have it", broken=False)
        elif record.dropped and not any(part.examples for part in record.quantiles):
            skipped[key] = Skipped(key, f"all of its examples are broken ({record.dropped})")
        else:
            records[key] = record
    routings = _route_sound(router, records, skipped)
    for key in keys:
        if key in skipped:
            yield skipped[key]
        else:
            yield Routed(key, records[key], routings[key])


def _route_sound(
    router: Router, records: dict[FeatureKey, FeatureRecord], skipped: dict[FeatureKey, Skipped]
) -> dict[FeatureKey, Routing]:
    """Route all at once; should one be broken, one by one."""
    try:
        found = router.route(records.values())
        return {key: found[record.key] for key, record in records.items()}
    except EvidenceError:
        routings: dict[FeatureKey, Routing] = {}
    for key, record in records.items():
        try:
            routings[key] = router.route([record])[record.key]
        except EvidenceError as error:
            skipped[key] = Skipped(key, str(error))
    return routings
