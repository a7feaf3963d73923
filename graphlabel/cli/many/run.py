"""Running a set of prompts: what is done already is left, the rest goes to the workers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from graphlabel.atomic import write_bytes
from graphlabel.cli.many.jobs import PromptJob
from graphlabel.cli.many.plan import MARKS, Outcome, Plan, kept
from graphlabel.errors import UsageError

SUMMARY = "summary.jsonl"
Done = Callable[[Outcome], None]


def run_many(
    plan: Plan,
    jobs: Sequence[PromptJob],
    folder: Path,
    *,
    workers: int = 1,
    runner: str = "local",
    again: bool = False,
    done: Done = lambda _: None,
) -> tuple[list[Outcome], int]:
    """The outcome of every prompt, in order, and how many were there from an earlier run.

    ``done`` is told of every new one. The folder gets a graph a prompt and ``summary.jsonl``.
    Raises UsageError for a folder or runner that can't be used, and what loading the model raises.
    """
    run = _runner(runner)
    try:
        (folder / MARKS).mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsageError(
            f"cannot make the folder {folder}: {error.strerror}; name another with -o"
        ) from error
    found = {
        job.slug: earlier
        for job in jobs
        if not again and (earlier := kept(folder, plan.digest(job), job.slug))
    }
    there = len(found)
    left = [job for job in jobs if job.slug not in found]

    def take(outcome: Outcome) -> None:
        found[outcome.slug] = outcome
        done(outcome)

    if left:
        run(plan, left, folder.resolve(), min(workers, len(left)), take)
    outcomes = [found[job.slug] for job in jobs]
    lines = b"".join(msgspec.json.encode(outcome) + b"\n" for outcome in outcomes)
    write_bytes(folder / SUMMARY, lines, UsageError)
    return outcomes, there


def _runner(name: str) -> Callable[[Plan, Sequence[PromptJob], Path, int, Done], None]:
    if name == "local":
        from graphlabel.cli.many.local import run_local

        return run_local
    if name == "ray":
        from graphlabel.cli.many.with_ray import run_with_ray

        return run_with_ray
    raise UsageError(f"there is no runner “{name[:40]}”; choose local or ray")
