"""Reading the ledger: what was asked and paid, and answers of which nothing could be made."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from sqlalchemy import case, func, select

from graphlabel.llm.journal import Journal, default_journal_path
from graphlabel.llm.journal_tables import CALLS, UNUSABLE


@dataclass(frozen=True, slots=True)
class LedgerRow:
    """What one method of one tier asked one model."""

    tier: int | None
    purpose: str
    """The method, such as ``label:np_max-act``."""
    model: str
    answered: int
    in_batches: int
    """How many of those came from batches."""
    failed: int
    """Attempts that failed, and cost nothing."""
    unsure: int
    """Calls that were sent and whose answer never arrived, or has not yet: perhaps paid."""
    input_tokens: int
    output_tokens: int
    dollars: float
    unpriced: int
    """Answers whose price is unknown."""
    unsure_dollars: float
    """The most that the unsure calls can have cost."""


def read_ledger(path: Path | None = None, since: datetime | None = None) -> list[LedgerRow]:
    """The ledger's rows, the most expensive first; none when there is no ledger yet.

    ``since``, with a time zone, leaves out earlier calls. Raises LanguageModelError.
    """
    place = path or default_journal_path()
    if not place.exists():
        return []
    answered, unsure = CALLS.c.state == "answered", CALLS.c.state.in_(("sent", "unsure"))
    counted = {
        "answered": answered,
        "in_batches": answered & CALLS.c.batch.is_not(None),
        "failed": CALLS.c.state == "failed",
        "unsure": unsure,
        "unpriced": answered & CALLS.c.dollars.is_(None),
    }
    summed = {
        "input_tokens": CALLS.c.input_tokens,
        "output_tokens": CALLS.c.output_tokens,
        "dollars": func.coalesce(CALLS.c.dollars, 0.0),
        "unsure_dollars": case((unsure, func.coalesce(CALLS.c.bound, 0.0)), else_=0.0),
    }
    groups = (CALLS.c.tier, CALLS.c.purpose, CALLS.c.model)
    question = select(
        *groups,
        *(func.sum(case((each, 1), else_=0)).label(name) for name, each in counted.items()),
        *(func.sum(each).label(name) for name, each in summed.items()),
    ).group_by(*groups)
    if since is not None:
        question = question.where(func.datetime(CALLS.c.time) >= func.datetime(since.isoformat()))
    journal = Journal(place)
    try:
        with journal.transaction() as connection:
            found = connection.execute(question).mappings()
            rows = [LedgerRow(**{str(name): row[name] for name in row}) for row in found]
    finally:
        journal.close()
    return sorted(rows, key=lambda row: (-row.dollars, row.tier or 0, row.purpose, row.model))


@dataclass(frozen=True, slots=True)
class UnusableAnswer:
    """An answer of which nothing could be made."""

    time: str
    """When it was read, UTC, ISO 8601."""
    tier: int | None
    purpose: str
    model: str
    about: str
    """What was asked about, such as ``L2 #7``."""
    why: str
    raw: str
    """The answer as it came."""


def read_unusable(path: Path | None = None, since: datetime | None = None) -> list[UnusableAnswer]:
    """The answers of which nothing could be made, the latest last; raises LanguageModelError."""
    place = path or default_journal_path()
    if not place.exists():
        return []
    columns = [UNUSABLE.c[name] for name in UnusableAnswer.__dataclass_fields__]
    question = select(*columns).order_by(UNUSABLE.c.time, UNUSABLE.c.about)
    if since is not None:
        time = func.datetime(UNUSABLE.c.time)
        question = question.where(time >= func.datetime(since.isoformat()))
    journal = Journal(place)
    try:
        with journal.transaction() as connection:
            return [UnusableAnswer(*row) for row in connection.execute(question)]
    finally:
        journal.close()
