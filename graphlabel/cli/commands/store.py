"""``graphlabel store``."""

from __future__ import annotations

from typing import Annotated

import typer

from graphlabel.cli.options import JsonFlag, StoreOption

app = typer.Typer(help="The annotation store itself.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def info(store: StoreOption = None, json: JsonFlag = False) -> None:
    """Say where the annotation store is, and which graphs and transcoder sets it knows."""
    from graphlabel.cli.console import counted, print_json, say
    from graphlabel.cli.labels_view import opened_store

    with opened_store(store) as opened:
        graphs, sets = opened.graphs(), opened.transcoder_sets()
    if json:
        import msgspec

        builtins = msgspec.to_builtins
        print_json({"store": opened.name, "graphs": builtins(graphs), "sets": builtins(sets)})
        return
    known = f"{counted(len(graphs), 'graph')} with edits, {counted(len(sets), 'transcoder set')}"
    say(f"{opened.name}: {known}")
    for each in sets:
        say(f"  {each}")
    for graph in graphs:
        say(f"  {graph.slug}: {counted(graph.edits, 'edit')}, the last {graph.last_edit}")


@app.command()
def copy(
    target: Annotated[str, typer.Argument(help="A new file, or an empty postgresql://… database.")],
    store: StoreOption = None,
) -> None:
    """Copy the whole store into an empty one: to back it up, to move it, to share it."""
    from graphlabel.cli.console import note, progress
    from graphlabel.cli.labels_view import opened_store
    from graphlabel.store import Store, store_place

    with opened_store(store) as opened, Store(store_place(target)) as other:
        with progress("copying") as report:
            rows = opened.copy_to(other, report)
        note(
            f"copied {rows['labels']:,} labels, {rows['edits']:,} edits and {rows['graphs']:,} "
            f"graphs from {opened.name} to {other.name}"
        )
