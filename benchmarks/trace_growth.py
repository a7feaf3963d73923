"""How the cost of a trace grows with tokens, layers, width and rows; a log-log picture.

Run: `python benchmarks/trace_growth.py [-o docs/images/trace-growth.svg]`. One of the four changes
at a time, the others are BASE; float32, one thread, the least processor seconds of --repeats
traces. The exponent printed is that of the last doubling: 1 is linear.
"""

from __future__ import annotations

import argparse
import json
import math
import tempfile
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import torch
from trace_material import material, prompt_ids

from graphlabel.models import load_language_model, load_transcoders, prompt_of_ids
from graphlabel.tracing.settings import TraceSettings
from graphlabel.tracing.trace import trace


@dataclass(frozen=True)
class Size:
    """What a trace's cost depends on."""

    tokens: int = 32
    layers: int = 8
    width: int = 2_048
    rows: int = 500


BASE = Size()
VALUES = {
    "tokens": (8, 16, 32, 64, 128, 256),
    "layers": (2, 4, 8, 16, 30),
    "width": (1_024, 2_048, 4_096, 8_192),
    "rows": (125, 250, 500, 1_000, 2_000),
}
Costs = dict[str, dict[int, float]]


def measured(size: Size, folder: Path, repeats: int) -> float:
    """Processor seconds from prompt to matrix, the least of some traces after a first one."""
    made = material(folder, width=size.width, n_layers=size.layers)
    model = load_language_model(str(made.model))
    transcoders = load_transcoders(str(made.transcoders))
    prompt = prompt_of_ids(model, prompt_ids(model, size.tokens))
    settings = TraceSettings(max_feature_nodes=size.rows)
    least = math.inf
    for _ in range(repeats + 1):
        started = time.process_time()
        found = trace(model, transcoders, prompt, settings)
        least = min(least, time.process_time() - started)
        if len(found.selected_features) != size.rows:
            raise SystemExit(f"{size} has only {len(found.selected_features)} active features")
    return least


def exponent(costs: dict[int, float]) -> float:
    """Of the last step: how cost grows in the end."""
    (small, before), (large, after) = sorted(costs.items())[-2:]
    return math.log(after / before) / math.log(large / small)


def draw(costs: Costs, path: Path) -> None:
    """A line for each of the four, cost against size, both logarithmic."""
    import matplotlib as mpl
    import matplotlib.pyplot as plt

    mpl.use("svg")
    mpl.rcParams.update({"svg.hashsalt": "graphlabel", "font.size": 10, "svg.fonttype": "none"})
    figure, axes = plt.subplots(figsize=(6.4, 4.2), layout="constrained")
    colours = ("#2a6fdb", "#d9822b", "#2e9e6b", "#8a8a8a")
    for (name, line), colour, mark in zip(costs.items(), colours, "osD^", strict=True):
        base = asdict(BASE)[name]
        label = f"{name} (1 = {base:,}), exponent {exponent(line):.2f}"
        sizes = [size / base for size in line]
        axes.plot(sizes, list(line.values()), marker=mark, ms=4, color=colour, label=label)
    axes.set_xscale("log", base=2)
    axes.set_yscale("log", base=2)
    axes.xaxis.set_major_formatter("{x:g}")
    axes.yaxis.set_major_formatter("{x:g}")
    axes.set(xlabel="times the base size", ylabel="processor seconds")
    axes.grid(which="major", color="#dddddd", lw=0.6)
    axes.legend(frameon=False, fontsize=9)
    figure.savefig(path, metadata={"Date": None})


def main() -> None:
    """Measure, print the table and draw."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--folder", type=Path, help="where models and transcoders are kept")
    parser.add_argument("-o", "--output", type=Path, help="the picture, as .svg")
    parser.add_argument("--costs", type=Path, help="keep the numbers here as JSON")
    options = parser.parse_args()
    torch.set_num_threads(1)
    folder = options.folder or Path(tempfile.gettempdir()) / "graphlabel-trace-benchmark"
    costs: Costs = {}
    for name, values in VALUES.items():
        costs[name] = {}
        for value in values:
            size = replace(BASE, **{name: value})
            costs[name][value] = measured(size, folder, options.repeats)
            print(f"{name:>8}{value:>8,}{costs[name][value]:>9.3f} s", flush=True)
        print(f"{'':>8}exponent {exponent(costs[name]):.2f}", flush=True)
    if options.costs:
        options.costs.write_text(json.dumps(costs, indent=1))
    if options.output:
        draw(costs, options.output)


if __name__ == "__main__":
    main()
