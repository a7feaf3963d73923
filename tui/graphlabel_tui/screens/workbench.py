"""The workbench: looking, moving, files; edits come from what it is made of."""

from __future__ import annotations

import asyncio
from datetime import datetime

from graphlabel.errors import GraphLabelError
from graphlabel.graph import NodeKey
from graphlabel_tui.commands import BY_ID, REGIONS
from graphlabel_tui.messages import (
    CommandChosen,
    ListOpened,
    NodeChosen,
    NodeFollowed,
    RegionChosen,
    SupernodeChosen,
)
from graphlabel_tui.screens.asking_models import AskingModels
from graphlabel_tui.screens.circuit import CircuitMarking
from graphlabel_tui.screens.comparing import Comparing
from graphlabel_tui.screens.dialogs import (
    Choice,
    ConfirmScreen,
    Export,
    ExportFormatChoice,
    ExportScreen,
)
from graphlabel_tui.screens.grouping import Grouping
from graphlabel_tui.screens.help import HelpScreen
from graphlabel_tui.screens.intervening import Intervening
from graphlabel_tui.screens.jumping import Jumping
from graphlabel_tui.screens.personal import Personal
from graphlabel_tui.screens.reviewing import Reviewing
from graphlabel_tui.screens.sharing import Sharing
from graphlabel_tui.screens.sliders import Sliders
from graphlabel_tui.screens.suggesting import Suggesting
from graphlabel_tui.widgets.bars import KeyLine
from graphlabel_tui.widgets.feature_panel import FeaturePanel
from graphlabel_tui.widgets.region import LineList


class Workbench(
    CircuitMarking,
    Comparing,
    Jumping,
    Personal,
    Suggesting,
    Intervening,
    AskingModels,
    Sliders,
    Sharing,
    Reviewing,
    Grouping,
):
    """One screen, four regions."""

    # Selecting and moving

    def select(self, key: NodeKey | None) -> None:
        """Select a node and show it everywhere."""
        if key is not None:
            self.session.select(key)
            self.show_all()

    def on_node_chosen(self, message: NodeChosen) -> None:
        """A node was chosen in the graph or the table."""
        self.select(message.key)

    def on_node_followed(self, message: NodeFollowed) -> None:
        """A node was entered in a list."""
        self.select(message.key)

    def on_supernode_chosen(self, message: SupernodeChosen) -> None:
        """Mark a supernode's members."""
        group = self.session.annotations.supernode(message.name)
        if group:
            self.session.mark(group.members)
            self.show_all()

    def on_list_opened(self, message: ListOpened) -> None:
        """Show the rest of a list."""
        self.query_one(FeaturePanel).open_list(message.name)

    def on_region_chosen(self, message: RegionChosen) -> None:
        """A tab was clicked."""
        self.focus_region(message.region)

    async def on_command_chosen(self, message: CommandChosen) -> None:
        """A command was clicked in the footer."""
        await self.action_run_command(message.command)

    async def action_run_command(self, name: str) -> None:
        """Carry out a command by its id, where it belongs."""
        regions = BY_ID[name].regions
        if not regions:
            await self.run_action(name)
            return
        if self.region_name not in regions:
            self.focus_region(regions[0])
        self.action_go(self.region_name, name)

    def action_go(self, region: str, command: str) -> None:
        """Carry out a region's own command; what it leads to is selected before the next key."""
        widget = self.region_widget(region)
        key = widget.go(command)
        if widget.marks is not None:
            self.session.marked = widget.marks
        self.select(key)

    def action_follow(self) -> None:
        """Enter the line under the cursor, or follow the strongest edge."""
        widget = self.region_widget(self.region_name)
        message = widget.entered if isinstance(widget, LineList) else None
        if message is not None:
            self.post_message(message)
            return
        place = self.session.place
        self.select(None if place is None else self.view.strongest(place))

    def action_back(self) -> None:
        """The node selected before."""
        if self.session.back():
            self.show_all()

    def action_forward(self) -> None:
        """Undo going back."""
        if self.session.forward():
            self.show_all()

    def action_region_1(self) -> None:
        """The link graph."""
        self.focus_region(REGIONS[0])

    def action_region_2(self) -> None:
        """The feature panel."""
        self.focus_region(REGIONS[1])

    def action_region_3(self) -> None:
        """The node table."""
        self.focus_region(REGIONS[2])

    def action_region_4(self) -> None:
        """The supernodes."""
        self.focus_region(REGIONS[3])

    def action_next_region(self) -> None:
        """The next region."""
        self._region_beside(1)

    def action_previous_region(self) -> None:
        """The region before."""
        self._region_beside(-1)

    def _region_beside(self, step: int) -> None:
        at = REGIONS.index(self.region_name) + step
        self.focus_region(REGIONS[at % len(REGIONS)])

    def action_zoom(self) -> None:
        """The region alone, or all of them again."""
        self.zoomed = not self.zoomed
        self.lay_out()

    # Looking

    def action_lower(self) -> None:
        """Examples of lower activation."""
        self._quantile(1)

    def action_higher(self) -> None:
        """Examples of higher activation."""
        self._quantile(-1)

    def _quantile(self, step: int) -> None:
        key = self.session.selected
        record = self.session.record(key.feature_key) if key else None
        last = len(record.quantiles) - 1 if record else 0
        self.view.quantile = max(0, min(last, min(self.view.quantile, last) + step))
        self.region_widget("feature").show_view()

    # Files

    async def action_save(self) -> None:
        """Write the graph file; keys typed meanwhile wait."""
        await self._save()

    async def _save(self) -> bool:
        path = await self.save_file()
        if path is None:
            return False
        self.query_one(KeyLine).saved_at = datetime.now().strftime("%H:%M:%S")
        self.say(f"saved {path}")
        self.show_all()
        return True

    def action_export(self) -> None:
        """Ask for a format and a path."""
        from graphlabel.export import FORMATS

        formats = {
            name: ExportFormatChoice(each.suffix, each.description)
            for name, each in FORMATS.items()
        }
        self.app.push_screen(ExportScreen(formats, self.session.path), self._export)

    async def _export(self, chosen: Export | None) -> None:
        if chosen is None:
            return
        from graphlabel.export import export_graph

        document = self.session.document.annotated(self.session.annotations)
        try:
            await asyncio.to_thread(export_graph, document, chosen.format, chosen.path)
        except GraphLabelError as error:
            self.say(str(error), bad=True)
            return
        self.say(f"exported {chosen.path}")

    def action_quit(self) -> None:
        """Leave; a file that is behind the edits is asked about."""
        if self.is_busy(self.action_quit):
            return
        if self.session.is_saved:
            self.app.exit()
            return
        kept = "your edits stay in the store" if self.session.store else "your edits are lost"
        question = f"{self.session.path.name} does not have your last edits."
        choices = (
            Choice("s", "save", "save the file and quit"),
            Choice("d", "leave", f"quit without saving the file ({kept})"),
            Choice("c", "", "cancel"),
        )
        self.app.push_screen(ConfirmScreen(question, choices), self._quit)

    async def _quit(self, answer: str | None) -> None:
        if answer == "leave" or (answer == "save" and await self._save()):
            self.app.exit()

    # Help

    def action_help(self) -> None:
        """All commands, glyphs and classes."""
        self.app.push_screen(HelpScreen(self.view.commands))

    def action_palette(self) -> None:
        """Find a command by name."""
        self.app.action_command_palette()
