"""Which columns of the node table there is room for, and what the orders do to their heads."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

from graphlabel_tui.lines import fit

LEAD = 5
"""Cells before the columns: whether marked, accepted or pinned, and the node's glyph."""
DOWN, UP = "▾", "▴"


class Column(NamedTuple):
    """A column of the node table."""

    order: str
    """The order that a click on its head sorts by; also the column's name."""
    title: str
    width: int
    align: str = "left"

    def head(self, sort: str, reverse: bool) -> str:
        """The title, with an arrow when the table is sorted by this column."""
        arrow = (UP if reverse else DOWN) if sort == self.order else ""
        if self.align == "right":
            return fit(f"{self.title}{arrow}", self.width, "right")
        return fit(f"{self.title}{arrow}", self.width - 1) + " "


@lru_cache(maxsize=8)
def columns_for(width: int) -> tuple[Column, ...]:
    """Columns for a table of this many cells; the label takes what the others leave."""
    wide = width >= 110
    columns = [
        Column("layer", "node", 26 if width >= 80 else 21 if width >= 48 else 0),
        Column("label", "label", 0),
        Column("influence", "infl.", 6 if width >= 20 else 0, "right"),
        Column("activation", "act.", 7 if width >= 90 else 0, "right"),
        Column("trust", " trust", 12 if wide else 7 if width >= 58 else 0),
        Column("who", " who", 15 if width >= 76 else 13 if width >= 40 else 0),
        Column("supernode", " supernode", 20 if wide else 0),
        Column("note", " note", 24 if width >= 150 else 0),
    ]
    rest = max(4, width - LEAD - sum(column.width for column in columns))
    columns[1] = columns[1]._replace(width=rest)
    return tuple(column for column in columns if column.width)


def column_at(columns: Sequence[Column], x: int) -> Column | None:
    """The column under a cell of the header."""
    edge = LEAD
    for column in columns:
        edge += column.width
        if x < edge:
            return column
    return None
