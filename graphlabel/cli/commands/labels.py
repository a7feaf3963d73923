"""``graphlabel labels list``, ``search`` and ``history``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import JsonFlag, StoreOption

if TYPE_CHECKING:
    from graphlabel.cli.labels_view import Order
    from graphlabel.store import LabelFilter, Store

app = typer.Typer(
    help="Labels in the annotation store.", no_args_is_help=True, rich_markup_mode=None
)

SetOption = Annotated[
    str | None,
    typer.Option("--set", help="Of this transcoder set alone; a part of its name.", metavar="SET"),
]
LimitOption = Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")]
GraphOption = Annotated[
    Path | None,
    typer.Option("--graph", help="Given in this graph alone.", metavar="GRAPH"),
]

_COLUMNS = ("on", "label", "trust", "by", "when", "state", "transcoders")


@app.command("list", short_help="List labels, the newest first.")
def list_(
    feature: Annotated[
        str | None, typer.Option(help="About this feature.", metavar="LAYER/FEATURE")
    ] = None,
    transcoders: SetOption = None,
    graph: GraphOption = None,
    author: Annotated[str | None, typer.Option(help="By this person or program.")] = None,
    method: Annotated[str | None, typer.Option(help="Made by this label method.")] = None,
    origin: Annotated[
        str | None, typer.Option(help="Who is behind them: person, machine or file.")
    ] = None,
    every: Annotated[
        bool, typer.Option("--every", help="Also those that are past or undone.")
    ] = False,
    by_trust: Annotated[
        bool,
        typer.Option(
            "--by-trust",
            help="The least trusted first; with --graph, least trusted × most influential.",
        ),
    ] = False,
    limit: LimitOption = 50,
    store: StoreOption = None,
    json: JsonFlag = False,
) -> None:
    """List the labels that are shown now, the newest first."""
    from graphlabel.annotation import Origin
    from graphlabel.cli.labels_view import Order, feature_named, opened_store, set_named
    from graphlabel.errors import UsageError
    from graphlabel.files import read_graph
    from graphlabel.graph import graph_key
    from graphlabel.store import LabelFilter, LabelState

    if origin is not None and origin not in list(Origin):
        raise UsageError(f"“{origin[:40]}” is no origin; choose person, machine or file")
    about = None if feature is None else feature_named(feature)
    within = None if graph is None else read_graph(graph).graph
    with opened_store(store) as opened:
        wanted = LabelFilter(
            transcoder_set=set_named(opened, transcoders),
            graph=None if within is None else graph_key(within),
            feature=about,
            origin=Origin(origin) if origin else None,
            author=author,
            method=method,
            state=None if every else LabelState.CURRENT,
        )
        order = Order(within) if by_trust else None
        _show(opened, wanted, limit, order, json=json, states=every)


@app.command(short_help="Find labels by their words.")
def search(
    words: Annotated[list[str], typer.Argument(help="Words or parts of words; all must occur.")],
    transcoders: SetOption = None,
    every: Annotated[
        bool, typer.Option("--every", help="Also those that are past or undone.")
    ] = False,
    by_trust: Annotated[bool, typer.Option("--by-trust", help="The least trusted first.")] = False,
    limit: LimitOption = 50,
    store: StoreOption = None,
    json: JsonFlag = False,
) -> None:
    """Find labels with these words in them, upper or lower case, the newest first."""
    from graphlabel.cli.labels_view import Order, opened_store, set_named
    from graphlabel.store import LabelFilter, LabelState

    with opened_store(store) as opened:
        wanted = LabelFilter(
            words=" ".join(words),
            transcoder_set=set_named(opened, transcoders),
            state=None if every else LabelState.CURRENT,
        )
        order = Order() if by_trust else None
        _show(opened, wanted, limit, order, json=json, states=every)


@app.command(short_help="Say who called a feature what, and when.")
def history(
    feature: Annotated[str, typer.Argument(help="Such as 3/214.", metavar="LAYER/FEATURE")],
    transcoders: SetOption = None,
    graph: GraphOption = None,
    store: StoreOption = None,
    json: JsonFlag = False,
) -> None:
    """Show everything anybody ever called a feature, the oldest first: edits, undos, conflicts."""
    from graphlabel.cli.console import note, print_json, print_table
    from graphlabel.cli.labels_view import facts, feature_named, opened_store, set_named, table
    from graphlabel.store import LabelFilter

    about = feature_named(feature)
    with opened_store(store) as opened:
        own_set = set_named(opened, transcoders)
        found = opened.label_history(
            LabelFilter(transcoder_set=own_set, graph=_key_of(graph), feature=about)
        )
    if json:
        print_json({"labels": [facts(label) for label in found]})
        return
    if found:
        print_table(table(found, ("#", "on", "label", "by", "when", "state", "transcoders")))
    else:
        note(f"nobody has called {about} anything")


def _key_of(graph: Path | None) -> str | None:
    from graphlabel.files import read_graph
    from graphlabel.graph import graph_key

    return None if graph is None else graph_key(read_graph(graph).graph)


def _show(
    store: Store,
    wanted: LabelFilter,
    limit: int,
    order: Order | None,
    *,
    json: bool,
    states: bool,
) -> None:
    """The labels that pass; in an order other than the newest first all must be looked at."""
    from graphlabel.cli.console import note, print_json, print_table
    from graphlabel.cli.labels_view import facts, table

    # one more, to know whether there are more
    most = limit + 1 if limit else None
    found = (
        order.first(store.labels(wanted), most) if order else list(store.labels(wanted, limit=most))
    )
    shown = found[:limit] if limit else found
    if json:
        print_json({"labels": [facts(label) for label in shown], "more": len(shown) < len(found)})
        return
    left_out = {name for name, asked in (("trust", order), ("state", states)) if not asked}
    columns = [name for name in _COLUMNS if name not in left_out]
    if shown:
        print_table(table(shown, columns))
    more = "; --limit 0 shows all" if len(shown) < len(found) else ""
    plural = "label" if len(shown) == 1 else "labels"
    note(f"{len(shown):,} {plural} of {store.name}{more}")
