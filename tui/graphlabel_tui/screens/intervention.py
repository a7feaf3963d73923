"""The screen of an intervention: how far it is, then the next tokens before and after."""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Size
from textual.strip import Strip
from textual.widgets import Static

from graphlabel_tui.inert import bare_token, inert
from graphlabel_tui.interventions import REGIMES, Outcome, TokenChance
from graphlabel_tui.jobs import Job
from graphlabel_tui.lines import Line, Span, fit, line
from graphlabel_tui.screens.jobs import LOOKS_PER_SECOND, StateLine, state_line
from graphlabel_tui.screens.modal import Dialog
from graphlabel_tui.widgets.painted import Painted
from graphlabel_tui.wording import percent, signed

HINT = "⇥ what reacts · c control · i another · ! command · f9 stop · esc back"
TITLE = "intervention in the model"
_LABEL, _NUMBERS = 16, 26


def outcome_lines(found: Outcome, regime: str, width: int) -> list[Line]:
    """Tokens with their bars before and after, then what is left of each supernode."""
    room = max(6, width - _LABEL - _NUMBERS)
    lines = [line(Span(inert(", ".join(found.changed), 200), "bold"))]
    tabs = [Span(f" {each} ", "ring" if each == regime else "muted") for each in found.regimes]
    lines += [line(*tabs), line(Span(REGIMES.get(regime, ""), "muted")), line()]
    lines.append(
        line(Span(fit("next token", _LABEL), "title"), Span("before ░ · after █", "muted"))
    )
    for each in found.tokens:
        lines += _token_lines(each, regime, room)
    if found.supernodes:
        lines += [line(), line(Span("supernode's activation left", "title"))]
    for name, left in found.supernodes:
        share = left[regime]
        bar = _bar(share, room, "█")
        role = "minus" if share < 1 else "plus"
        words = Span(f" {share:.0%}".rjust(8))
        lines.append(line(Span(fit(inert(name, 60), _LABEL - 1) + " "), Span(bar, role), words))
    return lines


def _token_lines(each: TokenChance, regime: str, room: int) -> list[Line]:
    after, change = each.after[regime]
    name = Span(fit(bare_token(each.token), _LABEL - 1) + " ", "logit")
    role = "plus" if change >= 0 else "minus"
    return [
        line(name, Span(_bar(each.before, room, "░"), "muted"), Span(f" {percent(each.before)}")),
        line(
            Span(" " * _LABEL),
            Span(_bar(after, room, "█"), role),
            Span(f" {percent(after):<8}"),
            Span(f" logit {signed(change)}", role),
        ),
    ]


def _bar(share: float, room: int, letter: str) -> str:
    full = round(room * max(0.0, min(1.0, share)))
    return (letter * full).ljust(room)


class OutcomeText(Painted, can_focus=True):
    """The outcome as lines that scroll."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
    ]

    def __init__(self) -> None:
        """Nothing to show yet."""
        super().__init__(id="outcome")
        self.outcome: Outcome | None = None
        self.regime = ""
        self._lines: list[Line] = []

    def show(self, found: Outcome) -> None:
        """Show an outcome, the freest regime first: it is what the model does."""
        self.outcome, self.regime = found, found.regimes[-1] if found.regimes else ""
        self.make_lines()

    def step(self, by: int) -> None:
        """Another regime."""
        if self.outcome and self.outcome.regimes:
            names = self.outcome.regimes
            self.regime = names[(names.index(self.regime) + by) % len(names)]
            self.make_lines()

    def make_lines(self) -> None:
        """Make the lines for the width there is."""
        width = self.room.width
        self._lines = outcome_lines(self.outcome, self.regime, width) if self.outcome else []
        self.virtual_size = Size(width, len(self._lines))
        self.refresh()

    def on_resize(self) -> None:
        """The bars follow the width."""
        self.make_lines()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, row = self.room.width, y + self.scroll_offset.y
        return self.strip_of(self._lines[row].spans if row < len(self._lines) else (), width)


class Then(Enum):
    """What is wanted after an intervention was looked at."""

    NOTHING = "nothing"
    ANOTHER = "another"
    CONTROL = "control"
    """The same done to random features; from there, the change again."""
    COMMAND = "command"
    """The command that was run, to be typed on: with another model, say."""


class InterventionScreen(Dialog[Then]):
    """Shows a run and its outcome; returns what is wanted next."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave('nothing')", "back", show=False),
        Binding("i", "leave('another')", "another", show=False),
        Binding("c", "leave('control')", "control", show=False),
        Binding("exclamation_mark", "leave('command')", "command", show=False),
        Binding("tab,right,l", "regime(1)", show=False),
        Binding("shift+tab,left,h", "regime(-1)", show=False),
        Binding("f9", "stop", "stop", show=False, priority=True),
    ]

    def __init__(self, job: Job, outcome: Callable[[], Outcome | None], title: str = TITLE) -> None:
        """Show a run; ``outcome`` is what came of it, None as long as it runs."""
        super().__init__()
        self.job = job
        self.outcome = outcome
        self.title_shown = title

    def compose(self) -> ComposeResult:
        """How far it is, the outcome, the keys."""
        with Vertical(classes="dialog", id="intervention"):
            yield StateLine(id="intervention-state")
            yield OutcomeText()
            yield Static(Content(HINT), classes="hint")

    def on_mount(self) -> None:
        """Look until it is done."""
        self.query_one("#intervention").border_title = self.title_shown
        self.query_one(OutcomeText).focus()
        self.look()
        self.set_interval(1 / LOOKS_PER_SECOND, self.look)

    def look(self) -> None:
        """Show how it stands."""
        text, found = self.query_one(OutcomeText), self.outcome()
        if found is not None and found is not text.outcome:
            text.show(found)
        self.query_one(StateLine).show(state_line(self.job))

    def action_regime(self, by: int) -> None:
        """What reacts to the change."""
        self.query_one(OutcomeText).step(by)

    def action_stop(self) -> None:
        """Stop the run."""
        self.job.cancel()

    def action_leave(self, then: str) -> None:
        """Back to the workbench; a control waits for the outcome."""
        if Then(then) is not Then.CONTROL or self.outcome() is not None:
            self.answer(Then(then))
