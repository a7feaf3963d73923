"""Prompts a minute with one worker and with two, each on one thread, side by side in one run.

Run: `python benchmarks/trace_many.py [--prompts 60] [--runner local|ray]`. Loading
the model is part of it, as it is of the command; the second column leaves it out.
"""

from __future__ import annotations

import argparse
import os
import tempfile
import time
from pathlib import Path

from graphlabel import atlas
from graphlabel.cli.many import Outcome, Plan, PromptJob, run_many

CITIES = ("Dallas", "Oakland", "Miami", "Houston", "Tampa")


def measured(plan: Plan, jobs: list[PromptJob], workers: int, runner: str) -> tuple[float, float]:
    """Prompts a minute over everything, and from the first graph on."""
    finished: list[float] = []

    def done(outcome: Outcome) -> None:
        if outcome.error:
            raise SystemExit(outcome.error)
        finished.append(time.perf_counter())

    started = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run_many(plan, jobs, Path(folder), workers=workers, runner=runner, done=done)
    whole = 60 * len(jobs) / (finished[-1] - started)
    return whole, 60 * (len(jobs) - workers) / (finished[-1] - finished[workers - 1])


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prompts", type=int, default=60)
    parser.add_argument("--runner", choices=("local", "ray"), default="local")
    options = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    jobs = [
        PromptJob(
            f"Fact: the capital of the state containing {CITIES[number % len(CITIES)]} is",
            slug=f"prompt-{number}",
        )
        for number in range(options.prompts)
    ]
    plan = Plan(
        model=str(atlas.MODEL_FOLDER),
        transcoders=str(atlas.TRANSCODERS_FOLDER),
        features=(str(atlas.INDEX_FOLDER),),
    )
    print(
        f"{options.prompts} prompts of atlas traced, routed and labelled; runner {options.runner}"
    )
    print(f"{'workers':>8}{'prompts/min':>14}{'ratio':>8}{'once loaded':>14}{'ratio':>8}")
    first: tuple[float, float] | None = None
    for workers in (1, 2):
        found = measured(plan, jobs, workers, options.runner)
        first = first or found
        ratios = [now / then for now, then in zip(found, first, strict=True)]
        print(
            f"{workers:>8}{found[0]:>14.1f}{ratios[0]:>8.2f}{found[1]:>14.1f}{ratios[1]:>8.2f}",
            flush=True,
        )


if __name__ == "__main__":
    main()
