"""Verdicts as Markdown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from benchmarks.routing import CLASSES, ENOUGH
from scripts.routing_study.judging import Verdict


def comparison(rows: Mapping[str, Sequence[Verdict]], sets: Sequence[str]) -> str:
    """A row for every setting: macro-F1 and recalls on each set."""
    header = ["setting"]
    for name in sets:
        header += [f"{name}: macro-F1", "input", "output", "cross", "obscure"]
    lines = [_line(header), _line(["---"] + ["--:"] * (len(header) - 1))]
    for title, verdicts in rows.items():
        cells = [title]
        for verdict in verdicts:
            cells += [_macro(verdict), *(_counts(verdict, name) for name in CLASSES)]
        lines.append(_line(cells))
    return "\n".join(lines)


def recalls(verdict: Verdict) -> str:
    """Recall of each class with counts and Wilson intervals, and the confusion counts."""
    lines = [_line(["gold class", *(f"→ {name}" for name in CLASSES), "recall", "95 % interval"])]
    lines.append(_line(["---", *["--:"] * (len(CLASSES) + 2)]))
    for place, name in enumerate(CLASSES):
        hits, size = verdict.recall(name)
        counts = [str(count) for count in verdict.agreement.counts[place, : len(CLASSES)]]
        if size == 0:
            lines.append(_line([name, *counts, "–", "–"]))
            continue
        low, high = verdict.recall_interval(name)
        lines.append(_line([name, *counts, f"{hits / size:.2f}", f"{low:.2f} … {high:.2f}"]))
    return "\n".join(lines)


def _macro(verdict: Verdict) -> str:
    if int((verdict.agreement.sizes >= ENOUGH).sum()) < 2:
        return "–"  # of one class, it says nothing
    low, high = verdict.interval()
    return f"{verdict.macro_f1:.2f} ({low:.2f} … {high:.2f})"


def _counts(verdict: Verdict, name: str) -> str:
    hits, size = verdict.recall(name)
    return f"{hits}/{size}" if size else "–"


def _line(cells: Sequence[str]) -> str:
    return "| " + " | ".join(cells) + " |"
