"""Where the rooms meet: tracing and routing a document."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from graphlabel.annotation import Routing
from graphlabel.atomic import write_bytes
from graphlabel.cli.evidence_place import evidence_place
from graphlabel.cli.losses import Losses
from graphlabel.cli.routing import (
    Report,
    RouteOptions,
    Say,
    calibration_for,
    no_report,
    router_for,
    silent,
)
from graphlabel.errors import EvidenceError, NoSourceError, UsageError
from graphlabel.evidence import (
    CombinedSource,
    FeatureSource,
    RemoteSource,
    open_source,
    parts_of,
)
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.records import TranscoderSet

__all__ = [
    "RouteOptions",
    "calibration_for",
    "check_writable",
    "feature_flags",
    "feature_keys",
    "route_document",
    "silent",
    "source_for",
    "source_for_reading",
    "with_stored_edits",
]


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
        source = _opened(document, place, offline)
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


def _opened(document: GraphDocument, place: str, offline: bool) -> FeatureSource:
    """A source; one that is not there sends to where the graph's own evidence is likely to be."""
    try:
        return open_source(place, offline=offline)
    except NoSourceError as error:
        likely = evidence_place(document)
        if likely is None:
            raise
        raise NoSourceError(
            f"there is no feature source at {place}; for this graph: {likely}"
        ) from error


def _of_graph(document: GraphDocument, source: FeatureSource) -> list[FeatureSource]:
    """The parts of a source that are of the graph's transcoder set, or do not say."""
    said = document.graph.source
    refused: TranscoderSet | None = None
    kept = []
    for part in parts_of(source):
        theirs = part.transcoder_set
        fits = theirs is None or theirs.may_be_of(said)
        refused = refused if fits else theirs
        if fits:
            kept.append(part)
    if kept or refused is None:
        return kept
    graph_set = TranscoderSet.of(said)
    own = f"{graph_set} {said.transcoders_revision}".strip() if graph_set else ""
    holds = f"{refused} {refused.revision}".strip()
    raise EvidenceError(
        f"the graph is of {own or said.transcoders or said.model}, {source.name} holds features of "
        f"{holds}; name the right source, or --any-set if they are the same"
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
    report: Report = no_report,
) -> tuple[GraphDocument, list[FeatureKey]]:
    """Route every feature of a graph; also the features the source has no sound evidence of.

    Raises EvidenceError when none could be routed because there is no evidence or it is broken, or,
    with ``options.strict``, when that of any is.
    """
    from graphlabel.protocol.router import Routed, route_stream

    keys = feature_keys(document)
    if isinstance(source, RemoteSource):
        source.fetch(keys, lambda done, total: report("fetching evidence", done, total))
    router = router_for(source, options, say, report)
    say(f"routing {len(keys)} features")
    routings: dict[FeatureKey, Routing] = {}
    missing: list[FeatureKey] = []
    losses = Losses(say, options.strict)
    for done, found in enumerate(route_stream(router, keys, source.get), start=1):
        report("features", done, len(keys))
        if isinstance(found, Routed):
            routings[found.key] = found.routing
        else:
            missing.append(found.key)
        if isinstance(found, Routed) or found.broken:
            losses.take(str(found.key), found)
    if losses.skipped and not routings:
        raise EvidenceError(f"no feature could be routed; {losses.first}")
    if keys and not routings:
        raise EvidenceError(
            f"{source.name} has none of the graph's {len(keys)} features; name the evidence of the "
            "graph's own transcoders (graphlabel info GRAPH says where it is likely to be)"
        )
    losses.told(len(keys))
    return document.annotated(document.annotations.with_routings(routings)), missing


def with_stored_edits(
    document: GraphDocument, named: str | None = None
) -> tuple[GraphDocument, bool]:
    """The document with the edits the annotation store keeps of it, and whether there were any."""
    from graphlabel.store import Store, is_absent, store_place

    place = store_place(named)
    if is_absent(place):
        return document, False
    store = Store(place)
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
