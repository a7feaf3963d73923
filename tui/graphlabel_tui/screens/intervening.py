"""The command that changes features in the model itself, in a process of its own."""

from __future__ import annotations

import shlex

from graphlabel_tui.inert import inert
from graphlabel_tui.interventions import (
    Amount,
    Change,
    Outcome,
    change_of,
    control_of,
    in_words,
    parse_amount,
    read_outcome,
)
from graphlabel_tui.jobs import Job
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.intervention import TITLE, InterventionScreen, Then
from graphlabel_tui.screens.running import Running
from graphlabel_tui.widgets.edit_line import Question

HINT = "×0 switches off · ×-1 reverses · ×2 doubles · =3 sets · Enter runs the model"


class Intervening(Running):
    """One intervention at a time, and its control; their outcomes can be looked at again."""

    _change: Change | None = None
    _amount = Amount(0.0)
    _is_control = False
    _outcome: Outcome | None = None
    _intervention: Job | None = None
    _done: dict[bool, tuple[Job, Outcome]]
    """The change (False) and its control (True), as far as they were run."""

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
        change, amount = self._change, self.attempt(lambda: parse_amount(message.text))
        if change is not None and amount is not None:
            self._amount, self._done = amount, {}
            self._intervene(change, control=False)

    def _intervene(self, change: Change, *, control: bool) -> None:
        arguments = change.arguments(self.session, self._amount)
        job = self.attempt(lambda: self.start(arguments))
        if job is not None:
            self._intervention, self._outcome, self._is_control = job, None, control
            self._show_intervention(job)

    def _show_control(self) -> None:
        """The control of the change, run when it was not yet; the change again after it."""
        change, wanted = self._change, not self._is_control
        if change is None:
            self.say("a control needs a change that was made with i", bad=True)
        elif wanted in self._done:
            self._is_control = wanted
            self._intervention, self._outcome = self._done[wanted]
            self._show_intervention(self._intervention)
        else:
            control = self.attempt(lambda: control_of(self.session, change))
            if control is not None:
                self._intervene(control, control=True)

    def _show_intervention(self, job: Job) -> None:
        def left(then: Then | None) -> None:
            self.show_all()
            if then is Then.ANOTHER:
                self.action_intervene()
            elif then is Then.CONTROL:
                self._show_control()
            elif then is Then.COMMAND:
                self.show_runs(shlex.join(job.arguments))

        title = "control: as many random features" if self._is_control else TITLE
        self.app.push_screen(InterventionScreen(job, lambda: self._outcome, title), left)

    def take_printed(self, job: Job) -> bool:
        """Take up what intervene printed, started by this command or typed."""
        if job.arguments[0] != "intervene" or not job.prints_result:
            return super().take_printed(job)
        if job is not self._intervention:
            self._change, self._is_control, self._done = None, False, {}
        self._intervention = job
        self._outcome = self.attempt(lambda: in_words(self.session, read_outcome(job.result)))
        if self._outcome is not None:
            self._done[self._is_control] = job, self._outcome
            if not isinstance(self.app.screen, InterventionScreen):
                self._show_intervention(job)
        return True
