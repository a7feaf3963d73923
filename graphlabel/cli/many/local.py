"""Workers as processes of this machine."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from graphlabel.cli.many.jobs import PromptJob
from graphlabel.cli.many.plan import Outcome, Plan
from graphlabel.cli.many.run import Done
from graphlabel.cli.many.worker import Worker
from graphlabel.errors import GraphLabelError, UsageError

_worker: Worker | GraphLabelError | None = None


def run_local(
    plan: Plan, jobs: Sequence[PromptJob], folder: Path, workers: int, done: Done
) -> None:
    """Run prompts in this process, or in several that share the processor's cores.

    Raises what loading the model raises, and UsageError when a process dies.
    """
    if workers == 1:
        worker = Worker(plan, folder)
        for job in jobs:
            done(worker.run(job))
        return
    threads = max(1, len(os.sched_getaffinity(0)) // workers if _has_affinity() else 1)
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(workers, context, _start, (plan, folder, threads)) as pool:
        try:
            for future in as_completed([pool.submit(_run, job) for job in jobs]):
                done(future.result())
        except BrokenProcessPool as error:
            raise UsageError(
                "a worker died, perhaps for want of memory; run the command again to go on, "
                "with fewer --workers"
            ) from error
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in multiprocessing.active_children():
                process.terminate()
            raise


def _has_affinity() -> bool:
    return hasattr(os, "sched_getaffinity")


def _start(plan: Plan, folder: Path, threads: int) -> None:
    """Load once; Ctrl-C is the parent's to handle, and an end from it cleans up."""
    global _worker
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        _worker = Worker(plan, folder, threads)
    except GraphLabelError as error:
        _worker = error
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def _run(job: PromptJob) -> Outcome:
    if isinstance(_worker, GraphLabelError):
        raise _worker
    assert _worker is not None, "the pool starts its processes with _start"
    return _worker.run(job)
