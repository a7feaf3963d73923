"""Drawing the supernode graph as SVG."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from graphlabel.export.markup import element, number, text
from graphlabel.export.picture.layout import (
    DETAIL_SIZE,
    LABEL_SIZE,
    LINE,
    PADDING,
    STACK,
    Layout,
    PlacedBox,
    Point,
    Route,
    lay_out,
)
from graphlabel.export.picture.legend import legend
from graphlabel.export.picture.scene import Scene
from graphlabel.export.picture.stroke import arrow, edge_name, edge_width, line_of
from graphlabel.export.picture.text import FONTS, wrap
from graphlabel.export.picture.theme import Theme, colours
from graphlabel.graph import NodeKind

MARGIN = 32.0
LEAST_WIDTH = 640.0
TITLE_SIZE = 21.0
PROMPT_SIZE = 15.0
CAPTION_SIZE = 12.0


@dataclass(frozen=True)
class Words:
    """What the picture says around the graph."""

    title: str
    prompt: str
    captions: tuple[str, ...] = ()


def draw_svg(scene: Scene, words: Words, theme: Theme, *, interactive: bool = False) -> str:
    """The picture as an SVG document, deterministic; text is inert and escaped.

    ``interactive`` boxes can be focused and carry their number as ``data-box``, for a page.
    """
    layout = lay_out(scene)
    width = max(layout.width + 2 * MARGIN, LEAST_WIDTH)
    header, y = _header(words, width, theme)
    left = (width - layout.width) / 2
    strongest = max((abs(route.edge.weight) for route in layout.routes), default=1.0)
    graph = "".join(
        (
            *(_edge(route, strongest, layout, theme) for route in layout.routes),
            *(
                _box(placed, theme, scene.boxes.index(placed.box) if interactive else None)
                for placed in layout.boxes
            ),
        )
    )
    moved = element("g", {"transform": f"translate({number(left)} {number(y)})"}, graph)
    y += layout.height + MARGIN
    footer, y = _footer(words, layout, strongest, (width, y), theme)
    size = {"width": round(width), "height": round(y + MARGIN / 2)}
    ground = element("rect", {**size, "fill": theme.background})
    name = element("title", {}, text(f"{words.title}: {words.prompt}"))
    head = {
        "xmlns": "http://www.w3.org/2000/svg",
        "viewBox": f"0 0 {size['width']} {size['height']}",
        **size,
        "font-family": FONTS,
        "role": "group" if interactive else "img",
    }
    return element("svg", head, "\n".join((name, ground, header, moved, footer))) + "\n"


def _words(
    x: float,
    y: float,
    size: float,
    fill: str,
    words: str,
    weight: str | None = None,
    anchor: str | None = None,
) -> str:
    place = {"x": x, "y": y, "font-size": size, "fill": fill}
    return element("text", {**place, "font-weight": weight, "text-anchor": anchor}, text(words))


def _header(words: Words, width: float, theme: Theme) -> tuple[str, float]:
    y = MARGIN + TITLE_SIZE
    room = width - 2 * MARGIN
    (title,) = wrap(words.title, TITLE_SIZE, room, 1)
    parts = [_words(MARGIN, y, TITLE_SIZE, theme.text, title, "600")]
    for line in wrap(words.prompt, PROMPT_SIZE, room, 3):
        y += PROMPT_SIZE * 1.5
        parts.append(_words(MARGIN, y, PROMPT_SIZE, theme.quiet, line))
    return "".join(parts), y + MARGIN


def _footer(
    words: Words, layout: Layout, strongest: float, corner: Point, theme: Theme
) -> tuple[str, float]:
    width, y = corner
    kinds = {(placed.box.kind, placed.box.is_group) for placed in layout.boxes}
    drawn, height = legend(kinds, strongest, theme, width - 2 * MARGIN)
    parts = [element("g", {"transform": f"translate({number(MARGIN)} {number(y)})"}, drawn)]
    y += height
    for caption in words.captions:
        for line in wrap(caption, CAPTION_SIZE, width - 2 * MARGIN, 3):
            y += CAPTION_SIZE * 1.5
            parts.append(_words(MARGIN, y, CAPTION_SIZE, theme.quiet, line))
    return "".join(parts), y


def _edge(route: Route, strongest: float, layout: Layout, theme: Theme) -> str:
    weight = route.edge.weight
    width = edge_width(weight, strongest)
    points, tip = arrow(route.points, width)
    colour = theme.positive if weight >= 0 else theme.negative
    names = {placed.box.name: placed.box.label for placed in layout.boxes}
    said = f"{names[route.edge.source]} → {names[route.edge.target]}: {edge_name(weight)}"
    way = _arc(points) if route.level else _curve(points)
    line = element("path", {"d": way, **line_of(weight, width, colour)})
    head = element("path", {"d": _polygon(tip), "fill": colour})
    return element("g", {"opacity": "0.82"}, element("title", {}, text(said)) + line + head)


def _curve(points: Sequence[Point]) -> str:
    """Curves between pairs of points, leaving and arriving upright; straight between pairs."""
    (x, y), *rest = points
    said = [f"M{number(x)} {number(y)}"]
    for place, (to_x, to_y) in enumerate(rest):
        if place % 2:
            said.append(f"L{number(to_x)} {number(to_y)}")
        else:
            half = (y + to_y) / 2
            said.append(_bend((x, half), (to_x, half), (to_x, to_y)))
        x, y = to_x, to_y
    return "".join(said)


def _arc(points: Sequence[Point]) -> str:
    """A bend above the row, as high as the gap between rows allows."""
    (x, y), (to_x, to_y) = points
    lift = min(y, to_y) - min(34 + abs(to_x - x) / 12, 80)
    return f"M{number(x)} {number(y)}" + _bend((x, lift), (to_x, lift), (to_x, to_y))


def _bend(*points: Point) -> str:
    return "C" + " ".join(f"{number(x)} {number(y)}" for x, y in points)


def _polygon(points: Iterable[Point]) -> str:
    return "M" + "L".join(f"{number(x)} {number(y)}" for x, y in points) + "Z"


def _box(placed: PlacedBox, theme: Theme, place: int | None) -> str:
    box = placed.box
    said = element("title", {}, text(f"{box.label} ({box.detail})" if box.detail else box.label))
    handles = {} if place is None else {"data-box": place, "tabindex": 0, "role": "button"}
    named = {} if place is None else {"aria-label": f"{box.label}, {box.detail}"}
    return element("g", {**handles, **named}, said + _frame(placed, theme) + _labels(placed, theme))


def _frame(placed: PlacedBox, theme: Theme) -> str:
    box = placed.box
    fill, line = colours(box.kind, box.is_group, theme)
    radius = 14 if box.kind in (NodeKind.TOKEN, NodeKind.LOGIT) else 7
    shape = {"width": placed.width, "height": placed.height, "rx": radius, "fill": fill}
    stroke = {"stroke": line, "stroke-width": 1.0 if box.context else 1.6}
    behind = ""
    if len(box.members) > 1:
        behind = element("rect", {"x": placed.x + STACK, "y": placed.y + STACK, **shape, **stroke})
    return behind + element("rect", {"x": placed.x, "y": placed.y, **shape, **stroke})


def _labels(placed: PlacedBox, theme: Theme) -> str:
    centre, y = placed.x + placed.width / 2, placed.y + PADDING - 4
    weight = "600" if placed.box.is_group else None
    parts = []
    for line in placed.lines:
        y += LINE
        parts.append(_words(centre, y - 3, LABEL_SIZE, theme.text, line, weight, "middle"))
    if placed.box.detail:
        detail = placed.box.detail
        parts.append(_words(centre, y + LINE - 3, DETAIL_SIZE, theme.quiet, detail, None, "middle"))
    return "".join(parts)
