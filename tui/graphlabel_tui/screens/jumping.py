"""Jumping to a node by typing."""

from __future__ import annotations

from graphlabel_tui.finding import HINT, Finder
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.widgets.edit_line import Question


class Jumping(WorkbenchBase):
    """The jump command; Editing closes the line that was entered."""

    _finder: Finder | None = None

    def action_jump(self) -> None:
        """Ask where to."""
        self._finder = Finder(self.view)
        self.ask(Question("jump", "jump to", hint=HINT, find=self._finder.shown))

    def on_line_entered(self, message: LineEntered) -> None:
        """Select the node that was found; back returns."""
        if message.purpose != "jump" or self._finder is None:
            return
        key = self._finder.key(message.text)
        if key is None:
            self.say("No node fits; type a layer/feature, a token or a label.", bad=True)
            return
        self.session.select(key)
        self.show_all()
