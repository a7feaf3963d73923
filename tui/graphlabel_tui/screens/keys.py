"""The screen of keys: every command's, changed by pressing another one."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from graphlabel.errors import GraphLabelError
from graphlabel_tui.commands import BY_ID, COMMANDS, shown_key
from graphlabel_tui.preferences import Preferences, with_keys
from graphlabel_tui.screens.dialogs import Options
from graphlabel_tui.screens.modal import Dialog

HINT = "⏎ then press the new key · backspace gives the usual one back · esc back"


class KeysScreen(Dialog[None]):
    """Shows and changes keys; every change is kept at once."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "leave", "back", show=False),
        Binding("backspace", "reset", "usual key", show=False),
    ]

    def __init__(self, preferences: Preferences, keep: Callable[[Preferences], None]) -> None:
        """Start from ``preferences``; ``keep`` is told of every change, and may refuse it."""
        super().__init__()
        self.preferences = preferences
        self.keep = keep
        self._waiting = ""

    def compose(self) -> ComposeResult:
        """The commands with their keys."""
        with Vertical(classes="dialog", id="keys"):
            yield Options(*(Option(self._line(each.id), id=each.id) for each in COMMANDS))
            yield Static(Content(HINT), id="export-hint")

    def on_mount(self) -> None:
        """Name the frame."""
        self.query_one("#keys").border_title = "keys"

    def _line(self, command_id: str) -> Content:
        command = BY_ID[command_id]
        keys = " ".join(shown_key(key) for key in self.preferences.keys_of(command))
        changed = "•" if command_id in self.preferences.keys else " "
        return Content(f"{changed}{keys:>12}  {command.help}")

    def _hint(self, text: str, *, warn: bool = False) -> None:
        hint = self.query_one("#export-hint", Static)
        hint.update(Content(text))
        hint.set_class(warn, "warning")

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """Wait for the new key."""
        self._waiting = event.option_id or ""
        self._hint(f"press the new key of “{BY_ID[self._waiting].title}” · esc: leave it as it is")
        self.set_focus(None)

    def on_key(self, event: events.Key) -> None:
        """The new key."""
        if not self._waiting:
            return
        event.stop()
        event.prevent_default()
        command, self._waiting = self._waiting, ""
        self.query_one(OptionList).focus()
        if event.key == "escape":
            self._hint(HINT)
        else:
            self._change(command, (event.key,))

    def _change(self, command: str, keys: tuple[str, ...]) -> None:
        try:
            changed = with_keys(self.preferences, command, keys)
            self.keep(changed)
        except GraphLabelError as error:
            self._hint(str(error), warn=True)
            return
        self.preferences = changed
        self.query_one(OptionList).replace_option_prompt(command, self._line(command))
        self._hint(HINT)

    def action_reset(self) -> None:
        """Give a command its usual keys back."""
        options = self.query_one(OptionList)
        if options.highlighted is not None:
            self._change(COMMANDS[options.highlighted].id, ())

    def action_leave(self) -> None:
        """Back to the workbench, unless a key is being waited for."""
        if self._waiting:
            self._waiting = ""
            self._hint(HINT)
            self.query_one(OptionList).focus()
        else:
            self.answer(None)
