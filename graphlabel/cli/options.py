"""Options that several commands share."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

GraphFile = Annotated[Path, typer.Argument(help="Graph file.", metavar="GRAPH")]
SourceOption = Annotated[
    list[str],
    typer.Option(
        "--features",
        help="Where the features' evidence is: a folder, a file, https://… or "
        "neuronpedia:MODEL/SET. Can be given several times; the first that has a feature wins.",
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
    Path | None,
    typer.Option(help="Annotation store (GRAPHLABEL_STORE).", metavar="FILE"),
]

EncoderOption = Annotated[
    str | None,
    typer.Option(help="Sentence encoder: a hub name or a folder.", metavar="NAME_OR_FOLDER"),
]
EncoderRevisionOption = Annotated[
    str | None,
    typer.Option(help="Branch, tag or commit of the encoder on the hub.", metavar="REVISION"),
]
EncoderDtypeOption = Annotated[
    str, typer.Option(help="auto, float32, bfloat16 or float16; auto is what the hardware has.")
]
NoCacheFlag = Annotated[
    bool, typer.Option("--no-cache", help="Neither use nor fill the embedding cache.")
]
