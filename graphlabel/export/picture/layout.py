"""Where boxes stand and edges run, in pixels; y grows downwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from graphlabel.export.picture.ordering import Layers, order_rows
from graphlabel.export.picture.placing import centres
from graphlabel.export.picture.rows import BOX_GAP, rows_of
from graphlabel.export.picture.scene import Box, Scene
from graphlabel.export.picture.text import text_width, wrap
from graphlabel.graph import NodeKind, SupernodeEdge

LABEL_SIZE = 15.0
DETAIL_SIZE = 11.5
LINE = 19.0
PADDING = 11.0
LABEL_WIDTH = 168.0
LABEL_LINES = 3
ROW_GAP = 74.0
LANE = 14.0
"""Width of the lane an edge takes through a row it passes."""
BOLD = 1.13
"""How much wider bold text is."""
STACK = 5.0
"""How far the second sheet of a supernode shows."""

Point = tuple[float, float]


@dataclass(frozen=True)
class PlacedBox:
    """A box with its corner, its size and its label broken into lines."""

    box: Box
    x: float
    y: float
    width: float
    height: float
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Route:
    """An edge's way: pairs of points to join by curves; between pairs it runs straight up."""

    edge: SupernodeEdge
    points: tuple[Point, ...]
    """From the source's border to the target's; an even number."""
    level: bool
    """Whether it stays within a row, and bends over it."""


@dataclass(frozen=True)
class Layout:
    """Everything placed, in a rectangle from (0, 0)."""

    width: float
    height: float
    boxes: tuple[PlacedBox, ...]
    routes: tuple[Route, ...]
    """Weakest first, so that strong edges are drawn over weak ones."""


@dataclass
class _Work:
    """The layered graph while it is laid out; nodes below ``len(boxes)`` are boxes."""

    boxes: list[Box]
    layers: Layers
    widths: list[float]
    heights: list[float]
    chains: list[tuple[SupernodeEdge, list[int]]] = field(default_factory=list)
    """Every edge with the nodes it passes, in its own direction."""


def lay_out(scene: Scene) -> Layout:
    """Place a scene: rows, order with few crossings, straight edges where there is room."""
    if not scene.boxes:
        return Layout(0.0, 0.0, (), ())
    lines = {box.name: wrap(box.label, LABEL_SIZE, LABEL_WIDTH, LABEL_LINES) for box in scene.boxes}
    work = _layered(scene, {box.name: _width(box, lines[box.name]) for box in scene.boxes}, lines)
    order_rows(work.layers)
    middles = centres(work.layers, work.widths, len(work.boxes), BOX_GAP)
    left = min(x - width / 2 for x, width in zip(middles, work.widths, strict=True))
    xs = [x - left for x in middles]
    tops, height = _tops(work)
    placed = _placed(work, xs, tops, lines)
    routes = sorted(_routes(work, xs, tops, placed), key=lambda r: abs(r.edge.weight))
    width = max(x + w / 2 for x, w in zip(xs, work.widths, strict=True))
    return Layout(width, height, tuple(placed), tuple(routes))


def _width(box: Box, lines: Sequence[str]) -> float:
    label = max(text_width(line, LABEL_SIZE) for line in lines) * (BOLD if box.is_group else 1.0)
    return max(label, text_width(box.detail, DETAIL_SIZE), 52.0) + 2 * PADDING


def _layered(scene: Scene, widths: Mapping[str, float], lines: Mapping[str, list[str]]) -> _Work:
    rows = rows_of(scene, widths)
    boxes = [box for row in rows for box in row]
    number = {box.name: place for place, box in enumerate(boxes)}
    n_token_rows = sum(row[0].kind is NodeKind.TOKEN for row in rows)
    # one row of tokens reads like the prompt; where there are more, edges pass between them
    fixed = frozenset({0} if n_token_rows == 1 else ())
    layers = Layers([[number[box.name] for box in row] for row in rows], [], fixed)
    heights = [
        LINE * len(lines[box.name]) + (LINE if box.detail else 0.0) + 2 * PADDING - 4
        for box in boxes
    ]
    work = _Work(boxes, layers, [widths[box.name] for box in boxes], heights)
    row_of = layers.row_of()
    for edge in scene.edges:
        _chain(work, edge, number[edge.source], number[edge.target], row_of)
    return work


def _chain(
    work: _Work, edge: SupernodeEdge, source: int, target: int, row_of: Mapping[int, int]
) -> None:
    """Lead an edge through a placeholder in every row between its ends."""
    low, high = sorted((source, target), key=lambda node: row_of[node])
    chain = [low]
    for number in range(row_of[low] + 1, row_of[high]):
        work.layers.rows[number].append(len(work.widths))
        chain.append(len(work.widths))
        work.widths.append(LANE - BOX_GAP / 2)
        work.heights.append(0.0)
    chain.append(high)
    strength = abs(edge.weight) ** 0.5
    if row_of[low] != row_of[high]:
        pairs = pairwise(chain)
        work.layers.pieces += [(below, above, strength) for below, above in pairs]
    work.chains.append((edge, chain if chain[0] == source else chain[::-1]))


def _tops(work: _Work) -> tuple[list[tuple[float, float]], float]:
    """The top of every row and its height, bottom row first; and the height of all."""
    heights = [max(work.heights[node] for node in row) for row in work.layers.rows]
    y = sum(heights) + ROW_GAP * (len(heights) - 1)
    whole, tops = y, []
    for height in heights:
        tops.append((y - height, height))
        y -= height + ROW_GAP
    return tops, whole


def _placed(
    work: _Work,
    xs: Sequence[float],
    tops: Sequence[tuple[float, float]],
    lines: Mapping[str, list[str]],
) -> list[PlacedBox]:
    row_of = work.layers.row_of()
    placed = []
    for number, box in enumerate(work.boxes):
        top, row_height = tops[row_of[number]]
        width, height = work.widths[number], work.heights[number]
        y = top + (row_height - height) / 2
        placed.append(
            PlacedBox(box, xs[number] - width / 2, y, width, height, tuple(lines[box.name]))
        )
    return placed


def _routes(
    work: _Work,
    xs: Sequence[float],
    tops: Sequence[tuple[float, float]],
    placed: Sequence[PlacedBox],
) -> list[Route]:
    row_of = work.layers.row_of()
    ports = _ports(work, xs, placed, row_of)
    routes = []
    for number, (edge, chain) in enumerate(work.chains):
        points = [ports[number, 0]]
        first, last = row_of[chain[0]], row_of[chain[-1]]
        for node in chain[1:-1]:
            top, height = tops[row_of[node]]
            ends = [(xs[node], top + height), (xs[node], top)]
            points += ends if first < last else ends[::-1]
        routes.append(Route(edge, (*points, ports[number, 1]), level=first == last))
    return routes


def _ports(
    work: _Work, xs: Sequence[float], placed: Sequence[PlacedBox], row_of: Mapping[int, int]
) -> dict[tuple[int, int], Point]:
    """Where each edge (by number) leaves (0) and enters (1), spread along the box's border."""
    wanted: dict[tuple[int, bool], list[tuple[float, int, int]]] = {}
    for number, (_, chain) in enumerate(work.chains):
        level = row_of[chain[0]] == row_of[chain[-1]]
        rising = row_of[chain[0]] < row_of[chain[-1]]
        first = (chain[0], rising or level)  # which border: True is the upper one
        last = (chain[-1], level or not rising)
        wanted.setdefault(first, []).append((xs[chain[1]], number, 0))
        wanted.setdefault(last, []).append((xs[chain[-2]], number, 1))
    ports: dict[tuple[int, int], Point] = {}
    for (node, upper), users in wanted.items():
        box = placed[node]
        step = min(LANE, (box.width - 24) / max(len(users) - 1, 1))
        start = box.x + box.width / 2 - step * (len(users) - 1) / 2
        for place, (_, number, end) in enumerate(sorted(users)):
            lower = box.y + box.height + (STACK if len(box.box.members) > 1 else 0.0)
            ports[number, end] = (start + step * place, box.y if upper else lower)
    return ports
