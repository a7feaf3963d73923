"""``graphlabel route``."""

from __future__ import annotations

from typing import Annotated

import typer

from graphlabel.cli.options import (
    EncoderDtypeOption,
    EncoderOption,
    EncoderRevisionOption,
    GraphFile,
    JsonFlag,
    NoCacheFlag,
    OfflineOption,
    OutputFile,
    SourceOption,
)
from graphlabel.errors import UsageError


def route(
    graph: GraphFile,
    features: SourceOption,
    output: OutputFile,
    rule: Annotated[str, typer.Option(help="calibrated or raw.")] = "calibrated",
    tau: Annotated[
        float | None, typer.Option(help="Threshold of the raw rule; 0.5 by default.")
    ] = None,
    theta: Annotated[
        float | None, typer.Option(help="Effect that tier 1 must reach (calibrated rule).")
    ] = None,
    n: Annotated[int, typer.Option(min=2, help="Top examples per feature.")] = 10,
    weighted: Annotated[
        bool, typer.Option("--weighted", help="Let the activation-weighted score decide.")
    ] = False,
    encoder: EncoderOption = None,
    encoder_revision: EncoderRevisionOption = None,
    encoder_dtype: EncoderDtypeOption = "auto",
    no_cache: NoCacheFlag = False,
    any_set: Annotated[
        bool, typer.Option("--any-set", help="Accept evidence of another transcoder set.")
    ] = False,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Route every feature of a graph: input, output, cross or obscure."""
    from graphlabel.cli.console import note, print_json, progress
    from graphlabel.cli.pipeline import (
        RouteOptions,
        check_writable,
        feature_flags,
        route_document,
        silent,
        source_for,
    )
    from graphlabel.files import read_graph, write_graph

    if tau is not None and rule != "raw":
        raise UsageError("--tau is the raw rule's threshold; add --rule raw, or use --theta")
    if theta is not None and rule == "raw":
        raise UsageError("--theta is the calibrated rule's threshold; use --tau with --rule raw")
    document = read_graph(graph)
    source = source_for(document, features, any_set=any_set, offline=offline)
    check_writable(output)
    options = RouteOptions(
        rule,
        0.5 if tau is None else tau,
        theta,
        n,
        weighted,
        encoder,
        any_set,
        encoder_revision,
        encoder_dtype,
        cache=not no_cache,
    )
    with progress("route", quiet=json) as report:
        routed, missing = route_document(
            document,
            source,
            options,
            silent if json else note,
            lambda done, total: report("fetching evidence", done, total),
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
    note(f"wrote {output}: " + ", ".join(f"{count} {name}" for name, count in counts.items()))
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
