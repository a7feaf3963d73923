"""Where the rooms meet: tracing, routing and labelling a document."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from graphlabel.annotation import Scope
from graphlabel.atomic import write_bytes
from graphlabel.errors import CalibrationError, EvidenceError, UsageError
from graphlabel.evidence import (
    CombinedSource,
    FeatureSource,
    RemoteSource,
    get_records,
    open_source,
    parts_of,
)
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import FeatureRecord, TranscoderSet, same_model

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


def source_for(
    document: GraphDocument,
    places: Sequence[str],
    *,
    any_set: bool = False,
    offline: bool = False,
) -> FeatureSource:
    """The feature sources for a graph as one; the first that has a feature gives it.

    Of a place that holds several transcoder sets, the parts of the graph's own set are used. Raises
    EvidenceError when a place holds another set, or (for a graph that does not say which it was
    traced with) when the places hold different ones: their feature 7 is another feature.
    """
    places = [places] if isinstance(places, str) else places
    kept: list[FeatureSource] = []
    for place in places:
        source = open_source(place, offline=offline)
        kept += parts_of(source) if any_set else _of_graph(document, source)
    sets = [part.transcoder_set for part in kept if part.transcoder_set is not None]
    others = [other for other in sets if not other.matches(sets[0])]
    if others and not any_set:
        raise EvidenceError(
            f"the sources hold features of {sets[0]} and of {others[0]}, and the graph does not "
            "say whose it has; name those of one set, or --any-set if they are the same"
        )
    if not kept:
        raise EvidenceError("no feature source is named; add --features")
    return kept[0] if len(kept) == 1 else CombinedSource(kept)


def _of_graph(document: GraphDocument, source: FeatureSource) -> list[FeatureSource]:
    """The parts of a source that are of the graph's transcoder set, or do not say."""
    graph_set, model = TranscoderSet.of(document.graph.source), document.graph.source.model
    refused: TranscoderSet | None = None
    kept = []
    for part in parts_of(source):
        theirs = part.transcoder_set
        if graph_set:
            fits = theirs is None or graph_set.matches(theirs)
        else:
            fits = theirs is None or not model or same_model(model, theirs.model)
        refused = refused if fits else theirs
        if fits:
            kept.append(part)
    if kept or refused is None:
        return kept
    said = f"was traced with {graph_set} {graph_set.revision}" if graph_set else f"is of {model}"
    raise EvidenceError(
        f"the graph {said}, {source.name} holds features of {refused} {refused.revision}; name the "
        "right source, or --any-set if they are the same"
    )


def feature_keys(document: GraphDocument) -> list[FeatureKey]:
    """The features of a graph, each once, in order."""
    graph = document.graph
    return sorted({graph.nodes[i].key.feature_key for i in graph.places(NodeKind.FEATURE)})


def feature_flags(places: Sequence[str]) -> str:
    """The options that name sources, as they are typed in a shell."""
    import shlex

    return " ".join(f"--features {shlex.quote(place)}" for place in places)


def source_for_reading(
    document: GraphDocument,
    places: Sequence[str],
    *,
    any_set: bool,
    offline: bool,
    say: Say,
    report: Callable[[int, int], None] | None = None,
) -> FeatureSource:
    """The sources for the workbench: servers are asked now, for everything it can show.

    A server that fails is said and done without. Afterwards no key press waits for a server.
    """
    source = source_for(document, places, any_set=any_set, offline=offline)
    if not isinstance(source, RemoteSource):
        return source
    try:
        source.fetch(feature_keys(document), report)
    except EvidenceError as error:
        say(f"some evidence is missing: {error}")
    return source_for(document, places, any_set=any_set, offline=True)


def route_document(
    document: GraphDocument,
    source: FeatureSource,
    options: RouteOptions,
    say: Say = silent,
    report: Callable[[int, int], None] | None = None,
) -> tuple[GraphDocument, list[FeatureKey]]:
    """Route every feature of a graph; also the features the source does not have."""
    from graphlabel.embedding import DEFAULT_ENCODER, load_encoder
    from graphlabel.protocol import RawSettings, route_calibrated, route_raw

    if options.rule not in ("calibrated", "raw"):
        raise UsageError(f"there is no rule “{options.rule}”; choose calibrated or raw")
    keys = feature_keys(document)
    records = get_records(source, keys, report)
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
    if isinstance(source, RemoteSource):
        source.fetch(feature_keys(document))

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
