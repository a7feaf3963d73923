"""The command that changes features in the model itself, in a process of its own."""

from __future__ import annotations

from graphlabel_tui.inert import inert
from graphlabel_tui.interventions import (
    Change,
    Outcome,
    change_of,
    parse_amount,
    read_outcome,
)
from graphlabel_tui.jobs import Job
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.intervention import InterventionScreen
from graphlabel_tui.screens.running import Running
from graphlabel_tui.widgets.edit_line import Question

HINT = "×0 switches off · ×-1 reverses · ×2 doubles · =3 sets · Enter runs the model"


class Intervening(Running):
    """One intervention at a time; its outcome can be looked at again."""

    _change: Change | None = None
    _outcome: Outcome | None = None
    _intervention: Job | None = None

    def action_intervene(self) -> None:
        """Look at the intervention that runs, or ask how to change what is marked or selected."""
        if self._intervention and self._intervention.is_running:
            self._show_intervention(self._intervention)
            return
        self._change = self.attempt(lambda: change_of(self.session))
        if self._change is not None:
            self.ask(
                Question("intervene", f"change {inert(self._change.words)} by", "×0", hint=HINT)
            )

    def answer_intervene(self, message: LineEntered) -> None:
        """Run it."""
        change, session = self._change, self.session
        if change is None:
            return
        job = self.attempt(
            lambda: self.start(change.arguments(session, parse_amount(message.text)))
        )
        if job is not None:
            self._intervention, self._outcome = job, None
            self._show_intervention(job)

    def _show_intervention(self, job: Job) -> None:
        def left(again: bool | None) -> None:
            self.show_all()
            if again:
                self.action_intervene()

        self.app.push_screen(InterventionScreen(job, lambda: self._outcome), left)

    def take_printed(self, job: Job) -> bool:
        """Take up what intervene printed, started by this command or typed."""
        if job.arguments[0] != "intervene" or not job.prints_result:
            return super().take_printed(job)
        self._intervention = job
        self._outcome = self.attempt(lambda: read_outcome(job.result))
        if self._outcome is not None and not isinstance(self.app.screen, InterventionScreen):
            self._show_intervention(job)
        return True
