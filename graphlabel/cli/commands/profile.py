"""``graphlabel profile``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from graphlabel.cli.options import JsonFlag, TrustPickle
from graphlabel.cli.protocol_options import ProtocolOptions, protocol_options
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.annotation import FeatureClass
    from graphlabel.cli.routing import RouteOptions
    from graphlabel.protocol.profile import Profile, Trend

Classes = list[tuple[int, "FeatureClass"]]


@protocol_options()
def profile(
    place: Annotated[
        str,
        typer.Argument(
            help="A routed graph, the lines of route --all --json, or a feature source to route.",
            metavar="GRAPH|ROUTES|SOURCE",
        ),
    ],
    protocol: ProtocolOptions,
    svg: Annotated[
        Path | None, typer.Option("--svg", help="Draw the profile as SVG.", metavar="FILE")
    ] = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Of a source, route so many features, drawn by seed.")
    ] = None,
    trust_pickle: TrustPickle = False,
    json: JsonFlag = False,
) -> None:
    """Say which layers hold which classes: early input, middle abstract, late output?"""
    from graphlabel.cli.console import note, print_json
    from graphlabel.protocol.profile import layer_profile

    if svg is not None:
        from graphlabel.cli.pipeline import check_writable

        check_writable(svg)
    found = _classes(place, protocol, limit, quiet=json, trust_pickle=trust_pickle)
    made = layer_profile(found, seed=protocol.seed or 0)
    if svg is not None:
        from graphlabel.atomic import write_bytes
        from graphlabel.cli.profile_picture import svg as drawn

        title = f"Classes by layer: {Path(place).name}"
        write_bytes(svg, drawn(made, title).encode("utf-8", "replace"), UsageError)
    if json:
        print_json(_facts(made))
    else:
        _print(made)
    if svg is not None and not json:
        note(f"wrote {svg}")


def _classes(
    place: str, protocol: ProtocolOptions, limit: int | None, *, quiet: bool, trust_pickle: bool
) -> Classes:
    """The layer and class of every feature that has one.

    Raises UsageError for options that only routing heeds, where features are routed already.
    """
    path = Path(place)
    if not path.is_file() or _is_source(path):
        return _of_source(place, protocol.route_options(), limit, quiet=quiet)
    given = [*protocol.named(), *(["--limit"] if limit is not None else [])]
    if given:
        raise UsageError(f"{place} is routed already; drop {', '.join(given)}, or name a source")
    return _of_lines(path) if path.suffix == ".jsonl" else _of_graph(path, trust_pickle)


def _is_source(path: Path) -> bool:
    """Whether a file is a feature source, such as one batch of SAEDashboard's."""
    from graphlabel.errors import EvidenceError
    from graphlabel.evidence import open_source

    if path.suffix == ".jsonl":
        return False
    try:
        open_source(path)
    except EvidenceError:
        return False
    return True


def _of_graph(path: Path, trust_pickle: bool) -> Classes:
    from graphlabel.files import read_graph
    from graphlabel.graph import NodeKind

    document = read_graph(path, trust_pickle=trust_pickle)
    graph, routings = document.graph, document.annotations.routings
    keys = {graph.nodes[i].key.feature_key for i in graph.places(NodeKind.FEATURE)}
    found = [(key.layer, routings[key].feature_class) for key in sorted(keys) if key in routings]
    if not found:
        raise UsageError(f"{path} holds no routed feature; run graphlabel route first")
    return found


def _of_lines(path: Path) -> Classes:
    """Classes from the lines of ``route --all --json``; features are named layer/feature there."""
    import msgspec

    from graphlabel.annotation import FeatureClass
    from graphlabel.evidence import parse_key

    found: Classes = []
    try:
        for line in path.read_bytes().splitlines():
            row = msgspec.json.decode(line, type=dict[str, Any])
            key = parse_key(str(row["feature"]))
            layer = row["layer"] if key is None else row.get("layer", key.layer)
            found.append((int(layer), FeatureClass(row["class"])))
    except (OSError, KeyError, ValueError, TypeError, msgspec.DecodeError) as error:
        raise UsageError(
            f"{path} does not hold the lines of route --all --json: {error}"
        ) from error
    return found


def _of_source(place: str, options: RouteOptions, limit: int | None, *, quiet: bool) -> Classes:
    import numpy as np

    from graphlabel.cli.console import note, progress
    from graphlabel.cli.losses import Losses
    from graphlabel.cli.route_all import route_parts
    from graphlabel.cli.routing import router_for, silent
    from graphlabel.evidence import every_key, open_source
    from graphlabel.protocol.router import Routed

    source = open_source(place)
    wanted = list(every_key(source))
    if limit is not None and limit < len(wanted):
        seed = getattr(options.settings, "seed", 0)
        drawn = np.random.default_rng(seed).choice(len(wanted), limit, replace=False)
        wanted = [wanted[at] for at in np.sort(drawn)]
    found: Classes = []
    losses = Losses(note)
    with progress("profile", quiet=quiet) as report:
        router = router_for(source, options, silent if quiet else note, report)
        for done, (part, each) in enumerate(route_parts(router, wanted), start=1):
            report("features", done, len(wanted))
            losses.take(part.name_of(each.key), each)
            if isinstance(each, Routed):
                found.append((each.key.layer, each.routing.feature_class))
    losses.told(len(wanted))
    return found


def _print(made: Profile) -> None:
    from rich.console import Console

    from graphlabel.cli.profile_picture import bar_lines, interval_lines, trend_words

    console = Console(highlight=False)
    for line in bar_lines(made):
        console.print(line)
    console.print()
    for line in interval_lines(made):
        console.print(line)
    console.print()
    for trend in (*made.trends, made.joint):
        console.print(trend_words(trend), markup=False)


def _facts(made: Profile) -> dict[str, Any]:
    from graphlabel.protocol.profile import CLASSES

    def plain(trend: Trend) -> dict[str, Any]:
        return {"claim": trend.claim, "z": trend.z, "p": trend.p}

    layers = []
    for layer in made.layers:
        shares = {each.value: made.share(layer, each) for each in CLASSES}
        layers.append(
            {
                "layer": layer,
                "classes": {
                    name: {"count": s.count, "share": s.share, "interval": [s.low, s.high]}
                    for name, s in shares.items()
                },
            }
        )
    return {
        "layers": layers,
        "trends": [plain(trend) for trend in made.trends],
        "joint": plain(made.joint),
    }
