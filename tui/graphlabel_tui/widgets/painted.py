"""The base of all widgets that paint lines of spans, one screen line at a time."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from rich.style import Style
from textual.scroll_view import ScrollView
from textual.strip import Strip

from graphlabel_tui.lines import Span

ROLES = (
    "input", "output", "cross", "obscure", "unrouted", "error", "token", "logit",
    "plus", "minus", "plus-weak", "plus-middle", "plus-strong",
    "minus-weak", "minus-middle", "minus-strong",
    "heat-1", "heat-2", "heat-3", "heat-4", "peak",
    "muted", "line", "bold", "italic", "title", "key", "cursor", "ring", "marked", "warn", "good",
)  # fmt: skip
"""What a span may be; ``.paint--<role>`` in app.tcss says how it looks."""


class Painted(ScrollView):
    """A widget made of spans, drawn with the Line API."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {f"paint--{role}" for role in ROLES}

    def __init__(self, *, id: str | None = None) -> None:
        """Start without styles."""
        super().__init__(id=id)
        self._styles_by_role: dict[str, Style] = {}

    def notify_style_update(self) -> None:
        """The theme changed: paint everything anew."""
        super().notify_style_update()
        self._styles_by_role = {}
        self.forget_strips()

    def forget_strips(self) -> None:
        """Drop cached strips; widgets that keep any override this."""

    def role_style(self, role: str) -> Style:
        """The style of a role, or of several separated by spaces."""
        if role not in self._styles_by_role:
            style = self.rich_style
            for name in role.split():
                style += self.get_component_rich_style(f"paint--{name}", partial=True)
            self._styles_by_role[role] = style
        return self._styles_by_role[role]

    def strip_of(self, spans: Iterable[Span], width: int, role: str = "") -> Strip:
        """The spans as a strip of exactly ``width`` cells, ``role`` lying over all of them."""
        segments = [
            Segment(span.text, self.role_style(f"{span.role} {role}".strip())) for span in spans
        ]
        return Strip(segments).adjust_cell_length(width, self.role_style(role))
