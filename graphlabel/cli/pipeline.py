"""Where the rooms meet: tracing, routing and labelling a document."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from graphlabel.annotation import Routing, Scope
from graphlabel.atomic import write_bytes
from graphlabel.cli.routing import (
    Report,
    RouteOptions,
    Say,
    calibration_for,
    no_report,
    router_for,
    silent,
)
from graphlabel.errors import EvidenceError, UsageError
from graphlabel.evidence import FeatureSource, open_source
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import FeatureRecord, TranscoderSet

if TYPE_CHECKING:
    from graphlabel.labeling import LabelingReport

__all__ = [
    "RouteOptions",
    "calibration_for",
    "check_writable",
    "label_document",
    "route_document",
    "silent",
    "source_for",
    "with_stored_edits",
]


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
    document: GraphDocument,
    source: FeatureSource,
    options: RouteOptions,
    say: Say = silent,
    report: Report = no_report,
) -> tuple[GraphDocument, list[FeatureKey]]:
    """Route every feature of a graph; also the features the source has no sound evidence of.

    Raises EvidenceError when none could be routed because the evidence is broken, or, with
    ``options.strict``, when that of any is.
    """
    from graphlabel.protocol.router import Routed, route_stream

    keys = sorted(
        {document.graph.nodes[i].key.feature_key for i in document.graph.places(NodeKind.FEATURE)}
    )
    router = router_for(source, options, say, report)
    say(f"routing {len(keys)} features")
    routings: dict[FeatureKey, Routing] = {}
    missing: list[FeatureKey] = []
    broken: list[str] = []
    for done, found in enumerate(route_stream(router, keys, source.get), start=1):
        report("features", done, len(keys))
        if isinstance(found, Routed):
            routings[found.key] = found.routing
            continue
        missing.append(found.key)
        if found.broken:
            broken.append(f"{found.key}: {found.why}")
            if options.strict:
                raise EvidenceError(f"{broken[0]} (--strict)")
            say(f"skipped {broken[-1]}")
    if broken and not routings:
        raise EvidenceError(f"no feature could be routed; {broken[0]}")
    return document.annotated(document.annotations.with_routings(routings)), missing


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
