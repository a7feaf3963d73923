"""What scorers found, on a terminal."""

from __future__ import annotations

import io

from rich.console import Console

from graphlabel.cli.score_view import summary_table
from graphlabel.graph import FeatureKey
from graphlabel.scoring import summarize
from graphlabel.scoring.outcome import Score


def test_no_number_is_cut_on_a_terminal_of_80_columns() -> None:
    scores = [
        Score(FeatureKey(0, n), "output_check", "x", 0.7 + n / 50, 0.5, by_quantile={0: 0.5, 9: 0.6})
        for n in range(6)
    ]  # fmt: skip
    rows = [(name, "in the top 10", summarize(scores)) for name in ("token_count", "np_max-act")]
    shown = io.StringIO()
    Console(file=shown, width=80).print(summary_table(rows, "6 features"))
    text = shown.getvalue()
    assert "…" not in text
    assert all(part in text for part in ("0.75 [0.72, 0.78]", "chance", "0.50", "0.60", "unread"))
