"""Jumping to a node by typing."""

from __future__ import annotations

from textual import work

from graphlabel_tui.finding import HINT, Finder
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.widgets.edit_line import Question


class Jumping(WorkbenchBase):
    """The jump command."""

    _finder: Finder | None = None

    def on_mount(self) -> None:
        """Get ready for what is typed, while somebody looks at the first screen."""
        self._finder = Finder(self.view)
        self._prepare(self._finder)

    @work(thread=True, group="prepare")
    def _prepare(self, finder: Finder) -> None:
        finder.prepare()
        self.view.prepare()

    def action_jump(self) -> None:
        """Ask where to."""
        self._ask_where("")

    def _ask_where(self, typed: str, note: str = "") -> None:
        if self._finder is not None:
            self.ask(
                Question("jump", "jump to", typed, hint=HINT, find=self._finder.shown, note=note)
            )

    def answer_jump(self, message: LineEntered) -> None:
        """Select the node that was found; back returns."""
        if self._finder is None or not message.text.strip():
            return
        key = self._finder.key(message.text)
        if key is None:
            self._ask_where(message.text, "✗ no node fits")
            return
        self.session.select(key)
