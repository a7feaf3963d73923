"""``graphlabel labels``: the group of commands on the store's labels."""

from __future__ import annotations

import typer

app = typer.Typer(help="Labels of the annotation store.", no_args_is_help=True)


@app.callback()
def _labels() -> None:
    pass
