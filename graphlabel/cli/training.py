"""What the commands that train and evaluate transcoders show."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from graphlabel.cli.console import note, print_json, print_table, progress, say

if TYPE_CHECKING:
    from graphlabel.training import Evaluation

_LINE_EVERY = 30.0
"""Seconds between lines of progress where there is no terminal."""


@contextmanager
def reporting(title: str, *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A progress bar, or a line now and then where there is no terminal."""
    with progress(title, quiet=quiet) as bar:
        lines = None if quiet or sys.stderr.isatty() else _Lines()

        def report(phase: str, done: int, of: int) -> None:
            bar(phase, done, of)
            if lines is not None:
                lines(phase, done, of)

        yield report


class _Lines:
    def __init__(self) -> None:
        self._phase, self._started = "", (0.0, 0)
        self._told = time.monotonic()

    def __call__(self, phase: str, done: int, of: int) -> None:
        now = time.monotonic()
        if phase != self._phase:
            self._phase, self._started = phase, (now, done)
        if now - self._told < _LINE_EVERY:
            return
        self._told = now
        since, first = self._started
        rate = (done - first) / max(now - since, 1e-9)
        left = f", at most {(of - done) / rate / 60:.0f} min left" if rate else ""
        note(f"{phase}: {done:,} of {of:,}, {rate:,.1f}/s{left}")


def told(found: Evaluation, path: Path) -> None:
    """Write an evaluation as JSON; raises TranscoderError when that fails."""
    import msgspec

    from graphlabel.atomic import write_bytes
    from graphlabel.errors import TranscoderError

    data = msgspec.json.format(msgspec.json.encode(found), indent=2)
    write_bytes(path, data + b"\n", TranscoderError)
    note(f"wrote {path}")


def show_evaluation(found: Evaluation, *, json: bool) -> None:
    """An evaluation as a table, or as JSON."""
    import msgspec
    from rich.table import Table

    if json:
        print_json(msgspec.to_builtins(found))
        return
    table = Table("layer", "FVU", "L0", "dead", "cross-entropy")
    for column in table.columns:
        column.justify = "right"
    for layer in found.layers:
        table.add_row(
            str(layer.layer),
            f"{layer.fvu:.3f}",
            f"{layer.l0:.1f}",
            f"{layer.dead:,} of {layer.features:,}",
            _nats(layer.cross_entropy),
        )
    print_table(table)
    count = len(found.layers)
    mean = sum(layer.fvu for layer in found.layers) / count
    say(f"{found.tokens:,} tokens, {count} layers, mean FVU {mean:.3f}")
    if found.cross_entropy is not None:
        say(
            f"cross-entropy on {found.splice_tokens:,} tokens: {_nats(found.cross_entropy)} as it "
            f"is, {_nats(found.cross_entropy_spliced)} with all transcoders spliced in, "
            f"{_nats(found.cross_entropy_ablated)} with these MLPs set to 0"
        )


def _nats(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}"
