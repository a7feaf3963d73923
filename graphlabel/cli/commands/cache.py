"""``graphlabel cache``."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from graphlabel.cli.options import JsonFlag
from graphlabel.errors import UsageError

app = typer.Typer(help="Embeddings kept between runs.", no_args_is_help=True, rich_markup_mode=None)


@app.command()
def info(json: JsonFlag = False) -> None:
    """Say where embeddings are kept, of which encoders, and how much room they take."""
    from graphlabel.cli.console import print_json
    from graphlabel.embedding.upkeep import kept_embeddings

    root, kept = kept_embeddings()
    if json:
        encoders = [
            {"encoder": e.encoder, "revision": e.revision, "dtype": e.precision,
             "texts": e.texts, "bytes": e.size}
            for e in kept
        ]  # fmt: skip
        print_json({"folder": str(root), "encoders": encoders})
        return
    typer.echo(f"{root}: {sum(each.size for each in kept) / 1e6:.1f} MB")
    for each in kept:
        typer.echo(
            f"  {each.encoder!r} {each.revision} {each.precision}: "
            f"{each.texts:,} texts, {each.size / 1e6:.1f} MB"
        )


@app.command()
def clear(
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
) -> None:
    """Remove every kept embedding; the next routing computes them again."""
    from graphlabel.embedding.upkeep import clear_embeddings, kept_embeddings

    root, _ = kept_embeddings()
    if not yes:
        if not sys.stdin.isatty():
            raise UsageError("nobody is there to be asked; say --yes to remove the embeddings")
        typer.confirm(f"remove the embeddings in {root}?", abort=True)
    typer.echo(f"removed {clear_embeddings() / 1e6:.1f} MB")
