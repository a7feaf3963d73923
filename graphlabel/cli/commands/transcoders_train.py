"""``graphlabel transcoders train``."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from graphlabel.cli.commands.features_build import (
    DeviceOption,
    GgufOption,
    ModelOption,
    layers_named,
)
from graphlabel.cli.options import JsonFlag


def train(
    model: ModelOption,
    corpus: Annotated[
        list[str],
        typer.Option(
            help="Text to train on, as features build takes it, or self: text that the model "
            "writes. Can be given several times.",
            metavar="PLACE|self",
        ),
    ],
    output: Annotated[Path, typer.Option("-o", "--output", help="Folder to make.", metavar="DIR")],
    layers: Annotated[
        str | None, typer.Option(help="Only these layers.", metavar="0,4,8-11")
    ] = None,
    width: Annotated[int, typer.Option(min=1, help="Features of each layer.")] = 4096,
    k: Annotated[int, typer.Option("--k", min=1, help="Features that may fire at a token.")] = 32,
    tokens: Annotated[int, typer.Option(min=1, help="Tokens to train on.")] = 10_000_000,
    context_length: Annotated[int, typer.Option(min=2, help="Tokens of a sequence.")] = 256,
    batch_size: Annotated[int, typer.Option(min=1, help="Sequences of a step.")] = 32,
    skip: Annotated[
        bool, typer.Option("--skip", help="Put a linear map beside the features.")
    ] = False,
    optimizer: Annotated[str, typer.Option(help="signum (schedule-free) or adam.")] = "signum",
    learning_rate: Annotated[
        float, typer.Option(min=0.0, help="0: sparsify's own choice, from the width.")
    ] = 0.0,
    self_share: Annotated[
        float, typer.Option(help="Share of the text that the model writes, beside other corpora.")
    ] = 0.1,
    held_out_tokens: Annotated[
        int, typer.Option(min=1, help="Keep so many tokens from training, to evaluate on.")
    ] = 16_384,
    splice_tokens: Annotated[
        int, typer.Option(min=0, help="Take cross-entropies on so many of them; 0: not at all.")
    ] = 4096,
    seed: Annotated[int, typer.Option(min=0, help="Seed of weights, order and sampling.")] = 0,
    text_field: Annotated[
        str, typer.Option(help="What holds the text in JSON lines, Parquet and data sets.")
    ] = "text",
    gguf_file: GgufOption = None,
    dtype: Annotated[
        str, typer.Option(help="What the model runs in; transcoders are trained in float32.")
    ] = "float32",
    device: DeviceOption = None,
    checkpoint_every: Annotated[
        int, typer.Option(min=1, help="Save after so many tokens, to resume after a stop.")
    ] = 1_000_000,
    minutes: Annotated[
        float, typer.Option(min=0.0, help="End training after so much time; 0: at --tokens.")
    ] = 0.0,
    force: Annotated[
        bool, typer.Option("--force", help="Replace a set, or an unfinished one, that is there.")
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Train a transcoder for each of a model's MLPs with EleutherAI's sparsify, and evaluate them.

    A run that was stopped goes on where it was when the same command is given again. The folder is
    one that graphlabel, sparsify and other tools load.
    """
    wanted = None if layers is None else layers_named(layers)
    from graphlabel.cli.console import note
    from graphlabel.cli.training import reporting, show_evaluation
    from graphlabel.models import check_dtype, device_of, dtype_of, load_language_model
    from graphlabel.training import TrainingRequest, TrainingSettings, train_transcoders

    settings = TrainingSettings(
        width=width,
        k=k,
        tokens=tokens,
        context_length=context_length,
        batch_size=batch_size,
        seed=seed,
        layers=wanted,
        skip=skip,
        optimizer=optimizer,
        learning_rate=learning_rate,
        self_share=self_share,
        held_out_tokens=held_out_tokens,
        splice_tokens=splice_tokens,
        dtype=dtype,
    )
    place = device_of(device)
    check_dtype(dtype_of(dtype), place)
    loaded = load_language_model(
        model, dtype=dtype_of(dtype), device=place, gguf_file=gguf_file, attention="sdpa"
    )
    request = TrainingRequest(loaded, tuple(corpus), settings, text_field)
    with (
        _telling_what_is_kept(output, settings.tokens_of_step, quiet=json or force),
        reporting("transcoders", quiet=json) as report,
    ):
        found = train_transcoders(
            request,
            output,
            checkpoint_every=checkpoint_every,
            seconds=minutes * 60 or math.inf,
            force=force,
            report=report,
        )
    show_evaluation(found, json=json)
    if not json:
        note(f"wrote {output}; next: graphlabel features build --transcoders {output} …")


@contextmanager
def _telling_what_is_kept(output: Path, tokens_of_step: int, *, quiet: bool) -> Iterator[None]:
    """Say how much need not be done again: before, and after Ctrl-C."""
    from graphlabel.cli.console import note
    from graphlabel.training.checkpoint import staging_folder, steps_kept

    state = staging_folder(output)
    if not quiet and (before := steps_kept(state) * tokens_of_step):
        note(f"going on with what {state} holds: {before:,} tokens")
    try:
        yield
    except KeyboardInterrupt:
        if kept := steps_kept(state) * tokens_of_step:
            note(f"{state} keeps {kept:,} tokens; the same command goes on from there")
        raise
