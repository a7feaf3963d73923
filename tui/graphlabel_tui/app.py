"""The application: themes, the palette, the workbench on top."""

from __future__ import annotations

import gc
from typing import ClassVar

from textual.command import CommandPalette, Provider

from graphlabel_tui.comparing import SideBySide
from graphlabel_tui.preferences import Preferences, load_preferences, save_keys, save_state
from graphlabel_tui.screens.palette import Palette, RegistryCommands
from graphlabel_tui.screens.personal import Desk
from graphlabel_tui.screens.workbench import Workbench
from graphlabel_tui.session import Session
from graphlabel_tui.theme import DARK, THEMES
from graphlabel_tui.type_ahead import TypeAhead


class GraphLabelApp(TypeAhead):
    """graphlabel's terminal workbench on one session."""

    TITLE = "graphlabel"
    CSS_PATH = "app.tcss"
    COMMANDS: ClassVar[set[type[Provider] | object]] = {RegistryCommands}  # type: ignore[assignment]
    ENABLE_COMMAND_PALETTE = True

    def __init__(
        self, session: Session, compared: SideBySide | None = None, desk: Desk | None = None
    ) -> None:
        """Work on a session; start with a comparison if there is one.

        Without a desk nothing is remembered and no tour is shown.
        """
        super().__init__()
        self.desk = desk or Desk()
        self.session = session
        self.compared = compared
        for theme in THEMES:
            self.register_theme(theme)
        chosen = self.desk.preferences.theme
        self.theme = chosen if chosen in {theme.name for theme in THEMES} else DARK.name

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Our variables, for themes that do not define them."""
        return dict(DARK.variables)

    async def on_mount(self) -> None:
        """The workbench, on top of an empty screen so that another graph's can take its place."""
        workbench = Workbench(self.session)
        await self.push_screen(workbench)
        if self.compared:
            workbench.show_pair(self.compared)

    def action_command_palette(self) -> None:
        """Open the palette, unless it is open."""
        if not isinstance(self.screen, CommandPalette):
            self.push_screen(Palette(id="--command-palette"))


def run(session: Session, compared: SideBySide | None = None) -> None:
    """Open the workbench on a session; returns when the person quits."""

    def keep(preferences: Preferences) -> None:
        save_keys(preferences)
        save_state(preferences)

    gc.freeze()  # the graph stays to the end: no collection need go through it while keys wait
    GraphLabelApp(session, compared, Desk(load_preferences(), keep)).run()
