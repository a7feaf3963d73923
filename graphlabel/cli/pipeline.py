"""Where the rooms meet: tracing, routing and labelling a document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from graphlabel.annotation import Scope
from graphlabel.atomic import write_bytes
from graphlabel.errors import CalibrationError, EvidenceError, UsageError
from graphlabel.evidence import FeatureSource, open_source
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import FeatureRecord, TranscoderSet

if TYPE_CHECKING:
    from graphlabel.embedding import Encoder
    from graphlabel.labeling import LabelingReport
    from graphlabel.protocol import Calibration

Say = Callable[[str], None]


def silent(_: str) -> None:
    """Say nothing."""


@dataclass(frozen=True, slots=True)
class RouteOptions:
    """How features are routed."""

    rule: str = "calibrated"
    tau: float = 0.5
    theta: float | None = None
    n: int = 10
    weighted: bool = False
    encoder: str | None = None
    any_set: bool = False
    """Route even when the evidence is of another transcoder set than the graph."""
    encoder_revision: str | None = None
    encoder_dtype: str = "auto"
    cache: bool = True
    """Whether embeddings are kept on disk."""


def source_for(document: GraphDocument, place: str, *, any_set: bool = False) -> FeatureSource:
    """The feature source for a graph.

    Raises EvidenceError when it is of another transcoder set: its feature 7 is another feature.
    """
    source = open_source(place)
    graph_set, model = TranscoderSet.of(document.graph.source), document.graph.source.model
    theirs = source.transcoder_set
    if graph_set and theirs and not graph_set.matches(theirs) and not any_set:
        raise EvidenceError(
            f"the graph was traced with {graph_set} {graph_set.revision}, {source.name} holds "
            f"features of {theirs} {theirs.revision}; name the right source, or --any-set if they "
            "are the same"
        )
    if not graph_set and model and theirs and theirs.model != model and not any_set:
        raise EvidenceError(
            f"the graph is of the model {model}, {source.name} holds features of {theirs}; name "
            "the right source, or --any-set if they are the same"
        )
    return source


def route_document(
    document: GraphDocument, source: FeatureSource, options: RouteOptions, say: Say = silent
) -> tuple[GraphDocument, list[FeatureKey]]:
    """Route every feature of a graph; also the features the source does not have."""
    from graphlabel.embedding import DEFAULT_ENCODER, load_encoder
    from graphlabel.protocol import RawSettings, route_calibrated, route_raw

    if options.rule not in ("calibrated", "raw"):
        raise UsageError(f"there is no rule “{options.rule}”; choose calibrated or raw")
    keys = sorted(
        {document.graph.nodes[i].key.feature_key for i in document.graph.places(NodeKind.FEATURE)}
    )
    records = {key: source.get(key) for key in keys}
    found = [record for record in records.values() if record is not None]
    missing = [key for key, record in records.items() if record is None]
    say("loading the sentence encoder")
    encoder = load_encoder(
        options.encoder or DEFAULT_ENCODER,
        revision=options.encoder_revision,
        precision=options.encoder_dtype,
        cache=options.cache,
    )
    if options.rule == "raw":
        settings = RawSettings(tau=options.tau, n=options.n, weighted=options.weighted)
        say(f"routing {len(found)} features")
        routings = route_raw(found, encoder, settings)
    else:
        calibration = calibration_for(source, encoder, options, say)
        say(f"routing {len(found)} features")
        routings = route_calibrated(found, encoder, calibration)
    return document.annotated(document.annotations.with_routings(routings)), missing


def calibration_for(
    source: FeatureSource, encoder: Encoder, options: RouteOptions, say: Say = silent
) -> Calibration:
    """The calibration kept beside a local index or in the cache, or one made now.

    Raises CalibrationError when the source has too few features for one.
    """
    from dataclasses import replace

    from graphlabel.protocol import (
        CalibratedSettings,
        calibrate,
        read_calibration,
        write_calibration,
    )

    settings = CalibratedSettings(n=options.n, weighted=options.weighted)
    if options.theta is not None:
        settings = replace(settings, theta=options.theta)
    places = _calibration_places(source, encoder, msgspec.json.encode(settings))
    for place in places:
        if place.is_file():
            calibration = read_calibration(place)
            calibration.check_encoder(encoder.name, encoder.revision)
            return calibration
    say("calibrating on the source's features (once; this takes a minute)")
    records = [record for key in source.keys() if (record := source.get(key)) is not None]  # noqa: SIM118
    calibration = calibrate(records, encoder, settings, source=str(source.transcoder_set or ""))
    for place in places:
        try:
            write_calibration(calibration, place)
        except CalibrationError:
            continue
        break
    return calibration


def _calibration_places(source: FeatureSource, encoder: Encoder, settings: bytes) -> list[Path]:
    from graphlabel.embedding import cache_folder

    identity = f"{encoder.name}|{encoder.revision}|".encode() + settings
    name = f"calibration_{hashlib.sha256(identity).hexdigest()[:12]}.npz"
    cached = hashlib.sha256(f"{source.name}|{source.transcoder_set}".encode()).hexdigest()[:12]
    places = [cache_folder() / "calibrations" / f"{cached}_{name}"]
    folder = getattr(source, "folder", None)
    if isinstance(folder, Path):
        places.insert(0, folder / name)
    return places


def label_document(
    document: GraphDocument, source: FeatureSource
) -> tuple[GraphDocument, LabelingReport, Scope]:
    """Label tier 1 by the token counter; labels by people and from the file are kept.

    Labels hold wherever the feature fires if the graph says whose features these are, else at
    their occurrence only. Raises UsageError when nothing has been routed.
    """
    from graphlabel.labeling import TokenCounter, label_tier_one

    if not document.annotations.routings:
        raise UsageError("no feature has been routed yet; run graphlabel route first")
    known: dict[FeatureKey, FeatureRecord | None] = {}

    def find(key: FeatureKey) -> FeatureRecord | None:
        if key not in known:
            known[key] = source.get(key)
        return known[key]

    identified = TranscoderSet.of(document.graph.source) is not None
    scope = Scope.FEATURE if identified else Scope.OCCURRENCE
    annotations, report = label_tier_one(
        document.graph,
        document.annotations,
        find,
        TokenCounter(),
        scope=scope,
        time=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
    )
    return document.annotated(annotations), report, scope


def with_stored_edits(
    document: GraphDocument, place: Path | None = None
) -> tuple[GraphDocument, bool]:
    """The document with the edits the annotation store keeps of it, and whether there were any."""
    from graphlabel.store import Store, default_store_path

    path = place or default_store_path()
    if not path.is_file():
        return document, False
    store = Store(path)
    try:
        history = store.history(document.graph, document.annotations, document.slug)
    finally:
        store.close()
    return document.annotated(history.annotations), history.annotations != document.annotations


def check_writable(path: Path, error: type[UsageError] = UsageError) -> None:
    """Fail early, before long work, when an output file could not be written."""
    probe = path.parent / f".{path.name[:40]}.probe"
    try:
        write_bytes(probe, b"", error)
    except error as problem:
        raise error(str(problem).replace(str(probe), str(path))) from problem
    probe.unlink(missing_ok=True)
    if path.is_dir():
        raise error(f"{path} is a folder; name a file to write")
