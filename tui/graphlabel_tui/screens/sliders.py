"""How much of the graph is in sight: the influence and the edge-density slider, errors."""

from __future__ import annotations

from graphlabel_tui.screens.base import WorkbenchBase


class Sliders(WorkbenchBase):
    """Commands that change how much is shown; nothing here is an edit."""

    def action_fewer(self) -> None:
        """A lower influence threshold."""
        self.view.move_threshold(-1)
        self.show_all()

    def action_more(self) -> None:
        """A higher influence threshold."""
        self.view.move_threshold(1)
        self.show_all()

    def action_fewer_edges(self) -> None:
        """Fewer edges of the selected node."""
        self.view.move_density(-1)
        self.show_all()

    def action_more_edges(self) -> None:
        """More edges of the selected node."""
        self.view.move_density(1)
        self.show_all()

    def action_errors(self) -> None:
        """Hide or show error nodes."""
        self.view.hide_errors = not self.view.hide_errors
        self.show_all()
