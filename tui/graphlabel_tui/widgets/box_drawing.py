"""The supernode graph as text: boxes in rows, edges in the channels between them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from graphlabel.graph import SupernodeEdge
from graphlabel_tui.lines import Line, clip
from graphlabel_tui.widgets.box_layout import BoxAt, BoxLayout
from graphlabel_tui.widgets.canvas import Canvas

BOX_LINES = 3


class Member(NamedTuple):
    """A line of an expanded box: a glyph, its role, and a name."""

    glyph: str
    role: str
    name: str


class Drawing(NamedTuple):
    """The drawn lines, and where the boxes came to stand."""

    lines: list[Line]
    tops: dict[str, tuple[int, int]]
    """Every box's first line and how many it has."""


class _Piece(NamedTuple):
    """A part of an edge within one channel."""

    edge: SupernodeEdge
    low: int
    high: int
    is_first: bool
    is_last: bool


def draw_boxes(
    layout: BoxLayout,
    members: Mapping[str, Sequence[Member]],
    chosen: str | None,
    marked: frozenset[str] = frozenset(),
) -> Drawing:
    """Draw the boxes; those in ``members`` are expanded, ``chosen`` has the cursor."""
    heights = [BOX_LINES] * layout.n_rows
    for name, found in members.items():
        if name in layout.boxes:
            row = layout.boxes[name].row
            heights[row] = max(heights[row], BOX_LINES + len(found))
    channels = [_tracks(pieces) for pieces in _pieces(layout)]
    tops: list[int] = [0] * layout.n_rows
    y = 0
    for row in reversed(range(layout.n_rows)):
        tops[row] = y
        y += heights[row] + (_channel_height(channels[row - 1]) if row else 0)
    canvas = Canvas(layout.width, y)
    _draw_ways(canvas, layout, channels, tops, heights, chosen)
    placed: dict[str, tuple[int, int]] = {}
    for name, at in layout.boxes.items():
        inside = members.get(name, ())
        height = BOX_LINES + len(inside)
        top = tops[at.row] + heights[at.row] - height
        placed[name] = (top, height)
        _draw_box(canvas, at, top, inside, name == chosen, name in marked)
    _draw_arrows(canvas, channels, tops, heights, chosen)
    return Drawing(canvas.lines(), placed)


Channel = list[tuple[_Piece, int]]
"""Pieces with their tracks, counted from the lower row up; straight pieces are on none (−1)."""


def _pieces(layout: BoxLayout) -> list[list[_Piece]]:
    """The pieces in the channel above each row but the highest."""
    channels: list[list[_Piece]] = [[] for _ in range(max(0, layout.n_rows - 1))]
    for way in layout.ways:
        last = len(way.columns) - 2
        for step in range(last + 1):
            low, high = way.columns[step], way.columns[step + 1]
            piece = _Piece(way.edge, low, high, step == 0, step == last)
            channels[way.first_row + step].append(piece)
    return channels


def _tracks(pieces: Sequence[_Piece]) -> Channel:
    """Give pieces that bend a track each, sharing one where they are apart.

    A piece that starts where another one ends goes below it, so that their uprights stay apart.
    """
    found: Channel = [(piece, -1) for piece in pieces if piece.low == piece.high]
    ends: list[list[tuple[int, int]]] = []
    bent = [piece for piece in pieces if piece.low != piece.high]
    starts = {piece.low: piece for piece in bent}
    # leftward edges nest from the left, rightward ones from the right: fewest crossings
    bent.sort(key=lambda p: (p.high in starts, p.low if p.high < p.low else -p.low))
    for piece in bent:
        left, right = sorted((piece.low, piece.high))
        track = next(
            (
                number
                for number, taken in enumerate(ends)
                if all(right + 1 < a or b + 1 < left for a, b in taken)
            ),
            len(ends),
        )
        if track == len(ends):
            ends.append([])
        ends[track].append((left, right))
        found.append((piece, track))
    return found


def _channel_height(channel: Channel) -> int:
    """The arrows, the tracks, and an empty line where there would be none."""
    return max([track for _, track in channel], default=-1) + 1 + (2 if channel else 1)


def _role(edge: SupernodeEdge, chosen: str | None) -> str:
    role = "plus" if edge.weight >= 0 else "minus"
    return f"{role} bold" if chosen in (edge.source, edge.target) else role


def _draw_ways(
    canvas: Canvas,
    layout: BoxLayout,
    channels: Sequence[Channel],
    tops: Sequence[int],
    heights: Sequence[int],
    chosen: str | None,
) -> None:
    for row, channel in enumerate(channels):
        below, above = tops[row], tops[row + 1] + heights[row + 1]
        for piece, track in sorted(channel, key=lambda each: abs(each[0].edge.weight)):
            level = below - 1 - track
            # boxes are drawn over what starts at their feet
            start = below + heights[row] - (1 if piece.is_first else 0)
            bend = [(piece.low, level), (piece.high, level)] if track >= 0 else []
            points = [(piece.low, start), *bend, (piece.high, above)]
            dashed = piece.edge.weight < 0
            canvas.path(points, _role(piece.edge, chosen), dashed=dashed)


def _draw_arrows(
    canvas: Canvas,
    channels: Sequence[Channel],
    tops: Sequence[int],
    heights: Sequence[int],
    chosen: str | None,
) -> None:
    for row, channel in enumerate(channels):
        y = tops[row + 1] + heights[row + 1]
        for piece, _ in channel:
            if piece.is_last:
                text = f"▲{short(piece.edge.weight)}"
                canvas.write(piece.high, y, text, _role(piece.edge, chosen))


def short(weight: float) -> str:
    """A signed share of a box's input in three or four characters: ``+.42``."""
    size = f"{abs(weight):.2f}".removeprefix("0")
    return f"{'+' if weight >= 0 else '−'}{size}"


def _draw_box(
    canvas: Canvas,
    at: BoxAt,
    top: int,
    inside: Sequence[Member],
    is_chosen: bool,
    is_marked: bool,
) -> None:
    border = "title" if is_chosen else "line"
    flat, sides, corners = ("═", "║", "╔╗╚╝") if is_chosen else ("─", "│", "╭╮╰╯")
    inner = at.width - 2
    canvas.write(at.x, top, corners[0] + flat * inner + corners[1], border)
    bottom = top + BOX_LINES + len(inside) - 1
    for y in range(top + 1, bottom):
        canvas.write(at.x, y, sides + " " * inner + sides, border)
    canvas.write(at.x, bottom, corners[2] + flat * inner + corners[3], border)
    role = "title" if is_chosen else "bold" if at.box.is_group else at.box.kind.value
    role = role if role in ("title", "bold", "token", "logit", "error") else ""
    canvas.write(at.x + 2, top + 1, at.label, f"{role} marked".strip() if is_marked else role)
    if at.detail:
        canvas.write(at.x + 2, bottom, f" {at.detail} ", "muted")
    for number, member in enumerate(inside):
        canvas.write(at.x + 2, top + 2 + number, member.glyph, member.role)
        canvas.write(at.x + 4, top + 2 + number, clip(member.name, at.width - 6))
