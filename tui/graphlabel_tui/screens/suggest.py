"""The screen of suggested supernodes: accept, change or reject each, see the reason."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar, NamedTuple

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from graphlabel.errors import GraphLabelError
from graphlabel_tui.inert import inert
from graphlabel_tui.jobs import Job
from graphlabel_tui.proposals import Decision, Proposal, accept, open_ones
from graphlabel_tui.screens.jobs import LOOKS_PER_SECOND, StateLine, state_line
from graphlabel_tui.screens.modal import Dialog
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.proposal_list import ProposalList

HINTS = (
    "↑↓ move · ⇥ next group · a accept · A accept all · x reject",
    "r rename · space drop a member · ⏎ mark them and look",
    "u undo · U redo · R ask again · f9 stop · esc back",
)
EMPTY = (
    "No groups: nothing is alike enough. Label more features, or run “suggest” with a lower "
    "--likeness from ! (run)."
)


class Suggested(NamedTuple):
    """What there is to decide on."""

    job: Job | None
    """The run that suggests, the last one that did, or None."""
    proposals: list[Proposal] | None
    """None while nothing has been suggested."""


class SuggestScreen(Dialog[Proposal | None]):
    """Decides on suggestions; returns the one to look at in the graph, if any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False, priority=True),
        Binding("up,k", "move(-1)", show=False),
        Binding("down,j", "move(1)", show=False),
        Binding("pageup", "move(-10)", show=False),
        Binding("pagedown", "move(10)", show=False),
        Binding("tab", "group(1)", show=False),
        Binding("shift+tab", "group(-1)", show=False),
        Binding("a", "accept", "accept", show=False),
        Binding("A", "accept_all", "accept all", show=False),
        Binding("x", "reject", "reject", show=False),
        Binding("r,e", "rename", "rename", show=False),
        Binding("space", "drop", "drop", show=False),
        Binding("u", "undo", "undo", show=False),
        Binding("U,ctrl+r", "redo", "redo", show=False),
        Binding("enter", "look", "look", show=False),
        Binding("R", "again", "ask again", show=False),
        Binding("f9", "stop", "stop", show=False, priority=True),
    ]

    def __init__(
        self,
        session: Session,
        suggested: Callable[[], Suggested],
        ask: Callable[[], None],
        start: Proposal | None = None,
    ) -> None:
        """Show what is suggested, ``start`` under the cursor; ``ask`` has it suggested anew."""
        super().__init__()
        self.session = session
        self.suggested = suggested
        self.ask = ask
        self._start = start
        self._shown: list[Proposal] | None = None

    def compose(self) -> ComposeResult:
        """The state, the groups, the field for a name, the keys."""
        with Vertical(classes="dialog", id="suggest"):
            yield StateLine(id="suggest-state")
            yield ProposalList(self.session)
            yield Input(id="suggest-name", compact=True, max_length=200)
            for number, hint in enumerate(HINTS):
                yield Static(Content(hint), id=f"suggest-hint-{number}", classes="hint")

    def on_mount(self) -> None:
        """Look for suggestions until there are some."""
        self.query_one("#suggest").border_title = "suggested supernodes"
        self.query_one(Input).display = False
        self._list.focus()
        self.look()
        self.set_interval(1 / LOOKS_PER_SECOND, self.look)

    @property
    def _list(self) -> ProposalList:
        return self.query_one(ProposalList)

    def look(self) -> None:
        """Show what is there now."""
        job, proposals = self.suggested()
        if proposals is not None and proposals is not self._shown:
            self._shown = proposals
            self._list.show(proposals)
            if self._start in proposals:
                self._list.move_to(proposals.index(self._start))
        self.query_one(StateLine).show(self._state(job))

    def _state(self, job: Job | None) -> str:
        if self._shown is None or (job and job.is_running):
            return state_line(job)
        if not self._shown:
            return EMPTY
        decided = [each.decision(self.session.annotations) for each in self._shown]
        words = (f"{decided.count(each)} {each}" for each in Decision if each in decided)
        return f"{len(self._shown)} groups: {', '.join(words)}"

    def _refresh(self) -> None:
        self._list.make_rows()
        self.look()

    def action_move(self, step: int) -> None:
        """Another line."""
        self._list.move(step)

    def action_group(self, step: int) -> None:
        """Another group."""
        self._list.move_group(step)

    def action_accept(self) -> None:
        """Make the group a supernode, and go to the next."""
        chosen = self._list.chosen
        if chosen is None or chosen.decision(self.session.annotations) is Decision.ACCEPTED:
            return
        if self._accept([chosen]):
            self._list.move_group(1)

    def action_accept_all(self) -> None:
        """Make all open groups supernodes, as one edit."""
        waiting = open_ones(self._shown or [], self.session.annotations)
        if waiting:
            self._accept(waiting)

    def _accept(self, proposals: list[Proposal]) -> bool:
        return self._attempt(lambda: accept(self.session, proposals))

    def action_reject(self) -> None:
        """Do not want the group; again takes that back."""
        chosen = self._list.chosen
        if chosen is None:
            return
        if chosen.decision(self.session.annotations) is Decision.ACCEPTED:
            self.notify("It is a supernode already; u takes that back.", timeout=3)
            return
        chosen.rejected = not chosen.rejected
        if chosen.rejected:
            self._list.move_group(1)
        self._refresh()

    def action_drop(self) -> None:
        """Leave the member under the cursor out, or have it back."""
        chosen, member = self._list.chosen, self._list.member
        if chosen is not None and member is not None:
            chosen.drop(member)
            self._refresh()

    def action_rename(self) -> None:
        """Ask for another name."""
        chosen = self._list.chosen
        if chosen is None:
            return
        field = self.query_one(Input)
        field.value = inert(chosen.name)
        field.display = True
        field.focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Have the group called so."""
        chosen = self._list.chosen
        if chosen is not None and event.value.strip():
            chosen.name = event.value.strip()
        self._close_field()
        self._refresh()

    def _close_field(self) -> None:
        self.query_one(Input).display = False
        self._list.focus()

    def action_undo(self) -> None:
        """Take the last edit back."""
        self._attempt(
            lambda: f"undone: {edit.title}" if (edit := self.session.undo()) else "nothing to undo"
        )

    def action_redo(self) -> None:
        """Make the undone edit again."""
        self._attempt(
            lambda: f"redone: {edit.title}" if (edit := self.session.redo()) else "nothing to redo"
        )

    def _attempt(self, action: Callable[[], str]) -> bool:
        done = True
        try:
            self.notify(inert(action(), 200), markup=False, timeout=3)
        except GraphLabelError as error:
            done = False
            self.notify(str(error), severity="error", markup=False)
        self._refresh()
        return done

    def action_again(self) -> None:
        """Have it suggested anew, by the labels as they are now."""
        self.ask()
        self.look()

    def action_stop(self) -> None:
        """Stop the run."""
        job = self.suggested().job
        if job is not None:
            job.cancel()

    def action_look(self) -> None:
        """Mark the group's nodes and look at them in the workbench."""
        if self._list.chosen is not None:
            self.answer(self._list.chosen)

    def action_leave(self) -> None:
        """Leave the name as it is, or go back to the workbench."""
        if self.query_one(Input).has_focus:
            self._close_field()
        else:
            self.answer(None)
