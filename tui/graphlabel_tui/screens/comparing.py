"""The command that compares this graph with another file's."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import work

from graphlabel.errors import GraphLabelError
from graphlabel.files import read_graph
from graphlabel.graph import NodeKey
from graphlabel_tui.comparing import SideBySide
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.runs import beside
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.screens.compare import CompareScreen
from graphlabel_tui.widgets.edit_line import Question


class Comparing(WorkbenchBase):
    """Opens another graph beside this one."""

    def action_compare(self) -> None:
        """Ask which graph."""
        hint = "a graph file: shared features are shown side by side, labels can be copied"
        self.ask(Question("compare", "compare with", self._suggested(), hint=hint))

    def _suggested(self) -> str:
        """Another graph of the same folder, if there is one."""
        path = self.session.path
        try:
            beside_it = sorted(path.absolute().parent.glob("*.json"))
        except OSError:
            return ""
        return next((str(each) for each in beside_it if each.name != path.name), "")

    def on_line_entered(self, message: LineEntered) -> None:
        """Compare with the file that was named."""
        if message.purpose == "compare" and message.text.strip():
            self._compare_with(Path(message.text.strip()).expanduser())

    @work(group="compare", exclusive=True, exit_on_error=False)
    async def _compare_with(self, path: Path) -> None:
        try:
            document = await asyncio.to_thread(read_graph, path)
            other = beside(self.session, document, path)
            pair = await asyncio.to_thread(SideBySide, self.session, other)
        except GraphLabelError as error:
            self.say(str(error), bad=True)
            return
        self.show_pair(pair)

    def show_pair(self, pair: SideBySide) -> None:
        """Show two graphs side by side."""
        self.app.push_screen(CompareScreen(pair), self._compared)

    def _compared(self, key: NodeKey | None) -> None:
        if key is not None:
            self.session.select(key)
        self.show_all()
