"""Makes the figures of docs/concepts.md, from the model and the features that ship with graphlabel.

python scripts/concept_figures.py -o docs/images
"""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np

from graphlabel import atlas
from graphlabel.evidence import find_named, open_source
from graphlabel.protocol import Calibration, Window, read_calibration
from graphlabel.protocol.judging import judged_examples
from graphlabel.protocol.settings import ExampleSettings, Strategy
from graphlabel.records import FeatureRecord

mpl.use("svg")
mpl.rcParams.update({"svg.hashsalt": "graphlabel", "font.size": 10, "svg.fonttype": "none"})

FEATURES = {"input": "0/91", "output": "2/152", "cross": "2/502", "obscure": "1/324"}
"""A feature of atlas for each class."""
COLOURS = {"input": "#2a6fdb", "output": "#d9822b", "cross": "#2e9e6b", "obscure": "#8a8a8a"}
RAISES, LOWERS = ("#0072b2", "-"), ("#d55e00", "--")
"""Links' colours and strokes, those of exported pictures."""
GLYPHS = {"input": "▼", "output": "▲", "cross": "◆", "obscure": "○"}
WHAT = {
    "input": "the tokens at and before the peak are alike",
    "output": "the tokens after the peak are alike",
    "cross": "only the whole passage is alike",
    "obscure": "nothing is",
}
WINDOWS = {
    "the peak": Window(0, 0),
    "three tokens after": Window(1, 3),
    "8 on each side": Window(-8, 8),
}
EXAMPLES, BEFORE, AFTER = 4, 58, 34
STRONG = ExampleSettings(n=10, examples=Strategy.STRONG)


def draw_graph(path: Path) -> None:
    """A prompt's nodes by position and layer, and the links that explain one logit."""
    nodes = {
        "Dallas": (0, 0, "s"), "is": (2, 0, "s"), "Texas": (0.3, 1, "o"), "capital": (1, 1, "o"),
        "error": (2.75, 2, "D"), "say a capital": (1.8, 2, "o"), "say Austin": (2.1, 3, "o"),
        "Austin": (2, 4, "*"), "of the state": (1, 0, "s"),
    }  # fmt: skip
    links = [
        ("Dallas", "Texas", 3), ("of the state", "capital", 2), ("capital", "say a capital", 3),
        ("is", "say a capital", 1), ("error", "say Austin", 1), ("say a capital", "say Austin", 2),
        ("Texas", "say Austin", 4), ("say Austin", "Austin", 5), ("say a capital", "Austin", -2),
    ]  # fmt: skip
    figure, axes = plt.subplots(figsize=(6.4, 4), layout="constrained")
    for source, target, weight in links:
        (x, y, _), (u, v, _) = nodes[source], nodes[target]
        colour, dashes = RAISES if weight > 0 else LOWERS
        axes.annotate(
            "", (u, v), (x, y),
            arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 0.6 * abs(weight),
                        "linestyle": dashes, "shrinkA": 8, "shrinkB": 9, "alpha": 0.8},
        )  # fmt: skip
    colours = {"s": "#555555", "o": "#2a6fdb", "D": "#c9c9c9", "*": "#d9a514"}
    for name, (x, y, marker) in nodes.items():
        axes.scatter(x, y, s=220 if marker == "*" else 110, marker=marker, color=colours[marker],
                     zorder=3)  # fmt: skip
        side = -0.12 if name in ("capital", "Texas", "Dallas") else 0.12
        axes.text(x + side, y, name, va="center", ha="right" if side < 0 else "left", fontsize=9)
    rows = ("tokens", "layer 0", "layer 1", "layer 2", "logits")
    axes.set(xlim=(-0.7, 3), ylim=(-0.5, 4.5), xticks=[0, 1, 2], yticks=range(5))
    axes.set_yticklabels(rows)
    axes.set_xticklabels(["… Dallas", "…", "is"])
    axes.set_xlabel("position in the prompt")
    axes.spines[["top", "right"]].set_visible(False)
    _save(figure, path)


def draw_classes(path: Path, records: Mapping[str, FeatureRecord]) -> None:
    """Strong examples of a feature of each class, one below the other by their peaks."""
    figure, panels = plt.subplots(4, 1, figsize=(7.6, 5.4), layout="constrained")
    for axes, (name, record) in zip(panels, records.items(), strict=True):
        axes.set(xlim=(-BEFORE - 4, AFTER + 17), ylim=(EXAMPLES - 0.4, -0.6))
        axes.axis("off")
        title = f"{GLYPHS[name]} {name}: {WHAT[name]}"
        axes.set_title(title, loc="left", color=COLOURS[name], fontsize=10, fontweight="bold")
        for row, example in enumerate(judged_examples(record, STRONG).chosen[:EXAMPLES]):
            peak, tokens = example.peak, example.tokens
            word = tokens[peak].strip()
            text = {"y": row, "va": "center", "family": "monospace", "fontsize": 8}
            before = "".join(tokens[1:peak])[-BEFORE:].lstrip()
            after = "".join(tokens[peak + 1 :])[:AFTER].rstrip()
            axes.text(-1, s=before, ha="right", **text)
            box = {"facecolor": COLOURS[name], "edgecolor": "none", "pad": 1.5}
            axes.text(0, s=word, ha="left", color="white", fontweight="bold", bbox=box, **text)
            axes.text(len(word) + 1.2, s=after, ha="left", **text)
    _save(figure, path)


def draw_calibration(path: Path, calibration: Calibration) -> None:
    """Chance and the source's own features in three windows, with the scale of effects."""
    figure, panels = plt.subplots(3, 1, figsize=(6.4, 4.2), layout="constrained", sharex=True)
    n = calibration.settings.n
    sides = {window for side in ("input", "output") for window in calibration.settings.sides[side]}
    for axes, (name, window) in zip(panels, WINDOWS.items(), strict=True):
        null, own = calibration.nulls[window, n], calibration.quantiles[window]
        steps = np.interp(np.linspace(0, 1, 20_001), np.linspace(0, 1, len(null.grid)), null.grid)
        heights, edges = np.histogram(steps, bins=60, density=True)
        axes.fill_between(edges[:-1], heights / heights.max(), step="post", color="#c9c9c9")
        axes.plot(own, [0.5] * len(own), "|-", color="#2a6fdb", lw=3, ms=12)
        low, high = null.mean, calibration.q95[window]
        settings = calibration.settings
        floor = settings.theta if window in sides else settings.cross_floor
        for effect in (0.0, floor, 1.0):
            place, between = low + effect * (high - low), 0 < effect < 1
            axes.axvline(place, color="#303030", lw=1, ls=":" if between else "-")
            axes.text(place + 0.006, 0.85 if between else 1.06, f"effect {effect:g}", fontsize=7)
        axes.set(ylim=(0, 1.25), yticks=[], xlim=(0, 1.08))
        axes.set_ylabel(name, rotation=0, ha="right", va="center")
        axes.spines[["top", "right", "left"]].set_visible(False)
    panels[-1].set_xlabel(
        "correlation score S   (grey: chance; blue: 10, 25, 50, 75, 90 % of features)"
    )
    _save(figure, path)


def _save(figure: plt.Figure, path: Path) -> None:
    figure.savefig(path, metadata={"Date": None}, facecolor="white")
    plt.close(figure)


def main() -> None:
    """Write the three figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-o", "--output", type=Path, required=True)
    folder: Path = parser.parse_args().output
    source = open_source(str(atlas.INDEX_FOLDER))
    records = {}
    for name, feature in FEATURES.items():
        part, key = find_named(source, feature)
        records[name] = part.get(key)
    draw_graph(folder / "concept-graph.svg")
    draw_classes(folder / "concept-classes.svg", records)
    calibration = read_calibration(next(atlas.INDEX_FOLDER.glob("calibration_*.npz")))
    draw_calibration(folder / "concept-calibration.svg", calibration)


if __name__ == "__main__":
    main()
