"""A focusable region of the workbench, and the region that is a list of lines."""

from __future__ import annotations

from collections.abc import Callable
from itertools import zip_longest

from textual import events
from textual.content import Content
from textual.geometry import Size
from textual.message import Message
from textual.strip import Strip

from graphlabel.graph import NodeKey
from graphlabel_tui.lines import Line
from graphlabel_tui.messages import NodeFollowed, SupernodeChosen
from graphlabel_tui.view import View
from graphlabel_tui.widgets.painted import Painted


class Region(Painted, can_focus=True):
    """One of the four regions; ``name`` is its name in the command registry."""

    def __init__(self, view: View, region: str) -> None:
        """Show a view."""
        super().__init__(id=region)
        self.view = view
        self.region_name = region
        self.marks: dict[NodeKey, None] | None = None
        """What is to be marked after the last command; None when it marks nothing."""
        self._titles = ("", "")

    def titled(self, title: str, note: str = "") -> None:
        """Set the border's title and, at its lower right, a note."""
        if (title, note) == self._titles:
            return  # setting them paints the whole region
        self._titles = (title, note)
        self.border_title = Content(f" {title} ")
        self.border_subtitle = Content(f" {note} ") if note else None

    def show_view(self) -> None:
        """Paint what changed since the last call."""
        raise NotImplementedError  # every region has its own; Textual's metaclass rules out ABC

    def go(self, command: str) -> NodeKey | None:
        """Carry out a command of the region; the node it leads to, when it selects one."""
        self.marks = None
        step: Callable[[], NodeKey | None] = getattr(self, f"go_{command}")
        return step()


class LineList(Region):
    """A region that is a list of lines, some of which lead somewhere."""

    def __init__(self, view: View, region: str) -> None:
        """Start empty."""
        super().__init__(view, region)
        self.lines: list[Line] = []
        self._cursor = -1

    @property
    def cursor(self) -> int:
        """The line that Enter enters; -1 for none."""
        return self._cursor

    @cursor.setter
    def cursor(self, row: int) -> None:
        if row != self._cursor:
            self.refresh_rows((self._cursor, row))
            self._cursor = row

    def show_view(self) -> None:
        """Make the lines anew for the width there is, and paint those that changed."""
        width = self.room.width
        before = self.lines
        self.lines = self.make_lines(width) if width > 0 else []
        if not (0 <= self.cursor < len(self.lines) and self.lines[self.cursor].is_choice):
            self.cursor = -1
        self.spans_size(Size(self.whole_width(), len(self.lines)))
        pairs = enumerate(zip_longest(before, self.lines))
        self.refresh_rows(row for row, (old, new) in pairs if old != new)

    def whole_width(self) -> int:
        """How many cells there are to scroll sideways."""
        return self.room.width

    def make_lines(self, width: int) -> list[Line]:
        """The lines to show."""
        raise NotImplementedError  # every region has its own; Textual's metaclass rules out ABC

    def on_resize(self) -> None:
        """Make the lines anew: they depend on the width."""
        self.show_view()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width = self.room.width
        row = y + self.scroll_offset.y
        if not 0 <= row < len(self.lines):
            return self.strip_of((), width)
        over = "cursor" if row == self.cursor and self.has_focus else ""
        return self.strip_of(self.lines[row].spans, width, over)

    @property
    def entered(self) -> Message | None:
        """What Enter means on the line under the cursor; None without a cursor."""
        if not 0 <= self.cursor < len(self.lines):
            return None
        return self.leads_to(self.lines[self.cursor])

    def leads_to(self, chosen: Line) -> Message | None:
        """What entering a line means."""
        return entered(chosen)

    def on_click(self, event: events.Click) -> None:
        """Enter the line that was clicked."""
        row = event.y - self.gutter.top + self.scroll_offset.y
        message = self.leads_to(self.lines[row]) if 0 <= row < len(self.lines) else None
        if message:
            self.post_message(message)

    def go_up(self) -> None:
        """The choice above, or a line up."""
        self._step(-1)

    def go_down(self) -> None:
        """The choice below, or a line down."""
        self._step(1)

    def go_page_up(self) -> None:
        """A page up."""
        self.scroll_page_up(animate=False)

    def go_page_down(self) -> None:
        """A page down."""
        self.scroll_page_down(animate=False)

    def go_first(self) -> None:
        """Back to the top."""
        self.cursor = -1
        self.scroll_home(animate=False)

    def go_last(self) -> None:
        """The last choice."""
        choices = [row for row, each in enumerate(self.lines) if each.is_choice]
        self.cursor = choices[-1] if choices else -1
        self.scroll_end(animate=False)

    def _step(self, step: int) -> None:
        top, height = self.scroll_offset.y, self.room.height
        start = self.cursor if self.cursor >= 0 else (top - 1 if step > 0 else top)
        rows = range(start + step, len(self.lines) if step > 0 else -1, step)
        found = next((row for row in rows if self.lines[row].is_choice), None)
        near = found is not None and top - height // 2 <= found <= top + height + height // 2
        if found is None or not near:
            self.scroll_relative(y=step, animate=False)
            return
        self.cursor = found
        if found < top:
            self.scroll_to(y=max(0, found - 1), animate=False)
        elif found >= top + height:
            self.scroll_to(y=found - height + 1, animate=False)


def entered(chosen: Line) -> Message | None:
    """What entering a line means."""
    if chosen.target is not None:
        return NodeFollowed(chosen.target)
    return SupernodeChosen(chosen.name) if chosen.name else None
