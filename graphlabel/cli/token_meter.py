"""Progress through a corpus, with tokens a second and the time that is left."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer

from graphlabel.cli.console import PROGRESS_VARIABLE, progress_lines

_LINE_EVERY = 30.0
"""Seconds between lines of progress where there is no terminal."""


@contextmanager
def token_meter(
    title: str, *, total: int = 0, quiet: bool = False
) -> Iterator[tuple[Callable[[int], None], Callable[[int, int], None]]]:
    """What to tell of tokens read and of layers written: a bar, or a line now and then."""
    if quiet:
        yield lambda _: None, lambda *_: None
    elif os.environ.get(PROGRESS_VARIABLE):
        tell = progress_lines(title)
        yield (
            lambda seen: tell("tokens", seen, total or seen),
            lambda done, of: tell("writing layers", done, of),
        )
    elif not sys.stderr.isatty():
        yield _Lines(title, total).tokens, lambda *_: None
    else:
        from rich.console import Console
        from rich.progress import Progress

        with Progress(*_columns(), console=Console(stderr=True), transient=True) as bars:
            tasks: dict[str, Any] = {}

            def show(name: str, done: int, of: int | None) -> None:
                if name not in tasks:
                    tasks[name] = bars.add_task(name, total=of, completed=done)
                bars.update(tasks[name], completed=done)

            yield (
                lambda seen: show(title, seen, total or None),
                lambda done, of: show("writing layers", done, of),
            )


def _columns() -> tuple[Any, ...]:
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.text import Text

    class Rate(ProgressColumn):
        def render(self, task: Any) -> Text:
            return Text(f"{task.speed:,.0f}/s" if task.speed else "")

    return (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(),
    )


class _Lines:
    def __init__(self, title: str, total: int) -> None:
        self._title, self._total = title, total
        self._first: tuple[float, int] | None = None
        self._told = time.monotonic()

    def tokens(self, seen: int) -> None:
        now = time.monotonic()
        if self._first is None:
            self._first = (now, seen)
        if now - self._told < _LINE_EVERY:
            return
        self._told = now
        rate = (seen - self._first[1]) / max(now - self._first[0], 1e-9)
        left = (
            f", at most {(self._total - seen) / rate / 60:.0f} min left"
            if self._total and rate
            else ""
        )
        typer.echo(f"{self._title}: {seen:,} tokens, {rate:,.0f}/s{left}", err=True)
