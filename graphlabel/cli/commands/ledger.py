"""``graphlabel ledger``."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from graphlabel.cli.options import JsonFlag
from graphlabel.errors import UsageError

if TYPE_CHECKING:
    from graphlabel.llm.ledger import LedgerRow

_COLUMNS = {
    "answers": "answered", "in\nbatches": "in_batches", "failed": "failed", "unsure": "unsure",
    "tokens\nin": "input_tokens", "tokens\nout": "output_tokens", "$": "dollars",
}  # fmt: skip
"""What is shown of a row, by the column's title."""
_WHERE_ANY = ("in_batches", "failed", "unsure")
"""Columns that are left out where all is zero."""
_SHOWN = 300
"""Of an unusable answer, in characters."""


def ledger(
    since: Annotated[
        str | None, typer.Option(help="Only calls since this day, UTC.", metavar="YYYY-MM-DD")
    ] = None,
    unusable: Annotated[
        bool,
        typer.Option("--unusable", help="The answers that could not be used, as they came."),
    ] = False,
    json: JsonFlag = False,
) -> None:
    """Say what language models were asked and what that cost, by tier, method and model."""
    from graphlabel.cli.console import note, print_json
    from graphlabel.llm.journal import default_journal_path
    from graphlabel.llm.ledger import read_ledger

    first_day = _day(since) if since else None
    if unusable:
        _show_unusable(first_day, json=json)
        return
    rows = read_ledger(since=first_day)
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


def _show_unusable(since: datetime | None, *, json: bool) -> None:
    from graphlabel.cli.console import note, print_json, say
    from graphlabel.llm.ledger import read_unusable

    answers = read_unusable(since=since)
    if json:
        print_json({"unusable": [asdict(answer) for answer in answers]})
        return
    for each in answers:
        tier = "" if each.tier is None else f" (tier {each.tier})"
        say(f"{each.time}  {each.purpose}{tier} of {each.about} by {each.model}: {each.why}")
        text = " ".join(each.raw.split())
        more = f"… {len(text):,} characters, --json has them all" if len(text) > _SHOWN else ""
        say(f"    {text[:_SHOWN] or 'an empty answer'}{more}")
    if not answers:
        note("no answer was unusable")


def _print(rows: list[LedgerRow]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    from graphlabel.cli.console import print_table
    from graphlabel.inert import inert

    table = Table(box=SIMPLE_HEAD, padding=(0, 1, 0, 0))
    table.add_column("tier", no_wrap=True)
    table.add_column("method and model", overflow="fold")
    columns = {
        title: name
        for title, name in _COLUMNS.items()
        if name not in _WHERE_ANY or any(getattr(row, name) for row in rows)
    }
    for title in columns:
        table.add_column(title, justify="right", no_wrap=True)
    for row in rows:
        tier = "" if row.tier is None else str(row.tier)
        asked = Text(f"{inert(row.purpose)}\n{inert(row.model)}")
        table.add_row(tier, asked, *_sums([row], columns.values()))
    table.add_section()
    table.add_row("", "all", *_sums(rows, columns.values()))
    print_table(table)


def _sums(rows: list[LedgerRow], names: Iterable[str]) -> list[str]:
    sums = {name: sum(getattr(row, name) for row in rows) for name in names}
    return [f"{each:.4f}" if name == "dollars" else f"{each:,}" for name, each in sums.items()]
