"""What the supernode graph does to the rest of the workbench: marking whole boxes."""

from __future__ import annotations

from graphlabel_tui.messages import BoxMarked
from graphlabel_tui.screens.arranging import Arranging
from graphlabel_tui.widgets.supernode_panel import SupernodePanel


class CircuitMarking(Arranging):
    """Space marks what is under the cursor of the supernode graph."""

    def action_mark(self) -> None:
        """Mark or unmark the box under the cursor, or the selected node."""
        widget = self.region_widget(self.region_name)
        message = widget.marking if isinstance(widget, SupernodePanel) else None
        if message is None:
            super().action_mark()
        else:
            self.post_message(message)

    def on_box_marked(self, message: BoxMarked) -> None:
        """Mark or unmark a box's members."""
        self.session.mark(message.keys)
        self.show_all()
