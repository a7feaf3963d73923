"""Routing every feature of a source, without a graph."""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, contextmanager
from itertools import groupby, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from graphlabel.annotation import FeatureClass, Routing, WindowScore, clean_label
from graphlabel.annotation.encoding import encode_value
from graphlabel.atomic import replacing
from graphlabel.cli.console import note, print_table, progress
from graphlabel.cli.losses import Losses
from graphlabel.cli.routing import RouteOptions, router_for, silent
from graphlabel.errors import EvidenceError, UsageError
from graphlabel.evidence import FeatureSource, every_key
from graphlabel.graph import FeatureKey

if TYPE_CHECKING:
    from rich.table import Table

    from graphlabel.protocol.router import Routed, Router, Skipped

_RANGE = re.compile(r"^\s*(\d+)\s*(?:-\s*(\d+)\s*)?$")
Write = Callable[[str], None]
Wanted = tuple[FeatureSource, FeatureKey]


def route_all(
    source: FeatureSource,
    options: RouteOptions,
    *,
    layers: str | None,
    limit: int | None,
    output: Path | None,
    json: bool,
) -> None:
    """Route a source's features one after the other, a line each, to a file or the screen.

    Raises EvidenceError when none could be routed, or, with ``options.strict``, when the evidence
    of any is broken.
    """
    from graphlabel.protocol.router import Routed

    wanted = chosen_features(source, layers, limit)
    if not wanted:
        raise EvidenceError(f"{source.name} has no such features; {_layers_held(source)}")
    counts: Counter[tuple[int, FeatureClass]] = Counter()
    losses = Losses(note, options.strict)
    on_screen = output is None and sys.stdout.isatty()
    with _lines(output) as write, ExitStack() as bars:
        with progress("route") as report:
            router = router_for(source, options, silent if json else note, report)
        report = bars.enter_context(progress("route", quiet=on_screen))  # lines show how far it is
        report("features", 0, len(wanted))
        for done, (part, found) in enumerate(route_parts(router, wanted), start=1):
            report("features", done, len(wanted))
            name = part.name_of(found.key)
            losses.take(name, found)
            if isinstance(found, Routed):
                counts[found.key.layer, found.routing.feature_class] += 1
                as_json = json or output is not None
                write(_json_line(name, found) if as_json else _row(name, found.routing))
        if not counts:
            raise EvidenceError(f"no feature could be routed; {losses.first}")
    if not json:
        print_table(_counts_table(counts))
    if output is not None:
        note(f"wrote {output}: {sum(counts.values())} features, one JSON object a line")
    losses.told(len(wanted))


def _layers_held(source: FeatureSource) -> str:
    """What else to ask a source for."""
    held = sorted({key.layer for _, key in every_key(source)})
    if not held:
        return "it holds none at all; check --features"
    return f"it holds layers {', '.join(map(str, held[:12]))}{' …' if len(held) > 12 else ''}"


def chosen_features(source: FeatureSource, layers: str | None, limit: int | None) -> list[Wanted]:
    """The features to route, in the source's order; raises UsageError for layers it cannot read."""
    wanted = parse_layers(layers) if layers else None
    found = (each for each in every_key(source) if wanted is None or each[1].layer in wanted)
    return list(islice(found, limit))


def route_parts(
    router: Router, wanted: Iterable[Wanted]
) -> Iterator[tuple[FeatureSource, Routed | Skipped]]:
    """Route features part by part: those of different hook points share layers and indices."""
    from graphlabel.protocol.router import route_stream

    for part, features in groupby(wanted, key=lambda each: each[0]):
        for found in route_stream(router, (key for _, key in features), part.get):
            yield part, found


def parse_layers(text: str) -> frozenset[int]:
    """Layers from ``0-3,8``; raises UsageError on anything else."""
    found: set[int] = set()
    for part in text.split(","):
        match = _RANGE.match(part)
        if not match:
            raise UsageError(f"“{text[:40]}” names no layers; write them such as 0-3,8")
        first, last = int(match[1]), int(match[2] or match[1])
        if last < first:
            raise UsageError(f"the layers {first}-{last} end before they begin; swap the ends")
        found.update(range(first, last + 1))
    return frozenset(found)


@contextmanager
def _lines(output: Path | None) -> Iterator[Write]:
    """Where lines go: the screen, or a file that appears when all are written."""
    if output is None:
        yield typer.echo
        return
    with replacing(output, UsageError) as temporary, temporary.open("w", encoding="utf-8") as file:
        yield lambda line: print(line, file=file)


def _json_line(name: str, found: Routed) -> str:
    import msgspec

    routing = found.routing
    line: dict[str, Any] = {
        "feature": name.encode("utf-8", "replace").decode(),
        "layer": found.key.layer,
        "class": routing.feature_class.value,
        "tier": int(routing.tier),
        "scores": {side: encode_value(score) for side, score in routing.scores.items()},
        "reason": routing.reason,
        "notes": list(routing.notes),
    }
    return msgspec.json.encode(line).decode()


def _row(name: str, routing: Routing) -> str:
    """A feature as a person reads it."""
    scores = "  ".join(_score(side, routing.scores.get(side)) for side in routing.scores)
    plain = f"{clean_label(name):<12} {routing.feature_class.value:<8} {int(routing.tier)}  "
    return f"{plain}{scores}  {routing.reason}"


def _score(side: str, score: WindowScore | None) -> str:
    short = {"input": "in", "output": "out"}.get(side, side)
    return f"{short} {score.s:5.2f}" if score else f"{short}     —"


def _counts_table(counts: Counter[tuple[int, FeatureClass]]) -> Table:
    from rich.table import Table

    table = Table(title="classes by layer", title_justify="left")
    for name in ("layer", *(each.value for each in FeatureClass), "all"):
        table.add_column(name, justify="right")
    for layer in sorted({layer for layer, _ in counts}):
        row = [counts[layer, each] for each in FeatureClass]
        table.add_row(str(layer), *map(str, row), str(sum(row)))
    totals = [sum(n for (_, c), n in counts.items() if c is each) for each in FeatureClass]
    table.add_section()
    table.add_row("all", *map(str, totals), str(sum(totals)))
    return table
