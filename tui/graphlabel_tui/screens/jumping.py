"""Jumping to a node by typing."""

from __future__ import annotations

from textual import work

from graphlabel_tui.finding import HINT, Finder
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.widgets.edit_line import Question


class Jumping(WorkbenchBase):
    """The jump command; Editing closes the line that was entered."""

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
        if self._finder is None:
            return
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
