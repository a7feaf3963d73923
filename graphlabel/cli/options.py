"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

GraphFile = Annotated[Path, typer.Argument(help="Graph file.", metavar="GRAPH")]
GraphPlace = Annotated[
    str, typer.Argument(help="Graph file, or a link to a graph.", metavar="GRAPH")
]
SourceOption = Annotated[
    list[str],
    typer.Option(
        "--features",
        help="Where the features' evidence is: a folder, a file, https://… or "
        "neuronpedia:MODEL/SET. Can be given several times; the first that has a feature wins.",
        metavar="SOURCE",
    ),
]
MaybeSourceOption = Annotated[
    list[str] | None,
    typer.Option(
        "--features",
        help="Where the features' evidence is; can be given several times.",
        metavar="SOURCE",
    ),
]
OfflineOption = Annotated[
    bool,
    typer.Option("--offline", help="Ask no server; use what it answered before."),
]
OutputFile = Annotated[Path, typer.Option("-o", "--output", help="File to write.", metavar="FILE")]
JsonFlag = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]
StoreOption = Annotated[
    str | None,
    typer.Option(
        help="Annotation store: a file, or postgresql://… (GRAPHLABEL_STORE).", metavar="STORE"
    ),
]
AuthorOption = Annotated[str, typer.Option(help="Your name in labels; the login by default.")]
FileOnly = Annotated[
    bool, typer.Option("--file-only", help="Leave out edits that are only in the store.")
]
AnySetFlag = Annotated[
    bool, typer.Option("--any-set", help="Accept evidence of another transcoder set.")
]
TrustPickle = Annotated[
    bool,
    typer.Option("--trust-pickle", help="Run what a .pt file's pickle asks for (your own files)."),
]
ServerOption = Annotated[
    str | None,
    typer.Option(help="Neuronpedia's address (NEURONPEDIA_BASE_URL).", metavar="URL"),
]
