"""``graphlabel route``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlabel.cli.options import AnySetFlag, JsonFlag, OfflineOption, SourceOption, TrustPickle
from graphlabel.cli.protocol_options import ProtocolOptions, protocol_options
from graphlabel.errors import UsageError


@protocol_options()
def route(
    features: SourceOption,
    protocol: ProtocolOptions,
    graph: Annotated[Path | None, typer.Argument(help="Graph file.", metavar="GRAPH")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="File to write.", metavar="FILE")
    ] = None,
    every: Annotated[
        bool, typer.Option("--all", help="Route every feature of the source, without a graph.")
    ] = False,
    layers: Annotated[
        str | None, typer.Option(help="With --all: layers, such as 0-3,8.", metavar="LAYERS")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="With --all: at most so many features.")
    ] = None,
    tail: Annotated[
        bool, typer.Option("--tail", help="Score every stretch of activation as well.")
    ] = False,
    strict: Annotated[
        bool, typer.Option("--strict", help="Refuse broken evidence instead of skipping it.")
    ] = False,
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Route the features of a graph, or of a whole source: input, output, cross or obscure."""
    from graphlabel.cli.routing import silent

    options = protocol.route_options(strict=strict, tail=tail)
    if every:
        if graph is not None:
            raise UsageError(f"--all routes a source without a graph; drop {graph} or --all")
        from graphlabel.cli.route_all import route_all
        from graphlabel.evidence import open_sources

        source = open_sources(features, offline=offline)
        route_all(source, options, layers=layers, limit=limit, output=output, json=json)
        return
    if graph is None or output is None:
        raise UsageError("name a GRAPH and a file to write (-o), or --all for a whole source")
    if layers or limit:
        raise UsageError("--layers and --limit go with --all; a graph is routed whole")
    from graphlabel.cli.console import note, print_json, progress
    from graphlabel.cli.pipeline import check_writable, feature_flags, route_document, source_for
    from graphlabel.files import read_graph, write_graph
    from graphlabel.graph import NodeKind

    document = read_graph(graph, trust_pickle=trust_pickle)
    source = source_for(document, features, any_set=any_set, offline=offline)
    check_writable(output)
    with progress("route", quiet=json) as report:
        routed, missing = route_document(
            document, source, options, silent if json else note, report
        )
    write_graph(routed, output)
    counts = class_counts(routed.annotations.routings.values())
    if json:
        print_json(
            {
                "file": str(output),
                "classes": counts,
                "missing": [[key.layer, key.feature] for key in missing],
            }
        )
        return
    many = f"{sum(counts.values())} features of {document.graph.count(NodeKind.FEATURE)} nodes"
    listed = ", ".join(f"{count} {name}" for name, count in counts.items())
    note(f"wrote {output}: {many}: {listed}")
    if missing:
        named = ", ".join(map(str, missing[:8])) + (" …" if len(missing) > 8 else "")
        note(f"  {len(missing)} features have no evidence in {source.name}: {named}")
    note(f"next: graphlabel label {output} {feature_flags(features)} -o {output}")


def class_counts(routings: object) -> dict[str, int]:
    """How many features each class has, in the protocol's order."""
    from collections import Counter
    from collections.abc import Iterable

    from graphlabel.annotation import FeatureClass

    assert isinstance(routings, Iterable)
    found = Counter(routing.feature_class for routing in routings)
    return {each.value: found[each] for each in FeatureClass}
