"""How tiers are labelled, as options: for the commands that label or list what waits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.option_groups import Command, option_group
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from graphlabel.cli.label_plan import TierOptions

TIERS = "Tiers"
VERBALIZER = "Verbalizer"

VerbalizerOption = Annotated[
    str | None,
    typer.Option(
        help="For baez, baez_last, nla_feature_vector and --tier3 verbalize: as in verbalize.",
        metavar="PLACE",
        rich_help_panel=VERBALIZER,
    ),
]


class TierThree(StrEnum):
    """What is done with obscure features."""

    FLAG = "flag"
    """They wait for a person."""
    VERBALIZE = "verbalize"
    """A verbalizer's text is put beside each; they still wait."""


@dataclass(frozen=True, kw_only=True)
class TierChoices:
    """What was asked for."""

    tier1: Annotated[
        str,
        typer.Option(
            help="token_count; llm, a small language model; or any label method.",
            metavar="METHOD",
            rich_help_panel=TIERS,
        ),
    ] = "token_count"
    tier1_model: Annotated[
        str | None,
        typer.Option(
            help="The language model of --tier1, such as local:FOLDER.",
            metavar="MODEL",
            rich_help_panel=TIERS,
        ),
    ] = None
    tier1_set: Annotated[
        list[str] | None,
        typer.Option(
            help="A setting of the method of --tier1. Repeatable.",
            metavar="NAME=VALUE",
            rich_help_panel=TIERS,
        ),
    ] = None
    tier2: Annotated[
        str,
        typer.Option(
            help="The label method of tier 2, such as np_max-act or eleuther_acts_top20.",
            metavar="METHOD",
            rich_help_panel=TIERS,
        ),
    ] = "np_max-act-logits"
    tier2_model: Annotated[
        str | None,
        typer.Option(
            help="The language model of --tier2, such as anthropic:claude-sonnet-5-5 or "
            "openai:MODEL@http://localhost:8000/v1. Without one tier 2 waits.",
            metavar="MODEL",
            rich_help_panel=TIERS,
        ),
    ] = None
    tier2_set: Annotated[
        list[str] | None,
        typer.Option(
            help="A setting of the method of --tier2, such as examples=20. Repeatable.",
            metavar="NAME=VALUE",
            rich_help_panel=TIERS,
        ),
    ] = None
    tier3: Annotated[
        TierThree,
        typer.Option(
            help="flag: wait for a person. verbalize: put a verbalizer's text beside each as well.",
            rich_help_panel=TIERS,
        ),
    ] = TierThree.FLAG

    @property
    def one(self) -> TierOptions:
        """How tier 1 is labelled; raises UsageError for a setting that is none."""
        return _tier(self.tier1, self.tier1_model, self.tier1_set, "--tier1-set")

    @property
    def two(self) -> TierOptions:
        """How tier 2 is labelled; raises UsageError for a setting that is none."""
        return _tier(self.tier2, self.tier2_model, self.tier2_set, "--tier2-set")


def tier_options(*left_out: str) -> Callable[[Command], Command]:
    """Give a command these options; it gets them as one argument, ``tiers``."""
    return option_group(TierChoices, "tiers", *left_out)


def _tier(method: str, model: str | None, pairs: Sequence[str] | None, option: str) -> TierOptions:
    from graphlabel.cli.label_plan import TierOptions

    settings = {}
    for pair in pairs or ():
        name, equals, value = pair.partition("=")
        if not (name and equals):
            raise UsageError(f"{option} “{pair}” is no NAME=VALUE; write for example examples=20")
        settings[name.strip().replace("-", "_")] = value.strip()
    return TierOptions(method, model, settings)
