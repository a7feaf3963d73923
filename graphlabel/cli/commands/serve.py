"""``graphlabel serve``."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from graphlabel.cli.options import (
    AnySetFlag,
    AuthorOption,
    GraphPlace,
    MaybeSourceOption,
    OfflineOption,
    StoreOption,
)
from graphlabel.errors import UsageError

TOKEN_VARIABLE = "GRAPHLABEL_SERVE_TOKEN"
_SHORTEST_TOKEN = 16


def serve(
    graph: GraphPlace,
    features: MaybeSourceOption = None,
    store: StoreOption = None,
    author: AuthorOption = "",
    any_set: AnySetFlag = False,
    offline: OfflineOption = False,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on; 0: any.")] = 8377,
    no_token: Annotated[
        bool, typer.Option("--no-token", help="Let in whoever reaches the address.")
    ] = False,
    public_url: Annotated[
        str | None,
        typer.Option(help="Address that browsers see, behind a proxy.", metavar="URL"),
    ] = None,
) -> None:
    """Serve the workbench to a browser, on this machine alone and behind a token.

    The token is random, or what GRAPHLABEL_SERVE_TOKEN says. Every browser window is a workbench
    of its own on the same annotation store.
    """
    import secrets

    from graphlabel.cli.console import note
    from graphlabel.cli.web import LOOPBACK, WebPlace, listening_socket, run_server

    token = "" if no_token else os.environ.get(TOKEN_VARIABLE) or secrets.token_urlsafe(24)
    if token and len(token) < _SHORTEST_TOKEN:
        raise UsageError(f"{TOKEN_VARIABLE} is shorter than {_SHORTEST_TOKEN} characters")
    command = _open_command(graph, features or [], store, author, any_set, offline)
    listener = listening_socket(host, port)
    place = WebPlace(listener, host, token, public_url)
    note(f"open {place.url_with_token} in a browser; Ctrl-C stops")
    if host not in LOOPBACK:
        note(f"{host} can be reached from other machines, and what they send is not encrypted")
    run_server(command, place)


def _open_command(
    graph: str,
    features: list[str],
    store: str | None,
    author: str,
    any_set: bool,
    offline: bool,
) -> list[str]:
    """The command that opens the graph for one browser window."""
    words = [sys.executable, "-m", "graphlabel", "open", graph]
    for place in features:
        words += ["--features", place]
    for name, value in (("--store", store), ("--author", author)):
        words += [name, value] if value else []
    return [*words, *(["--any-set"] if any_set else []), *(["--offline"] if offline else [])]
