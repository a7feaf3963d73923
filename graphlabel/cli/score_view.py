"""What scorers found, as a table and as JSON."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from graphlabel.scoring import Summary, summarize
from graphlabel.scoring.comparison.picture import interval_words
from graphlabel.scoring.outcome import Score
from graphlabel.scoring.quantiles import QUANTILES

if TYPE_CHECKING:
    from rich.table import Table


def summary_table(rows: Sequence[tuple[str, str, Summary]], title: str) -> Table:
    """A row for every (method, measure, summary); methods are shown where there are several.

    ``weak`` and ``strong`` are the means on the lower and upper half of the activations.
    """
    from rich.table import Table
    from rich.text import Text

    table = Table(title=title, title_justify="left", box=None, pad_edge=False)
    named = len({method for method, _, _ in rows}) > 1
    left = ("method", "scorer") if named else ("scorer",)
    for name in (*left, "mean [95 %]", "chance", "n", "weak", "strong", "unread"):
        if name in left:
            table.add_column(name, overflow="fold", min_width=len("detection"))
        else:
            table.add_column(name, justify="right", no_wrap=True)
    for method, measure, found in rows:
        name = Text(f"{found.scorer} ({measure})")
        table.add_row(
            *((Text(method), name) if named else (name,)),
            Text(interval_words(found.value) if found.value else "—"),
            f"{found.chance:.2f}",
            str(found.value.n if found.value else 0),
            _half(found, range(QUANTILES // 2)),
            _half(found, range(QUANTILES // 2, QUANTILES)),
            str(found.unparsed) if found.unparsed else "",
        )
    return table


def _half(summary: Summary, numbers: range) -> str:
    """The mean over some quantiles, weighted by how many features have them."""
    found = [summary.by_quantile[number] for number in numbers if number in summary.by_quantile]
    features = sum(each.n for each in found)
    return f"{sum(each.mean * each.n for each in found) / features:.2f}" if features else ""


def summary_json(scores: Sequence[Score]) -> dict[str, Any]:
    """The summary of one scorer's scores as plain JSON values; NaN becomes null."""
    found = summarize(scores)
    value = found.value
    interval = None if value is None or value.n < 2 else [value.low, value.high]
    return {
        "mean": None if value is None else value.mean,
        "interval": interval,
        "chance": found.chance,
        "measured": 0 if value is None else value.n,
        "not_measured": found.unmeasured,
        "judged": found.judged,
        "unparsed": found.unparsed,
        "failures": dict(found.failures),
        "measures": dict(found.measures),
        "by_quantile": {str(number): each.mean for number, each in found.by_quantile.items()},
    }


def why_unmeasured(scores: Sequence[Score]) -> Mapping[str, int]:
    """How many labels have no value, by the reason."""
    reasons: dict[str, int] = {}
    for each in scores:
        if each.value is None:
            reasons[each.why] = reasons.get(each.why, 0) + 1
    return reasons
