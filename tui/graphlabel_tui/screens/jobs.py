"""The screen of runs: choose or type a command, see how far it is and what it says."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, RichLog, Static
from textual.widgets.option_list import Option

from graphlabel.errors import GraphLabelError
from graphlabel_tui.jobs import Job, JobState
from graphlabel_tui.runs import Template
from graphlabel_tui.screens.dialogs import Options
from graphlabel_tui.screens.modal import Dialog

LOOKS_PER_SECOND = 5
_BAR = 24


def state_line(job: Job | None) -> str:
    """How a run stands, in a line."""
    if job is None:
        return "nothing runs"
    if job.is_running and job.progress:
        progress = job.progress
        full = round(_BAR * progress.share)
        return (
            f"▕{'█' * full}{'░' * (_BAR - full)}▏ {progress.share:.0%}  {progress.what}  "
            f"{progress.done:,} of {progress.total:,}"
        )
    words = {
        JobState.RUNNING: f"{job.title} runs: {time.monotonic() - job.started:.0f} s",
        JobState.DONE: f"✓ {job.title} is done",
        JobState.CANCELLED: f"{job.title} was stopped",
        JobState.FAILED: f"✗ {job.title}: {job.last_line}",
    }
    return words[job.state]


class StateLine(Static):
    """A line that is asked for often and painted when it changes."""

    shown = ""

    def show(self, text: str) -> None:
        """Show this text."""
        if text != self.shown:
            self.shown = text
            self.update(Content(text))


class JobsScreen(Dialog[None]):
    """Starts runs and shows them; leaving it leaves the run going."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False),
        Binding("f9", "stop", "stop", show=False, priority=True),
    ]

    def __init__(
        self,
        templates: Sequence[Template],
        job: Callable[[], Job | None],
        start: Callable[[str], Job],
        typed: str = "",
    ) -> None:
        """Offer ``templates``; ``job`` is the last run, ``start`` starts a typed command.

        ``typed`` is in the line from the start.
        """
        super().__init__()
        self.templates = templates
        self.job = job
        self.start = start
        self.typed = typed
        self._written: tuple[Job | None, int] = (None, 0)

    def compose(self) -> ComposeResult:
        """The usual runs, the command line, how far it is, what it says."""
        with Vertical(classes="dialog", id="jobs"):
            yield Options(
                *(Option(Content(f" {each.title}"), id=each.id) for each in self.templates)
            )
            yield Input(id="jobs-line", placeholder="a command of graphlabel", compact=True)
            yield StateLine(id="jobs-state")
            yield RichLog(id="jobs-output", wrap=True, min_width=20)
            yield Static(
                Content("⏎ choose, then run · tab moves · f9 stops the run · esc back; it goes on"),
                id="jobs-hint",
            )

    def on_mount(self) -> None:
        """Show the run there is, and keep looking."""
        frame = self.query_one("#jobs")
        frame.border_title = "run"
        self.query_one(OptionList).focus()
        if self.typed:
            line = self.query_one(Input)
            line.value = self.typed
            line.focus()
        self.look()
        self.set_interval(1 / LOOKS_PER_SECOND, self.look)

    def look(self) -> None:
        """Show how the run stands now."""
        job = self.job()
        state = self.query_one(StateLine)
        state.show(state_line(job))
        state.set_class(job is not None and job.state is JobState.FAILED, "failed")
        output = self.query_one(RichLog)
        of, seen = self._written
        if job is not of:
            output.clear()
            seen = 0
        if job is not None and job.n_lines > seen:
            fresh = min(job.n_lines - seen, len(job.lines))
            for said in list(job.lines)[-fresh:]:
                output.write(Text(said))
        self._written = (job, job.n_lines if job else 0)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Put the command into the line, the cursor where something is missing."""
        chosen = next(each for each in self.templates if each.id == event.option_id)
        line = self.query_one(Input)
        line.value = chosen.line
        line.focus()
        missing = chosen.line.find("…")
        line.cursor_position = len(chosen.line) if missing < 0 else missing + 1

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Run what is typed."""
        try:
            self.start(event.value)
        except GraphLabelError as error:
            self.query_one(StateLine).show(f"✗ {error}")
            self.notify(str(error), severity="error", markup=False)
            return
        self.look()

    def action_stop(self) -> None:
        """Stop the run."""
        job = self.job()
        if job is not None and job.is_running:
            job.cancel()

    def action_leave(self) -> None:
        """Back to the workbench."""
        self.answer(None)
