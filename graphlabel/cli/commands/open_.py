"""``graphlabel open``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import (
    AnySetFlag,
    AuthorOption,
    GraphPlace,
    MaybeSourceOption,
    OfflineOption,
    ServerOption,
    StoreOption,
    TrustPickle,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from graphlabel.evidence import FeatureSource
    from graphlabel.files import GraphDocument, GraphLink


_PATIENCE_SECONDS = 1.5
"""How long a key may wait for a server that went away."""


def open_(
    graph: GraphPlace,
    features: MaybeSourceOption = None,
    store: StoreOption = None,
    author: AuthorOption = "",
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    link: Annotated[
        str | None,
        typer.Option(help="Apply a link's pins, supernodes and labels.", metavar="URL"),
    ] = None,
    trust_pickle: TrustPickle = False,
    server: ServerOption = None,
    compare: Annotated[
        Path | None,
        typer.Option("--compare", help="Show another graph beside it.", metavar="GRAPH"),
    ] = None,
) -> None:
    """Open a graph in the terminal: read evidence, fix labels, group supernodes."""
    from graphlabel.cli.console import note, progress
    from graphlabel.cli.pipeline import source_for_reading
    from graphlabel.cli.remote import open_graph

    document, path, links = open_graph(graph, link, trust_pickle=trust_pickle, server=server)
    source = None
    if features:
        with progress("evidence") as report:
            source = source_for_reading(
                document,
                features,
                any_set=any_set,
                offline=offline,
                say=note,
                report=lambda done, total: report("fetching", done, total),
            )
    open_document(
        document, path, source, store, author, links,
        places=features or (), compared=compare, any_set=any_set,
    )  # fmt: skip


def open_document(
    document: GraphDocument,
    path: Path,
    source: FeatureSource | None,
    store: str | None,
    author: str = "",
    links: Sequence[GraphLink] = (),
    *,
    places: Sequence[str] = (),
    compared: Path | None = None,
    any_set: bool = False,
) -> None:
    """Run the terminal UI on a document until the person quits.

    The links' annotations are an edit like any other: kept in the store, undone with a key.
    """
    from graphlabel.cli.remote import link_edit
    from graphlabel.errors import UsageError
    from graphlabel.files import read_graph
    from graphlabel.store import Store, store_place

    if not _in_terminal():
        raise UsageError("graphlabel open needs a terminal; run it in one, not through a pipe")
    # the one place where the library reaches for the user interface
    from graphlabel_tui.app import run
    from graphlabel_tui.comparing import SideBySide
    from graphlabel_tui.runs import beside
    from graphlabel_tui.session import Session

    kept = Store(store_place(store), patience=_PATIENCE_SECONDS)
    try:
        session = Session(document, path, kept, source, author, places=tuple(places))
        for link in links:
            session.do(link_edit(document.annotated(session.annotations), link))
        pair = None
        if compared is not None:
            other = beside(session, read_graph(compared), compared)
            pair = SideBySide(session, other, any_set)
        run(session, pair)
    finally:
        kept.close()


def _in_terminal() -> bool:
    import os
    import sys

    if os.environ.get("TEXTUAL_DRIVER"):  # the terminal is a browser's
        return True
    return sys.stdin.isatty() and sys.stdout.isatty()
