"""``graphlabel ledger``."""

from __future__ import annotations

from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import JsonFlag
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.llm.ledger import LedgerRow


def ledger(
    since: Annotated[
        str | None, typer.Option(help="Only calls since this day, UTC.", metavar="YYYY-MM-DD")
    ] = None,
    json: JsonFlag = False,
) -> None:
    """Say what language models were asked and what that cost, by tier, method and model."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.llm.journal import default_journal_path
    from graphlabel.llm.ledger import read_ledger

    rows = read_ledger(since=_day(since) if since else None)
    if json:
        print_json({"file": str(default_journal_path()), "rows": [asdict(row) for row in rows]})
        return
    if not rows:
        note(f"no language model was asked yet ({default_journal_path()})")
        return
    _print(rows)
    unsure = sum(row.unsure for row in rows)
    if unsure:
        most = sum(row.unsure_dollars for row in rows)
        note(f"{unsure} calls were sent and not answered (yet): perhaps paid, at most ${most:.4f}")
    unpriced = sum(row.unpriced for row in rows)
    if unpriced:
        note(f"{unpriced} answers have no known price; add their models to a price table")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise UsageError(f"--since “{text[:40]}” is no day; write YYYY-MM-DD") from error


def _print(rows: list[LedgerRow]) -> None:
    from rich.table import Table
    from rich.text import Text

    from graphlabel.cli.console import print_table
    from graphlabel.inert import inert

    table = Table()
    for name in ("tier", "method", "model"):
        table.add_column(name)
    for name in ("answers", "in batches", "failed", "unsure", "tokens in", "tokens out", "$"):
        table.add_column(name, justify="right")
    for row in rows:
        tier = "" if row.tier is None else str(row.tier)
        table.add_row(
            tier, Text(inert(row.purpose)), Text(inert(row.model)), *_numbers([row])
        )  # fmt: skip
    table.add_section()
    table.add_row("", "all", "", *_numbers(rows))
    print_table(table)


def _numbers(rows: list[LedgerRow]) -> list[str]:
    names = ("answered", "in_batches", "failed", "unsure", "input_tokens", "output_tokens")
    counts = [f"{sum(getattr(row, name) for row in rows):,}" for name in names]
    return [*counts, f"{sum(row.dollars for row in rows):.4f}"]
