"""Options that say how tiers are labelled, for the commands that label or list what waits."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

TIERS = "Tiers"
VERBALIZER = "Verbalizer"


class TierThree(StrEnum):
    """What is done with obscure features."""

    FLAG = "flag"
    """They wait for a person."""
    VERBALIZE = "verbalize"
    """A verbalizer's text is put beside each; they still wait."""


TierOneOption = Annotated[
    str,
    typer.Option(
        help="token_count; llm, a small language model; or any label method.",
        metavar="METHOD",
        rich_help_panel=TIERS,
    ),
]
TierOneModelOption = Annotated[
    str | None,
    typer.Option(
        help="The language model of --tier1, such as local:FOLDER.",
        metavar="MODEL",
        rich_help_panel=TIERS,
    ),
]
TierOneSetOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A setting of the method of --tier1. Repeatable.",
        metavar="NAME=VALUE",
        rich_help_panel=TIERS,
    ),
]
TierTwoOption = Annotated[
    str,
    typer.Option(
        help="The label method of tier 2, such as np_max-act or eleuther_acts_top20.",
        metavar="METHOD",
        rich_help_panel=TIERS,
    ),
]
TierTwoModelOption = Annotated[
    str | None,
    typer.Option(
        help="The language model of --tier2, such as anthropic:claude-sonnet-5-5 or "
        "openai:MODEL@http://localhost:8000/v1. Without one tier 2 waits.",
        metavar="MODEL",
        rich_help_panel=TIERS,
    ),
]
TierTwoSetOption = Annotated[
    list[str] | None,
    typer.Option(
        help="A setting of the method of --tier2, such as examples=20. Repeatable.",
        metavar="NAME=VALUE",
        rich_help_panel=TIERS,
    ),
]
TierThreeOption = Annotated[
    TierThree,
    typer.Option(
        help="flag: wait for a person. verbalize: put a verbalizer's text beside each as well.",
        rich_help_panel=TIERS,
    ),
]
VerbalizerOption = Annotated[
    str | None,
    typer.Option(
        help="For baez, baez_last, nla_feature_vector and --tier3 verbalize: as in verbalize.",
        metavar="PLACE",
        rich_help_panel=VERBALIZER,
    ),
]
SubjectModelOption = Annotated[
    str | None,
    typer.Option(
        help="The model that texts go through, where the verbalizer runs here.",
        metavar="DIR|ID",
        rich_help_panel=VERBALIZER,
    ),
]
TranscodersOption = Annotated[
    str | None,
    typer.Option(
        help="For nla_feature_vector: the transcoders.",
        metavar="DIR|ID",
        rich_help_panel=VERBALIZER,
    ),
]
