"""``graphlabel demo``."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import StoreOption

if TYPE_CHECKING:
    from rich.table import Table

    from graphlabel.files import GraphDocument

SIDES = ("input", "output", "cross")
PROMPT = "Fact: the capital of the state containing Dallas is"
NODE_THRESHOLD = 0.95
"""Atlas's graphs are small: at the usual 0.8 three features are left."""


def demo(
    output: Annotated[
        Path, typer.Option("-o", "--output", help="Graph file to write.", metavar="FILE")
    ] = Path("out/dallas.json"),
    open_ui: Annotated[
        bool, typer.Option("--open/--no-open", help="Open the terminal UI at the end.")
    ] = True,
    store: StoreOption = None,
) -> None:
    """Trace, route and label a prompt on the model that comes with graphlabel."""
    from graphlabel import atlas
    from graphlabel.annotation import Tier
    from graphlabel.cli.commands.open_ import open_document
    from graphlabel.cli.console import note, print_table
    from graphlabel.cli.label_report import summary, waiting_lines
    from graphlabel.cli.labelling import finder, label_document
    from graphlabel.cli.pipeline import RouteOptions, route_document, source_for
    from graphlabel.cli.tracing import run_trace
    from graphlabel.files import write_graph

    started = time.perf_counter()
    note(f"prompt: {PROMPT}")
    traced = run_trace(
        PROMPT,
        None,
        str(atlas.MODEL_FOLDER),
        str(atlas.TRANSCODERS_FOLDER),
        output,
        {"node_threshold": NODE_THRESHOLD},
    )
    source = source_for(traced, [str(atlas.INDEX_FOLDER)])
    routed, _ = route_document(traced, source, RouteOptions(), note)
    labelled, report = label_document(routed, finder(routed, source))
    write_graph(labelled, output)
    print_table(_table(labelled))
    note(summary(report))
    for line in waiting_lines(labelled, report):
        note(line)
    scores = labelled.graph.scores
    if scores:
        note(f"replacement {scores.replacement:.3f}  completeness {scores.completeness:.3f}")
    note(f"wrote {output} in {time.perf_counter() - started:.1f} s")
    again = f"graphlabel open {output} --features {atlas.INDEX_FOLDER}"
    if open_ui and sys.stdin.isatty() and sys.stdout.isatty():
        open_document(labelled, output, source, store, places=[str(atlas.INDEX_FOLDER)])
        note(f"again: {again}")
    else:
        note(f"open it: {again}")
    if report.waiting[Tier.MODEL] or report.waiting[Tier.PERSON]:
        note("export it: graphlabel export " + f"{output} --to neuronpedia -o neuronpedia.json")


def _table(document: GraphDocument, most: int = 16) -> Table:
    """The most influential features with their classes, scores and labels."""
    from rich.table import Table
    from rich.text import Text

    from graphlabel.graph import NodeKind
    from graphlabel.inert import inert

    graph, annotations = document.graph, document.annotations
    table = Table(title=f"{document.slug}: the most influential features", title_justify="left")
    for name in ("feature", "at", "class", "tier", "in", "out", "cross", "label"):
        numeric = name in ("in", "out", "cross")
        table.add_column(name, justify="right" if numeric else "left", no_wrap=name != "label")
    ranked = sorted(
        graph.places(NodeKind.FEATURE), key=lambda place: graph.nodes[place].influence or 0.0
    )
    for place in ranked[:most]:
        node = graph.nodes[place]
        routing, label = annotations.routing_of(node.key), annotations.label_of(node.key)
        scores = [routing.scores.get(side) if routing else None for side in SIDES]
        table.add_row(
            str(node.key.feature_key),
            Text(inert(node.text.strip())),
            routing.feature_class.value if routing else "—",
            str(int(routing.tier)) if routing else "—",
            *(f"{score.s:.2f}" if score else "—" for score in scores),
            Text(inert(label.text) if label else "—"),
        )
    return table
