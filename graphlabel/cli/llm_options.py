"""How language models are asked, as options: declared once, shared by every command that asks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.option_groups import option_group
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.llm import GatewaySettings
    from graphlabel.llm.metered import MeteredGateway

PANEL = "Language model"


@dataclass(frozen=True, kw_only=True)
class LanguageModelOptions:
    """What was asked for."""

    max_usd: Annotated[
        float | None,
        typer.Option(
            help="The most that this run may cost, in dollars; checked before every call.",
            rich_help_panel=PANEL,
        ),
    ] = None
    dry_run: Annotated[
        bool,
        typer.Option(
            "--dry-run",
            help="Send nothing; print what would be sent and its price.",
            rich_help_panel=PANEL,
        ),
    ] = False
    batch: Annotated[
        bool,
        typer.Option(
            "--batch",
            help="Send in bulk where the service can (Claude): half the price, within a day.",
            rich_help_panel=PANEL,
        ),
    ] = False
    concurrency: Annotated[
        int, typer.Option(min=1, max=256, help="Calls at a time.", rich_help_panel=PANEL)
    ] = 8
    timeout: Annotated[
        float, typer.Option(min=1.0, help="Seconds to wait for an answer.", rich_help_panel=PANEL)
    ] = 120.0
    no_answer_cache: Annotated[
        bool,
        typer.Option(
            "--no-answer-cache",
            help="Ask again what was answered before, and pay again.",
            rich_help_panel=PANEL,
        ),
    ] = False
    prices: Annotated[
        Path | None,
        typer.Option(
            help="A price table over the shipped one (GRAPHLABEL_PRICES).",
            metavar="FILE",
            rich_help_panel=PANEL,
        ),
    ] = None

    def settings(self) -> GatewaySettings:
        """The settings of a gateway; raises UsageError for numbers that are none."""
        from graphlabel.llm import GatewaySettings

        if self.max_usd is not None and not 0 <= self.max_usd < float("inf"):
            raise UsageError(f"--max-usd is {self.max_usd}; give an amount in dollars, such as 2.5")
        return GatewaySettings(
            max_usd=self.max_usd,
            dry_run=self.dry_run,
            batch=self.batch,
            concurrency=self.concurrency,
            timeout=self.timeout,
            cache=not self.no_answer_cache,
            prices=self.prices,
        )

    def open(self, model: str) -> MeteredGateway:
        """A gateway to a model, whose notices go to standard error; raises LanguageModelError."""
        from graphlabel.cli.console import note
        from graphlabel.llm.opening import open_gateway

        return open_gateway(model, self.settings(), note)


language_model_options = option_group(LanguageModelOptions, "language_model")
"""Gives a command these options; it gets them as one argument, ``language_model``."""


def print_outcome(gateway: MeteredGateway) -> None:
    """What a run asked, got and paid, or what a dry run would send: lines on standard error."""
    from graphlabel.cli.console import note

    if gateway.dry_run:
        for line in plan_lines(gateway):
            note(line)
        return
    for line in gateway.tally.lines:
        note(line)
    if gateway.stopped:
        note("nothing more was sent; run the same command again to go on, what is answered is kept")


def plan_lines(gateway: MeteredGateway) -> list[str]:
    """What a dry run would send, its price, and the first prompt in full."""
    plan = gateway.plan
    lines = [
        f"dry run: {plan.calls} calls to {gateway.model} would be sent, {plan.cached} answers are "
        f"known already; prices of {gateway.priced_on}"
    ]
    for (tier, purpose), each in plan.purposes.items():
        price = "price unknown"
        if each.dollars is not None and each.bound is not None:
            price = f"about ${each.dollars:.4f}, at most ${each.bound:.4f}"
        where = f"tier {tier}, " if tier is not None else ""
        lines.append(
            f"  {where}{purpose}: {each.calls} calls, about {each.input_tokens:,} tokens to read, "
            f"{price}"
        )
    if plan.example is not None:
        request = plan.example.request
        lines.append(f"the first of them ({plan.example.purpose}):")
        lines += [f"  | {line}" for line in request.system.splitlines()]
        for turn in request.turns:
            lines += [f"  {turn.role.value}> {line}" for line in turn.text.splitlines()]
    return lines
