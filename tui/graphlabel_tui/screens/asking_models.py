"""Having a language model label tier 2: first the estimate, then, if wanted, the run."""

from __future__ import annotations

from graphlabel_tui.inert import inert
from graphlabel_tui.jobs import Job
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.runs import tier_two_arguments
from graphlabel_tui.screens.dialogs import Choice, ConfirmScreen
from graphlabel_tui.screens.running import Running
from graphlabel_tui.widgets.edit_line import Question

HINT = (
    "a model, then the most it may cost: anthropic:claude-haiku-5-5 $2\n"
    "Enter estimates the price; nothing is sent before you say so"
)
MOST_LINES = 8
"""Lines of the estimate that are shown."""


class AskingModels(Running):
    """Nothing is sent before the person has seen what it would cost."""

    _asked_for = ""
    _estimate: Job | None = None

    def action_label_by_model(self) -> None:
        """Ask for the model and the budget."""
        if not self.session.places:
            self.say("No evidence to show a model; open the graph with --features.", bad=True)
            return
        if not self.view.counts().await_model:
            self.say("No feature awaits a model: there is nothing of tier 2 to label.", bad=True)
            return
        self.ask(Question("model", "label tier 2 with", self._asked_for, hint=HINT))

    def answer_model(self, message: LineEntered) -> None:
        """Estimate first."""
        self._asked_for = message.text
        self._estimate = self._start_tier_two(dry_run=True)

    def _start_tier_two(self, *, dry_run: bool) -> Job | None:
        def start() -> Job:
            return self.start(tier_two_arguments(self.session, self._asked_for, dry_run=dry_run))

        return self.attempt(start)

    def take_printed(self, job: Job) -> bool:
        """Show an estimate, and go on if the person wants to."""
        if job is not self._estimate:
            return super().take_printed(job)
        self._estimate = None

        def answered(answer: str | None) -> None:
            if answer == "send" and self._start_tier_two(dry_run=False):
                self.action_run()

        choices = (Choice("s", "send", "send it"), Choice("c", "", "cancel: nothing was sent"))
        self.app.push_screen(ConfirmScreen(estimate_of(job), choices), answered)
        return True


def estimate_of(job: Job) -> str:
    """What a dry run said before the example of what would be sent, as a question."""
    said = [inert(line, 200) for line in job.lines]
    end = next((at for at, line in enumerate(said) if line.startswith("the first of them")), None)
    kept = [line for line in said[:end] if line.strip()][:MOST_LINES]
    return "\n".join([*kept, "Send it?"])
