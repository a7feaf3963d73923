"""The edit line: a field that names, notes, groups and filters, where the thing itself stands."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.geometry import Region, Size
from textual.reactive import Reactive
from textual.suggester import Suggester
from textual.widget import Widget
from textual.widgets import Input, Static

from graphlabel.annotation import MAX_LABEL_LENGTH, Scope
from graphlabel_tui.inert import inert
from graphlabel_tui.messages import LineCancelled, LineEdited, LineEntered
from graphlabel_tui.wording import SCOPES


@dataclass(frozen=True)
class Question:
    """What the edit line asks."""

    purpose: str
    """The command that asks, such as ``label``."""
    title: str
    text: str = ""
    completions: Sequence[str] = field(default_factory=tuple)
    hint: str = ""
    most: int = MAX_LABEL_LENGTH
    """Characters there is room for."""
    scope: Scope | None = None
    """Where a label will hold; None when there is nothing to choose."""
    find: Callable[[str], list[str]] | None = None
    """Finds what fits what was typed, instead of completions; listed a line each."""
    note: str = ""
    """Said above everything else, such as why the last answer was refused."""


class Completion(Suggester):
    """Completes with the first known text that begins alike, or else holds what was typed."""

    def __init__(self, texts: Sequence[str]) -> None:
        """Complete with these texts, the first ones preferred."""
        super().__init__(use_cache=False, case_sensitive=True)
        self.texts = list(dict.fromkeys(inert(text) for text in texts))
        self._folded = [text.casefold() for text in self.texts]

    def matches(self, value: str) -> list[str]:
        """Known texts that fit: those that begin alike first."""
        typed = value.casefold().strip()
        starts: list[str] = []
        inside: list[str] = []
        for text, folded in zip(self.texts, self._folded, strict=True):
            if folded.startswith(typed):
                starts.append(text)
            elif typed in folded:
                inside.append(text)
        return [*starts, *inside]

    async def get_suggestion(self, value: str) -> str | None:
        """The ghost text: one that begins exactly as typed."""
        return next((text for text in self.texts if value and text.startswith(value)), None)


class _Still(Widget):
    """Has the screen laid out anew for no change of what it could scroll, as it never scrolls."""

    virtual_size: Reactive[Size] = Reactive(Size(0, 0), layout=False)


class EditPlace(Vertical, _Still):
    """Where edit lines stand: at the bottom, or over a region.

    It is there when no line is: a widget that comes to lie over the others would have all of
    them painted.
    """

    def stand_over(self, region: Region | None) -> None:
        """Lie over a region's upper lines, or at the bottom for None."""
        self.set_class(region is not None, "in-place")
        self.styles.offset = (region.x, region.y) if region else (0, 0)
        self.styles.width = region.width if region else "1fr"


class _Hint(Static, _Still):
    """What Enter will do."""


class _Field(Input, _Still):
    """The input; Tab and the arrows speak to the edit line around it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("tab,shift+tab", "scope", "scope", show=False),
        Binding("down", "complete(1)", "completion", show=False),
        Binding("up", "complete(-1)", "completion", show=False),
        Binding("escape", "cancel", "cancel", show=False),
    ]

    def _line(self) -> EditLine | None:
        """The edit line around it; None for keys that come after it was closed."""
        return self.parent if isinstance(self.parent, EditLine) else None

    def action_scope(self) -> None:
        """Toggle where the label holds."""
        if line := self._line():
            line.toggle_scope()

    def action_complete(self, step: int) -> None:
        """The next or previous known text."""
        if line := self._line():
            line.complete(step)

    def _on_paste(self, event: events.Paste) -> None:
        """Put text in as one line, and no more of it than there is room for."""
        event.prevent_default()
        event.stop()
        start, stop = sorted(self.selection)
        room = (self.max_length or 0) - len(self.value) + stop - start
        lines = "\n".join(event.text[: max(0, room)].splitlines())
        if line := self._line():
            line.was_cut(len(event.text) > room)
        self.replace(inert(lines), start, stop)

    def action_cancel(self) -> None:
        """Leave without a change."""
        if line := self._line():
            line.cancel()


class EditLine(Vertical, _Still):
    """A field with a line below it that says what Enter will do."""

    def __init__(self, question: Question) -> None:
        """Ask a question."""
        super().__init__(classes="finding" if question.find else "")
        self.question = question
        self.scope = question.scope or Scope.OCCURRENCE
        self.completion = Completion(question.completions)
        self._typed = question.text
        self._chosen = -1
        completes = self.completion if question.completions else None
        self.entry = _Field(
            question.text, suggester=completes, id="edit-field", compact=True,
            # what is there already may be longer, and is never cut by looking at it
            max_length=max(question.most, len(question.text)),
        )  # fmt: skip
        self.note = question.note
        # said from the start: told later it would be laid out a second time
        self._hinted = self._hint_text()
        self.hint = _Hint(Content(self._hinted), id="edit-hint", markup=False)

    def compose(self) -> ComposeResult:
        """The field and the hint."""
        yield self.entry
        yield self.hint

    def on_mount(self) -> None:
        """Take the focus."""
        self.border_title = Content(f" {self.question.title} ")
        # at once: a focus that comes later lets keys typed ahead act as commands
        self.screen.set_focus(self.entry)

    def _hint_text(self) -> str:
        parts = [self.note] if self.note else []
        if self.question.scope is not None:
            other = Scope.FEATURE if self.scope is Scope.OCCURRENCE else Scope.OCCURRENCE
            parts.append(f"⇥ {SCOPES[self.scope]} (Tab: {SCOPES[other]})")
        if self.question.hint:
            parts.append(self.question.hint)
        known = self._known()[:6]
        if known:
            parts.append("↓ " + ("\n  " if self.question.find else " · ").join(known))
        return "\n".join(parts or ["Enter saves · Esc cancels"])

    def _show_hint(self) -> None:
        text = self._hint_text()
        if text != self._hinted:
            higher = text.count("\n") != self._hinted.count("\n")
            self._hinted = text
            self.hint.update(Content(text), layout=higher)

    def _known(self) -> list[str]:
        if self.question.find:
            return self.question.find(self._typed)
        return self.completion.matches(self._typed) if self.question.completions else []

    def toggle_scope(self) -> None:
        """Switch between this occurrence and the feature everywhere."""
        if self.question.scope is not None:
            both = (Scope.OCCURRENCE, Scope.FEATURE)
            self.scope = both[self.scope is Scope.OCCURRENCE]
            self._show_hint()

    def complete(self, step: int) -> None:
        """Put the next or previous known text into the field."""
        known = self._known()
        if known:
            self._chosen = (self._chosen + step) % len(known) if self._chosen >= 0 else 0
            entry = self.entry
            with entry.prevent(Input.Changed):
                entry.value = known[self._chosen]
            entry.cursor_position = len(entry.value)
            self.post_message(LineEdited(self.question.purpose, entry.value))

    def was_cut(self, cut: bool) -> None:
        """Say that not all of a paste is there, or no longer say so."""
        self.note = f"✂ cut: there is room for {self.question.most:,} characters" if cut else ""
        self._show_hint()

    @property
    def keys(self) -> tuple[tuple[str, str], ...]:
        """The keys that work here and what they do, for the footer."""
        asked = self.question
        chosen = (("↓ ↑", "choose"),) if asked.find or asked.completions else ()
        scope = (("⇥", "where it holds"),) if asked.scope is not None else ()
        return ("⏎", "enter"), *chosen, *scope, ("esc", "cancel")

    def cancel(self) -> None:
        """Leave without a change."""
        self.post_message(LineCancelled(self.question.purpose))

    def on_input_changed(self, event: Input.Changed) -> None:
        """Offer what fits."""
        event.stop()
        self._typed, self._chosen = event.value, -1
        self._show_hint()
        self.post_message(LineEdited(self.question.purpose, event.value))

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Hand over what was typed."""
        event.stop()
        self.post_message(LineEntered(self.question.purpose, event.value, self.scope))
