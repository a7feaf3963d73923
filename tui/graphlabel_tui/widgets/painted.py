"""The base of all widgets that paint lines of spans, one screen line at a time."""

from __future__ import annotations

from collections.abc import Iterable

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.geometry import Region, Size
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.widget import Widget

from graphlabel_tui.lines import Span
from graphlabel_tui.theme import ROLES, WITHOUT_COLOR


class Painted(ScrollView):
    """A widget made of spans, drawn with the Line API.

    Roles are looked up among the theme's variables rather than as component classes: dozens of
    those on every widget would make each change of focus restyle hundreds of nodes.
    """

    def __init__(self, *, id: str | None = None) -> None:
        """Start without styles."""
        super().__init__(id=id)
        self._role_styles: dict[str, Style] = {}
        self._styled_for: object = None
        self._room: Size | None = None

    def notify_style_update(self) -> None:
        """Paint everything anew when the theme or the widget's own colours changed."""
        super().notify_style_update()
        state = (self.app.theme, self.rich_style)
        if state != self._styled_for:
            self._styled_for = state
            self._role_styles = {}
            self.forget_strips()

    def forget_strips(self) -> None:
        """Drop cached strips; widgets that keep any override this."""

    def spans_size(self, size: Size) -> None:
        """Say how large what there is to scroll has become.

        Setting ``virtual_size`` has Textual lay out and paint the whole screen; here only a
        scrollbar that comes or goes does.
        """
        if size == self.virtual_size:
            return
        self.set_reactive(Widget.virtual_size, size)
        self._scroll_update(size)
        if self.scroll_y > self.max_scroll_y:
            self.scroll_to(y=self.max_scroll_y, animate=False, immediate=True)
        if self.scroll_x > self.max_scroll_x:
            self.scroll_to(x=self.max_scroll_x, animate=False, immediate=True)

    @property
    def room(self) -> Size:
        """Cells inside the border, the padding and the scrollbars."""
        return self._room or self.scrollable_content_region.size

    def render_lines(self, crop: Region) -> list[Strip]:
        """The lines that are to be painted; how much room there is is worked out but once."""
        self._room = self.scrollable_content_region.size
        try:
            return super().render_lines(crop)
        finally:
            self._room = None

    def refresh_rows(self, rows: Iterable[int]) -> None:
        """Paint some lines of what is scrolled anew: neighbours together, none out of sight."""
        top = self.scroll_offset.y
        seen = sorted(row for row in set(rows) if top <= row < top + self.size.height)
        while seen:
            count = next((n for n, row in enumerate(seen) if row != seen[0] + n), len(seen))
            self.refresh_lines(seen[0], count)
            del seen[:count]

    def role_style(self, role: str) -> Style:
        """The style of a role, or of several separated by spaces, the last one on top."""
        if role not in self._role_styles:
            style = self.rich_style
            variables = self.app.theme_variables
            for name in role.split():
                color, background, rest = ROLES[name]
                if self.app.no_color:
                    style += Style.parse(WITHOUT_COLOR.get(name, ""))
                style += Style.parse(rest) + Style(
                    color=variables[color] if color else None,
                    bgcolor=variables[background] if background else None,
                )
            self._role_styles[role] = style
        return self._role_styles[role]

    def strip_of(self, spans: Iterable[Span], width: int, role: str = "") -> Strip:
        """The spans as a strip of exactly ``width`` cells, ``role`` lying over all of them."""
        segments: list[Segment] = []
        length = 0
        for text, own in spans:
            segments.append(
                Segment(text, self.role_style(f"{own} {role}".strip() if role else own))
            )
            length += cell_len(text)
        if length < width:
            segments.append(Segment(" " * (width - length), self.role_style(role)))
            length = width
        return Strip(segments, length).adjust_cell_length(width)


class PaintedLine(Painted):
    """A widget of one line, painted only when what it says changed."""

    def __init__(self, *, id: str) -> None:
        """Nothing was painted."""
        super().__init__(id=id)
        self._spans: tuple[Span, ...] = ()

    def make_spans(self, width: int) -> tuple[Span, ...]:
        """What the line says."""
        raise NotImplementedError  # every line has its own; Textual's metaclass rules out ABC

    def show_view(self) -> None:
        """Paint what changed since the last call."""
        if self.make_spans(self.size.width) != self._spans:
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """The line."""
        self._spans = self.make_spans(self.size.width)
        return self.strip_of(self._spans, self.size.width)
