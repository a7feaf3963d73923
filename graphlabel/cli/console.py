"""What the commands print."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import typer

from graphlabel.inert import inert, inert_json

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table


def print_json(value: object) -> None:
    """A value as one line of JSON on standard output."""
    typer.echo(inert_json(json.dumps(value, ensure_ascii=False, allow_nan=False)))


def say(text: str) -> None:
    """A line of the result on standard output; what files put into it cannot act."""
    typer.echo(inert(text))


def counted(number: int, thing: str) -> str:
    """How many there are of a thing: ``1 node``, ``2 nodes``."""
    return f"{number:,} {thing}{'' if number == 1 else 's'}"


PROGRESS_VARIABLE = "GRAPHLABEL_PROGRESS"
PROGRESS_PREFIX = "graphlabel-progress "
_LINES_APART = 0.1


def progress_lines(title: str) -> Callable[[str, int, int], None]:
    """Reports progress as lines of JSON on standard error, at most ten a second and the last."""
    last = float("-inf")

    def report(phase: str, done: int, total: int) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last < _LINES_APART and done < total:
            return
        last = now
        line = json.dumps({"what": f"{title}: {phase}", "done": done, "total": total})
        typer.echo(PROGRESS_PREFIX + line, err=True)

    return report


_bars: list[Console] = []
"""Where progress bars are drawn just now, the latest last."""


def note(text: str) -> None:
    """Lines about what is going on, on standard error; above a progress bar if there is one."""
    for line in text.split("\n"):
        if _bars:
            _bars[-1].print(inert(line), markup=False, highlight=False, emoji=False, soft_wrap=True)
        else:
            typer.echo(inert(line), err=True)


def print_table(table: Table) -> None:
    """A table as wide as the terminal."""
    from rich.console import Console

    Console().print(table)


@contextmanager
def progress(title: str, *, quiet: bool = False) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar on standard error, fed with (phase, done, total); nothing without a terminal.

    It shows rates and the time that is left. Programs that run this one set GRAPHLABEL_PROGRESS
    and get lines of JSON instead.
    """
    if os.environ.get(PROGRESS_VARIABLE):
        yield progress_lines(title)
        return
    if quiet or not sys.stderr.isatty():
        yield lambda *_: None
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        ProgressColumn,
        Task,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class RateColumn(ProgressColumn):
        """How many a second."""

        def render(self, task: Task) -> Text:
            speed = task.finished_speed or task.speed
            return Text("" if speed is None else f"{speed:,.1f}/s")

    columns: tuple[Any, ...] = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        RateColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        tasks: dict[str, Any] = {}

        def report(phase: str, done: int, total: int) -> None:
            if phase not in tasks:
                tasks[phase] = bars.add_task(f"{title}: {phase}", total=total)
            bars.update(tasks[phase], completed=done, total=total)

        _bars.append(bars.console)
        try:
            yield report
        finally:
            _bars.pop()
