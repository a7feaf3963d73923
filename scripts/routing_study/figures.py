"""The study's figures, as SVG."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from scripts.routing_study.judging import Verdict

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "graphlabel", "font.size": 10, "svg.fonttype": "none"})

COLOURS = {"input": "#2a6fdb", "output": "#d9822b", "cross": "#2e9e6b", "obscure": "#8a8a8a"}


def thresholds(
    path: Path, lines: Mapping[str, Mapping[float, Verdict]], marks: Mapping[str, float]
) -> None:
    """Macro-F1 against τ or θ, a line for every rule."""
    figure, axes = plt.subplots(figsize=(6.4, 3.6), layout="constrained")
    styles = ("-", "--", "-.", ":")
    for number, (name, verdicts) in enumerate(lines.items()):
        values = [verdict.macro_f1 for verdict in verdicts.values()]
        axes.plot(list(verdicts), values, styles[number % 4], marker="o", ms=3, label=name)
    for name, value in marks.items():
        axes.axhline(value, color="#b0b0b0", lw=1)
        axes.text(0.99, value, name, ha="right", va="bottom", color="#606060", fontsize=8,
                  transform=axes.get_yaxis_transform())  # fmt: skip
    axes.set(xlabel="threshold (τ of S, θ of the effect)", ylabel="macro-F1", ylim=(0, 1))
    axes.legend(frameon=False, fontsize=8, loc="upper right")
    _save(figure, path)


def scatter(
    path: Path, points: Mapping[str, Sequence[tuple[float, float]]], names: tuple[str, str]
) -> None:
    """One dot a feature, coloured by gold class."""
    figure, axes = plt.subplots(figsize=(4.8, 4.2), layout="constrained")
    random = np.random.default_rng(0)
    for name, found in points.items():
        xy = np.array(found).reshape(-1, 2) + random.normal(0, 0.008, (len(found), 2))
        axes.scatter(xy[:, 0], xy[:, 1], s=9, alpha=0.6, color=COLOURS[name], label=name)
    axes.set(xlabel=names[0], ylabel=names[1])
    axes.legend(frameon=False, fontsize=8, loc="lower left")
    _save(figure, path)


def bars(path: Path, verdicts: Mapping[str, Verdict]) -> None:
    """Recall of each class with 95 % intervals, a group of bars for each set."""
    figure, axes = plt.subplots(figsize=(6.4, 3.2), layout="constrained")
    for number, (name, colour) in enumerate(COLOURS.items()):
        for group, verdict in enumerate(verdicts.values()):
            hits, size = verdict.recall(name)
            if size == 0:
                continue
            low, high = verdict.recall_interval(name)
            place, share = group + (number - 1.5) * 0.2, hits / size
            label = name if group == 0 else None
            axes.bar(place, share, 0.18, color=colour, label=label)
            axes.errorbar(place, share, [[share - low], [high - share]], color="#303030", lw=1)
            axes.text(place, high + 0.02, f"{hits}/{size}", ha="center", fontsize=7)
    axes.set(ylim=(0, 1.15), ylabel="recall", xticks=range(len(verdicts)))
    axes.set_xticklabels(list(verdicts))
    axes.legend(frameon=False, fontsize=8, ncols=4, loc="upper center", bbox_to_anchor=(0.5, 1.14))
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(figure)
