"""``graphlabel features``: the group, ``features show`` and ``features list``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.options import JsonFlag, OfflineOption, SourceOption
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.annotation import Verbalization
    from graphlabel.evidence import FeatureSource
    from graphlabel.graph import FeatureKey

app = typer.Typer(help="Look at features' evidence.", no_args_is_help=True)


@app.callback()
def _features() -> None:
    pass


@app.command(short_help="Show one feature.")
def show(
    key: Annotated[
        str,
        typer.Argument(help="Layer and feature, such as 2/214, or the source's own name."),
    ],
    features: SourceOption,
    per_quantile: Annotated[int, typer.Option(min=1, help="Examples of each quantile.")] = 5,
    graph: Annotated[
        Path | None,
        typer.Option(help="Also show what verbalizers said of it, from a graph.", metavar="GRAPH"),
    ] = None,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Show a feature: examples by quantile with the peak marked, logits, histogram, density."""
    import msgspec

    from graphlabel.cli.console import print_json
    from graphlabel.cli.feature_view import print_feature
    from graphlabel.evidence import RemoteSource, find_named, need, open_sources

    source = open_sources(features, offline=offline)
    found = find_named(source, key)
    if found is None:
        raise UsageError(
            f"“{key[:60]}” names no feature of {source.name}; write layer/feature, such as 2/214, "
            "or the source's own name of it (graphlabel features list)"
        )
    part, place = found
    if offline and isinstance(part, RemoteSource) and part.get(place) is None:
        raise UsageError(f"no answer about {place} was kept of {part.name}; ask without --offline")
    record = need(part, place)
    aids = _aids(graph, place) if graph else ()
    if json:
        about = {"feature": part.name_of(place), "source": part.name, "kind": part.kind}
        said = {"verbalizations": msgspec.to_builtins(aids)} if graph else {}
        print_json({**about, **msgspec.to_builtins(record), **said})
        return
    print_feature(part.name_of(place), part, record, per_quantile, aids)


def _aids(path: Path, key: FeatureKey) -> tuple[Verbalization, ...]:
    """What a graph keeps of verbalizers' words on a feature, wherever it fires."""
    from graphlabel.files import read_graph

    document = read_graph(path)
    nodes = [node.key for node in document.graph.nodes if node.is_feature]
    said = [
        each
        for node in nodes
        if node.feature_key == key
        for each in document.annotations.verbalizations_of(node)
    ]
    return tuple(dict.fromkeys(said))


@app.command("list", short_help="Say which features a source has.")
def list_(
    features: SourceOption,
    first: Annotated[int, typer.Option(min=0, help="Features to name for each layer.")] = 5,
    offline: OfflineOption = False,
    json: JsonFlag = False,
) -> None:
    """Count a source's features by layer and name the first ones."""
    from graphlabel.cli.console import print_json
    from graphlabel.evidence import open_sources, parts_of

    source = open_sources(features, offline=offline)
    parts = [_counted(part, first) for part in parts_of(source)]
    if json:
        print_json(parts)
        return
    from graphlabel.cli.feature_view import print_parts

    print_parts(parts)


def _counted(part: FeatureSource, first: int) -> dict[str, Any]:
    layers: dict[int, dict[str, Any]] = {}
    for key in part.keys():  # noqa: SIM118  # a source is no mapping
        layer = layers.setdefault(key.layer, {"layer": key.layer, "features": 0, "first": []})
        layer["features"] += 1
        if len(layer["first"]) < first:
            layer["first"].append(part.name_of(key))
    return {
        "source": part.name,
        "kind": part.kind,
        "transcoder_set": str(part.transcoder_set) if part.transcoder_set else None,
        "features": sum(layer["features"] for layer in layers.values()),
        "layers": list(layers.values()),
    }
