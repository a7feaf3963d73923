"""The tour: what the workbench is, in a few cards; shown once, and again by its command."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Static

from graphlabel_tui.commands import Command, shown_key
from graphlabel_tui.screens.modal import Dialog

CARDS: tuple[tuple[str, str], ...] = (
    (
        "A prompt's graph",
        "Tokens are at the bottom, next tokens at the top, the features between them by layer. "
        "Arrows move, {follow} follows the strongest edge, {back} goes back, {next_region} goes "
        "to the next region.",
    ),
    (
        "What a feature is",
        "The panel on the right says what it is called and who said so, why it is ▼ input, "
        "▲ output, ◆ cross or ○ obscure, and shows examples. {lower} and {higher} step through "
        "lower and higher activations.",
    ),
    (
        "Your work",
        "{review} goes to the next node that needs you. {label} names it, {accept} accepts and "
        "{reject} rejects its label. {mark} marks several, {group} makes them a supernode, {pin} "
        "pins. {undo} takes anything back; every edit is kept at once.",
    ),
    (
        "Files and runs",
        "{save} writes the file, {export} other formats, {compare} puts another graph beside this "
        "one, {run} traces, routes and labels. {palette} finds any command, {help} shows all.",
    ),
)
"""Titles and texts; a command's id in braces stands for its key."""


class TourScreen(Dialog[None]):
    """Cards, one after the other; escape leaves them."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "leave", show=False),
        Binding("enter,space,right", "step(1)", "next", show=False),
        Binding("left,backspace", "step(-1)", "before", show=False),
    ]

    def __init__(self, commands: Sequence[Command]) -> None:
        """Name the keys that ``commands`` have."""
        super().__init__()
        self.keys = {command.id: shown_key(command.keys[0]) for command in commands}
        self.card = 0

    def compose(self) -> ComposeResult:
        """A card."""
        with Vertical(classes="dialog", id="tour"):
            yield Static(id="tour-text")
            yield Static(Content("⏎ next · ← before · esc leaves the tour"), id="export-hint")

    def on_mount(self) -> None:
        """The first card."""
        self._show()

    def _show(self) -> None:
        title, text = CARDS[self.card]
        frame = self.query_one("#tour")
        frame.border_title = f"{title}  {self.card + 1}/{len(CARDS)}"
        self.query_one("#tour-text", Static).update(Content(text.format(**self.keys)))

    def action_step(self, step: int) -> None:
        """Another card; after the last one the tour is over."""
        self.card = max(0, self.card + step)
        if self.card >= len(CARDS):
            self.card = len(CARDS) - 1
            self.answer(None)
        else:
            self._show()

    def action_leave(self) -> None:
        """Enough."""
        self.answer(None)
