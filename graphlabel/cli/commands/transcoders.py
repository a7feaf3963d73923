"""``graphlabel transcoders``: the group and ``transcoders evaluate``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from graphlabel.cli.commands.features_build import (
    DeviceOption,
    GgufOption,
    ModelOption,
    TranscodersOption,
)
from graphlabel.cli.options import JsonFlag
from graphlabel.errors import EvidenceError, UsageError

app = typer.Typer(help="Train and evaluate transcoders.", no_args_is_help=True)


@app.callback()
def _transcoders() -> None:
    pass


@app.command(short_help="Say how well transcoders stand in for MLPs.")
def evaluate(
    model: ModelOption,
    transcoders: TranscodersOption,
    corpus: Annotated[
        list[str],
        typer.Option(
            help="Text that they were not trained on, as features build takes it. Can be given "
            "several times.",
            metavar="PLACE",
        ),
    ],
    tokens: Annotated[int, typer.Option(min=1, help="Read about so many tokens.")] = 16_384,
    splice_tokens: Annotated[
        int, typer.Option(min=0, help="Take the cross-entropies on so many of them; 0: not at all.")
    ] = 4096,
    context_length: Annotated[int, typer.Option(min=2, help="Tokens of a sequence.")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Sequences run together.")] = 8,
    text_field: Annotated[
        str, typer.Option(help="What holds the text in JSON lines, Parquet and data sets.")
    ] = "text",
    gguf_file: GgufOption = None,
    dtype: Annotated[str, typer.Option(help="float32, float64, bfloat16 or float16.")] = "float32",
    device: DeviceOption = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Also write it as JSON.", metavar="FILE")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Measure any transcoder set: variance unexplained, L0, dead features, cross-entropy."""
    from graphlabel.cli.training import told
    from graphlabel.evidence.corpora import open_corpus
    from graphlabel.models import device_of, dtype_of, fitted, load_language_model, load_transcoders
    from graphlabel.training import evaluate as measured
    from graphlabel.training import read_rows

    if not corpus:
        raise UsageError("name a text with --corpus")
    opened = [open_corpus(place, text_field) for place in corpus]
    sets = load_transcoders(transcoders)
    loaded = load_language_model(
        model, dtype=dtype_of(dtype), device=device_of(device), gguf_file=gguf_file,
        attention="sdpa",
    )  # fmt: skip
    rows = read_rows(loaded, opened, context_length, -(-tokens // context_length))
    if not len(rows):
        raise EvidenceError(
            f"the texts hold less than {context_length} tokens; give more, or a smaller "
            "--context-length"
        )
    from graphlabel.cli.training import reporting, show_evaluation

    with reporting("transcoders", quiet=json) as report:
        found = measured(
            loaded,
            fitted(loaded, sets, partial=True),
            rows,
            splice_tokens=splice_tokens,
            batch_size=batch_size,
            report=report,
        )
    if output is not None:
        told(found, output)
    show_evaluation(found, json=json)
