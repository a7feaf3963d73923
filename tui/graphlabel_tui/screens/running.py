"""Running graphlabel from inside: one run at a time, whose result is taken up when it is there."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from textual import work

from graphlabel.annotation import Annotations
from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument
from graphlabel_tui.inert import inert
from graphlabel_tui.jobs import Job, JobState
from graphlabel_tui.runs import (
    beside,
    graph_at,
    is_same_graph,
    names_graph,
    output_of,
    parse_line,
    take_up,
    templates,
    use_index,
)
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.screens.dialogs import Choice, ConfirmScreen
from graphlabel_tui.screens.jobs import JobsScreen
from graphlabel_tui.widgets.bars import KeyLine

_SECONDS = 0.5


class Running(WorkbenchBase):
    """Starts runs, shows in the footer how far they are, takes up their results."""

    job: Job | None = None

    def on_mount(self) -> None:
        """Keep the footer up to date."""
        self.set_interval(_SECONDS, self._show_running)

    def on_unmount(self) -> None:
        """A run does not outlive the workbench."""
        if self.job:
            self.job.kill()

    def action_run(self) -> None:
        """Choose what to run, or look at what runs."""
        self.show_runs()

    def show_runs(self, typed: str = "") -> None:
        """Show the runs, a command typed already."""
        offered = templates(self.session)
        self.app.push_screen(JobsScreen(offered, lambda: self.job, self.start_run, typed))

    def start_run(self, line: str) -> Job:
        """Start a typed command; raises UsageError when it cannot be."""
        return self.start(parse_line(line))

    def start(self, arguments: tuple[str, ...]) -> Job:
        """Start a command; the graph's file has every edit before. Raises UsageError."""
        if self.job and self.job.is_running:
            raise UsageError(f"{self.job.title} is still running; f9 in ! (run) stops it")
        self.job = Job(arguments)
        self._follow(self.job, self.session.annotations)
        return self.job

    @work(group="runs", exit_on_error=False)
    async def _follow(self, job: Job, before: Annotations) -> None:
        if names_graph(tuple(job.arguments), self.session) and not await self._is_on_disk():
            job.fail("the graph's file could not be written")
            return
        state = await job.run() if job.is_running else job.state
        self._show_running()
        if state is JobState.FAILED:
            self.say(f"{job.title}: {job.last_line}", bad=True)
        elif state is JobState.CANCELLED:
            self.say(f"{job.title} was stopped")
        elif not self.take_printed(job):
            await self._take_result(job, before)

    async def _is_on_disk(self) -> bool:
        session = self.session
        if session.is_saved and session.path.exists():
            return True
        return await self.save_file() is not None

    def take_printed(self, job: Job) -> bool:
        """Take up what a run printed for programs; False when it is none of that kind."""
        return False

    async def _take_result(self, job: Job, before: Annotations) -> None:
        path = output_of(tuple(job.arguments))
        if path is not None and path.is_dir() and job.arguments[0] == "features":
            if self.attempt(lambda: use_index(self.session, path)):
                self.say(f"the evidence is {path} now")
                self.show_all()
            return
        document = await asyncio.to_thread(graph_at, path) if path else None
        if document is None or path is None:
            self.say(f"{job.title} is done")
        elif is_same_graph(self.session, document):
            await self._refresh(job, before, document)
        else:
            self._offer_to_open(path, document)

    async def _refresh(self, job: Job, before: Annotations, document: GraphDocument) -> None:
        taken = self.attempt(lambda: take_up(self.session, before, document, job.title))
        if taken and await self.save_file():
            labels = len(taken.edit.change.labels) if taken.edit else 0
            undo = "; u takes the labels back" if labels else ""
            self.say(f"{job.title}: {taken.routed} features routed, {labels} labels{undo}")
        self.show_all()

    def _offer_to_open(self, path: Path, document: GraphDocument) -> None:
        question = inert(f"{path.name} is there: {len(document.graph)} nodes. Open it now?")
        choices = (Choice("o", "open", "open it"), Choice("l", "", "later"))

        def answered(answer: str | None) -> None:
            if answer == "open":
                self.open_document(document, path)

        self.app.push_screen(ConfirmScreen(question, choices), answered)

    def open_document(self, document: GraphDocument, path: Path) -> None:
        """Work on another graph; a file of this one that is behind the edits is asked about."""
        session = self.session

        async def go(answer: str | None) -> None:
            if answer == "leave" or (answer == "save" and await self.save_file()):
                switch()

        def switch() -> None:
            other = self.attempt(lambda: beside(session, document, path))
            if other:
                self.app.switch_screen(type(self)(other))

        if session.is_saved:
            switch()
            return
        kept = "its edits stay in the store" if session.store else "its edits are lost"
        choices = (
            Choice("s", "save", "save it first"),
            Choice("d", "leave", f"leave it unsaved ({kept})"),
            Choice("c", "", "cancel"),
        )
        question = inert(f"{session.path.name} does not have your last edits.")
        self.app.push_screen(ConfirmScreen(question, choices), go)

    def _show_running(self) -> None:
        job, line = self.job, self.query_one(KeyLine)
        running = ""
        if job and job.is_running:
            share = f" {job.progress.share:.0%}" if job.progress else " …"
            running = f"{job.title}{share}"
        if line.running != running:
            line.running = running
            line.refresh()

    def is_busy(self, leave: Callable[[], None]) -> bool:
        """Whether something runs; then it is asked whether to stop it and ``leave``."""
        job = self.job
        if job is None or not job.is_running:
            return False
        choices = (Choice("s", "stop", "stop it and quit"), Choice("c", "", "cancel"))

        def answered(answer: str | None) -> None:
            if answer == "stop":
                job.cancel()
                leave()

        self.app.push_screen(ConfirmScreen(f"{job.title} is still running.", choices), answered)
        return True
