"""The command that compares this graph with another file's."""

from __future__ import annotations

import asyncio
from pathlib import Path

from textual import work

from graphlabel.errors import GraphLabelError
from graphlabel.files import read_graph
from graphlabel.graph import NodeKey
from graphlabel_tui.comparing import SideBySide
from graphlabel_tui.inert import inert
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.paths import graph_files
from graphlabel_tui.runs import beside
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.screens.compare import CompareScreen
from graphlabel_tui.screens.dialogs import Choice, ConfirmScreen
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.edit_line import Question

HINT = "a graph file; its shared features are shown beside these, and labels can be copied"
MOST_ERROR = 400


class Comparing(WorkbenchBase):
    """Opens another graph beside this one."""

    def action_compare(self) -> None:
        """Ask which graph."""
        self._ask_which("")

    def _ask_which(self, typed: str, note: str = "") -> None:
        self.ask(Question("compare", "compare with", typed, hint=HINT, find=self._files, note=note))

    def _files(self, typed: str) -> list[str]:
        """Folders and graph files that what was typed may become, this graph's folder first."""
        return graph_files(typed, self.session.path)

    def answer_compare(self, message: LineEntered) -> None:
        """Compare with the file that was named, or the only one that begins so."""
        typed = message.text.strip()
        found = [each for each in self._files(typed) if not each.endswith("/")]
        path = Path(typed).expanduser()
        if len(found) == 1 and not path.is_file():
            path = Path(found[0]).expanduser()
        if typed or len(found) == 1:
            self._compare_with(path)
        else:
            self._ask_which("", note="✗ no graph was named; ↓ chooses one")

    @work(group="compare", exclusive=True, exit_on_error=False)
    async def _compare_with(self, path: Path) -> None:
        try:
            document = await asyncio.to_thread(read_graph, path)
            other = await asyncio.to_thread(beside, self.session, document, path)
        except GraphLabelError as error:
            self._ask_which(str(path), note=f"✗ {inert(str(error), MOST_ERROR)}")
            return
        await self._show_with(other, any_set=False)

    async def _show_with(self, other: Session, *, any_set: bool) -> None:
        try:
            pair = await asyncio.to_thread(SideBySide, self.session, other, any_set)
        except GraphLabelError as error:
            self._ask_for_any_set(other, str(error))
            return
        self.show_pair(pair)

    def _ask_for_any_set(self, other: Session, why: str) -> None:
        async def answered(answer: str | None) -> None:
            if answer:
                await self._show_with(other, any_set=True)

        choices = (
            Choice("c", "", "cancel"),
            Choice("n", "number", "compare features of the same number all the same"),
        )
        words = inert(why.partition("; --any-set")[0], MOST_ERROR)
        self.app.push_screen(ConfirmScreen(f"{words}.", choices), answered)

    def show_pair(self, pair: SideBySide) -> None:
        """Show two graphs side by side."""
        self.app.push_screen(CompareScreen(pair), self._compared)

    def _compared(self, key: NodeKey | None) -> None:
        if key is not None:
            self.session.select(key)
        self.show_all()
