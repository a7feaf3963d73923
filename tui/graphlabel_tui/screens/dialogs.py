"""The two dialogs: confirming loss, and naming an export. They return a value, no more."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar, NamedTuple

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from graphlabel_tui.paths import export_path
from graphlabel_tui.screens.modal import Dialog

CHOOSING = "↑ ↓ choose the format · Enter goes on to the path · Esc cancels"
WRITING = "Enter writes the file · Tab goes back to the formats · Esc cancels"


class Choice(NamedTuple):
    """An answer: the key that gives it, what it returns, and its words."""

    key: str
    value: str
    text: str


class Options(OptionList):
    """A short list of options; it has no pages, so the page keys go to its ends."""

    def action_page_up(self) -> None:
        """The first option."""
        self.action_first()

    def action_page_down(self) -> None:
        """The last option."""
        self.action_last()


class ConfirmScreen(Dialog[str]):
    """Asks a question; returns the chosen answer's value, or "" when left with Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel", show=False)]

    def __init__(self, question: str, choices: Sequence[Choice]) -> None:
        """Ask ``question``; the first choice is highlighted."""
        super().__init__()
        self.question = question
        self.choices = choices

    def compose(self) -> ComposeResult:
        """The question above its answers."""
        with Vertical(classes="dialog"):
            yield Static(Content(self.question), classes="dialog-text")
            yield Options(
                *(Option(Content(f" {c.key}  {c.text}"), id=c.value) for c in self.choices)
            )

    def on_key(self, event: events.Key) -> None:
        """Answer with a choice's own key."""
        for choice in self.choices:
            if choice.key == event.character:
                event.stop()
                self.answer(choice.value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Answer with the highlighted choice."""
        self.answer(event.option_id or "")

    def action_leave(self) -> None:
        """Answer nothing."""
        self.answer("")


class Export(NamedTuple):
    """Where an export goes, and in which format."""

    format: str
    path: Path


class ExportFormatChoice(NamedTuple):
    """A format to choose from."""

    suffix: str
    description: str


class ExportScreen(Dialog[Export | None]):
    """Asks for a format and a path; returns them, or None when left with Escape."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "leave", "cancel", show=False)]

    def __init__(self, formats: Mapping[str, ExportFormatChoice], path: Path) -> None:
        """Offer formats; ``path`` is the graph's, and names the export unless changed."""
        super().__init__()
        self.formats = formats
        self.path = path
        self._asked: Path | None = None

    def compose(self) -> ComposeResult:
        """The formats, the path, and what Enter does."""
        with Vertical(classes="dialog"):
            yield Static(Content("Export the annotated graph as"), classes="dialog-text")
            width = max(map(len, self.formats), default=0)
            yield Options(
                *(
                    Option(Content(f" {name:<{width}}  {each.description}"), id=name)
                    for name, each in self.formats.items()
                )
            )
            yield Input(id="export-path", placeholder="path of the new file", compact=True)
            yield Static(
                Content(CHOOSING),
                id="export-hint",
            )

    def on_mount(self) -> None:
        """Start with the first format."""
        self.query_one(OptionList).highlighted = 0

    def on_option_list_option_highlighted(self, event: OptionList.OptionHighlighted) -> None:
        """Suggest a path for the format."""
        name = event.option_id or ""
        self.query_one(Input).value = str(export_path(self.path, self.formats[name].suffix))

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """Say what Enter does here."""
        hint = self.query_one("#export-hint", Static)
        hint.remove_class("warning")
        hint.update(Content(WRITING if isinstance(event.widget, Input) else CHOOSING))

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Go on to the path."""
        self.query_one(Input).focus()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Answer; a file that is there is asked about first."""
        options = self.query_one(OptionList)
        if not event.value.strip() or options.highlighted is None:
            return
        path = Path(event.value.strip()).expanduser()
        if path.exists() and self._asked != path:
            self._asked = path
            hint = self.query_one("#export-hint", Static)
            hint.update(Content("That file exists: Enter again replaces it · Esc cancels"))
            hint.add_class("warning")
            return
        self.answer(Export(list(self.formats)[options.highlighted], path))

    def action_leave(self) -> None:
        """Answer nothing."""
        self.answer(None)
