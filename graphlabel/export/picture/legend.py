"""The legend below the picture."""

from __future__ import annotations

from collections.abc import Callable, Collection

from graphlabel.export.markup import element, number, text
from graphlabel.export.picture.stroke import edge_width, line_of
from graphlabel.export.picture.text import text_width
from graphlabel.export.picture.theme import Theme, colours
from graphlabel.graph import NodeKind

SIZE = 12.0
ROW = 24.0
SYMBOL = 34.0
Item = tuple[str, Callable[[], str]]


def legend(
    kinds: Collection[tuple[NodeKind, bool]], strongest: float, theme: Theme, room: float
) -> tuple[str, float]:
    """The legend's drawing and height in pixels; it breaks into rows no wider than ``room``."""
    x = y = 0.0
    parts = []
    for said, symbol in (*_lines(strongest, theme), *_boxes(kinds, theme)):
        width = SYMBOL + 8 + text_width(said, SIZE) + 22
        if x and x + width > room:
            x, y = 0.0, y + ROW
        words = {"x": SYMBOL + 8, "y": 4.2, "font-size": SIZE, "fill": theme.quiet}
        inner = symbol() + element("text", words, text(said))
        parts.append(
            element("g", {"transform": f"translate({number(x)} {number(y + ROW / 2)})"}, inner)
        )
        x += width
    return "".join(parts), y + ROW


def _lines(strongest: float, theme: Theme) -> list[Item]:
    def line(weight: float, colour: str) -> Callable[[], str]:
        width = edge_width(weight, strongest)
        shape = line_of(weight, width, colour)
        return lambda: element("path", {"d": f"M0 0H{number(SYMBOL)}", **shape})

    weak = strongest / 5
    return [
        ("raises its target", line(strongest / 2.5, theme.positive)),
        ("lowers its target", line(-strongest / 2.5, theme.negative)),
        (f"{weak:.0%} of the target's input" if weak >= 0.01 else "weak", line(weak, theme.quiet)),
        (f"{strongest:.0%}", line(strongest, theme.quiet)),
    ]


def _boxes(kinds: Collection[tuple[NodeKind, bool]], theme: Theme) -> list[Item]:
    items: list[Item] = []
    for kind, grouped, said in (
        (NodeKind.LOGIT, False, "next token"),
        (NodeKind.FEATURE, True, "supernode"),
        (NodeKind.FEATURE, False, "feature"),
        (NodeKind.ERROR, False, "error"),
        (NodeKind.TOKEN, False, "token"),
    ):
        if (kind, grouped) in kinds:
            fill, line = colours(kind, grouped, theme)
            items.append((said, lambda fill=fill, line=line: _patch(fill, line)))  # type: ignore[misc]
    return items


def _patch(fill: str, line: str) -> str:
    shape = {"x": 4, "y": -7, "width": 26, "height": 14, "rx": 4, "fill": fill, "stroke": line}
    return element("rect", shape)
