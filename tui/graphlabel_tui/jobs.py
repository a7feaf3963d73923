"""Running graphlabel in a process of its own: progress, output, cancelling. No Textual here."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
import time
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum

from graphlabel.cli.console import PROGRESS_PREFIX, PROGRESS_VARIABLE
from graphlabel_tui.inert import inert

MOST_LINES = 5000
"""Lines of output that are kept."""

PATIENCE_SECONDS = 5.0
"""How long a cancelled run may take to stop by itself."""

_LONGEST_LINE = 1 << 20


class JobState(StrEnum):
    """How a run stands."""

    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a phase of a run has come."""

    what: str
    done: int
    total: int

    @property
    def share(self) -> float:
        """From 0 to 1."""
        return min(1.0, self.done / self.total) if self.total > 0 else 0.0


def parse_progress(line: str) -> Progress | None:
    """What a line says about progress; None when it is a line for people."""
    if not line.startswith(PROGRESS_PREFIX):
        return None
    try:
        said = json.loads(line[len(PROGRESS_PREFIX) :])
        return Progress(inert(str(said["what"]), 60), int(said["done"]), int(said["total"]))
    except (ValueError, KeyError, TypeError):
        return None


@dataclass
class Job:
    """One command, such as ``("route", "g.json", …)``, in a process of its own."""

    arguments: Sequence[str]
    state: JobState = JobState.RUNNING
    progress: Progress | None = None
    lines: deque[str] = field(default_factory=lambda: deque(maxlen=MOST_LINES))
    """The output, both streams, made inert."""
    n_lines: int = 0
    """Lines of output so far, those no longer kept included."""
    result: str = ""
    """What ``--json`` printed on standard output; the lines are then of the other stream."""
    started: float = field(default_factory=time.monotonic)
    """When it was started, in seconds of the monotonic clock."""
    _process: asyncio.subprocess.Process | None = None

    @property
    def title(self) -> str:
        """The command's name."""
        return " ".join(self.arguments[: 2 if self.arguments[0] == "features" else 1])

    @property
    def prints_result(self) -> bool:
        """Whether standard output is a result for programs, and not lines for people."""
        return "--json" in self.arguments

    @property
    def is_running(self) -> bool:
        """Whether it still runs."""
        return self.state is JobState.RUNNING

    @property
    def last_line(self) -> str:
        """The last line of output: the reason, when it failed."""
        return next((line for line in reversed(self.lines) if line.strip()), "")

    async def run(self) -> JobState:
        """Run to the end; how it ended. Being cancelled itself kills the process."""
        environment = {**os.environ, PROGRESS_VARIABLE: "1", "PYTHONUNBUFFERED": "1"}
        # the workbench in a browser talks to its own terminal driver
        environment.pop("TEXTUAL_DRIVER", None)
        try:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "graphlabel", *self.arguments,
                stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.PIPE if self.prints_result else asyncio.subprocess.STDOUT,
                env=environment, start_new_session=True, limit=_LONGEST_LINE,
            )  # fmt: skip
        except (OSError, ValueError) as error:
            self.fail(f"the command cannot be started: {error}")
            return self.state
        try:
            await self._read(self._process)
            code = await self._process.wait()
        finally:
            self.kill()
        if self.is_running:
            self.state = JobState.FAILED if code else JobState.DONE
        return self.state

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        if process.stderr is None:
            await self._read_lines(process.stdout)
            return
        raw, _ = await asyncio.gather(process.stdout.read(), self._read_lines(process.stderr))
        self.result = raw.decode("utf-8", "replace")

    async def _read_lines(self, stream: asyncio.StreamReader) -> None:
        while True:
            try:
                raw = await stream.readline()
            except ValueError:  # a line longer than the limit
                continue
            if not raw:
                return
            line = raw.decode("utf-8", "replace").rstrip("\r\n")
            progress = parse_progress(line)
            if progress:
                self.progress = progress
            else:
                self._add(line)

    def _add(self, line: str) -> None:
        self.lines.append(inert(line, 2000))
        self.n_lines += 1

    def fail(self, why: str) -> None:
        """It could not be started."""
        self._add(why)
        self.state = JobState.FAILED

    def cancel(self) -> None:
        """Ask the process to stop, as Ctrl-C does; it is killed if it takes too long."""
        if not self.is_running:
            return
        self.state = JobState.CANCELLED
        self._signal(signal.SIGINT)
        with suppress(RuntimeError):
            asyncio.get_running_loop().call_later(PATIENCE_SECONDS, self.kill)

    def kill(self) -> None:
        """Stop the process at once if it still runs."""
        self._signal(signal.SIGKILL)

    def _signal(self, number: int) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)
