"""Options of the commands that score labels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from graphlabel.embedding import Encoder

TEXTS = "Texts"
SUBJECT = "The model the features are of"

ScorersOption = Annotated[
    str,
    typer.Option(
        help="Scorers, with commas: detection, fuzzing, embedding, intruder, simulation, "
        "output_check. All but embedding and output_check ask a language model.",
        metavar="NAMES",
    ),
]
TestOption = Annotated[
    int,
    typer.Option(
        "--test",
        min=2,
        help="Texts on which the feature fires, and as many others, to test on.",
        rich_help_panel=TEXTS,
    ),
]
SeedOption = Annotated[
    int, typer.Option(min=0, help="What draws features and texts.", rich_help_panel=TEXTS)
]
ModelOption = Annotated[
    str | None,
    typer.Option(
        "--model",
        help="The model whose features these are: checks that they are silent on negatives, and "
        "what their directions raise.",
        metavar="DIR|ID",
        rich_help_panel=SUBJECT,
    ),
]
TranscodersOption = Annotated[
    str | None,
    typer.Option(help="Its transcoders.", metavar="DIR|ID", rich_help_panel=SUBJECT),
]
JudgeOption = Annotated[
    str | None,
    typer.Option(
        "--judge",
        help="Language model for the scorers that ask one: anthropic:MODEL, openai:MODEL@URL, "
        "local:FOLDER.",
        metavar="MODEL",
    ),
]
EncoderOption = Annotated[
    str | None,
    typer.Option(help="Sentence encoder of the scorer embedding.", metavar="NAME_OR_FOLDER"),
]


def names_of(text: str) -> list[str]:
    """Names with commas as a list, each once."""
    return list(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def encoder_named(name: str | None) -> Encoder:
    """The sentence encoder of a name, by default the one that is installed."""
    from graphlabel.embedding import DEFAULT_ENCODER, load_encoder

    return load_encoder(name or DEFAULT_ENCODER)
