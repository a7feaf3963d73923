"""Where the boxes of the supernode graph stand in cells, and which way its edges run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from rich.cells import cell_len

from graphlabel.export.picture.ordering import Layers, order_rows
from graphlabel.export.picture.placing import centres
from graphlabel.export.picture.rows import rows_of
from graphlabel.export.picture.scene import Box, Scene
from graphlabel.graph import SupernodeEdge
from graphlabel_tui.lines import clip

LABEL_WIDTH = 24
GAP = 2
PORT = 6
"""Cells an arriving edge takes: its arrow and its weight."""
MOST_IN = 4
"""So many of the strongest edges into a box are drawn; the others are told beside the drawing."""


@dataclass(frozen=True)
class BoxAt:
    """A box in the drawing; ``row`` counts from the bottom."""

    box: Box
    label: str
    detail: str
    row: int
    x: int
    width: int

    @property
    def middle(self) -> int:
        """The column in the middle of the box."""
        return self.x + self.width // 2


@dataclass(frozen=True)
class Way:
    """An edge's way: the column it leaves at, those it passes rows at, the one it arrives at."""

    edge: SupernodeEdge
    first_row: int
    columns: tuple[int, ...]


@dataclass
class BoxLayout:
    """Everything placed."""

    boxes: dict[str, BoxAt] = field(default_factory=dict)
    ways: list[Way] = field(default_factory=list)
    left_out: list[SupernodeEdge] = field(default_factory=list)
    """Edges that do not rise from a row to a higher one, and weak ones into crowded boxes."""
    width: int = 0
    n_rows: int = 0

    def beside(self, name: str, dx: int, dy: int) -> str | None:
        """The box beside, above (``dy`` = −1) or below another one; None at the border."""
        here = self.boxes[name]
        if dx:
            near = [each for each in self.boxes.values() if each.row == here.row]
            near = [each for each in near if (each.x - here.x) * dx > 0]
        else:
            near = [each for each in self.boxes.values() if each.row == here.row - dy]
        found = min(near, key=lambda each: abs(each.middle - here.middle), default=None)
        return found.box.name if found else None


def lay_out_boxes(scene: Scene, width: int) -> BoxLayout:
    """Rows of boxes from the inputs at the bottom to the logits at the top."""
    if not scene.boxes:
        return BoxLayout()
    widest = max(8, min(LABEL_WIDTH, width - 4))
    drawn_in: dict[str, int] = {}
    for edge in scene.edges:
        drawn_in[edge.target] = drawn_in.get(edge.target, 0) + 1
    widths = {box.name: _width(box, widest, drawn_in.get(box.name, 0)) for box in scene.boxes}
    rows = rows_of(scene, widths, row_width=float(max(width, widest)), gap=float(GAP))
    boxes = [box for row in rows for box in row]
    number = {box.name: place for place, box in enumerate(boxes)}
    layers = Layers([[number[box.name] for box in row] for row in rows])
    sizes: list[float] = [float(widths[box.name]) for box in boxes]
    layout = BoxLayout(n_rows=len(rows))
    chains = _chains(scene.edges, number, layers, sizes, layout)
    order_rows(layers)
    starts = _starts(layers, sizes, len(boxes), width)
    _place(layout, boxes, layers.row_of(), starts, sizes, widest)
    _lead(layout, chains, boxes, starts)
    return layout


def _width(box: Box, widest: int, n_in: int) -> float:
    text = max(min(cell_len(box.label), widest), min(cell_len(box.detail) + 2, widest))
    return float(max(text + 4, PORT * min(n_in, MOST_IN) + 2))


Chain = tuple[SupernodeEdge, list[int], int]
"""An edge, the nodes it passes with its ends, and the row it starts in."""


def _chains(
    edges: Sequence[SupernodeEdge],
    number: Mapping[str, int],
    layers: Layers,
    sizes: list[float],
    layout: BoxLayout,
) -> list[Chain]:
    """Lead every edge that is drawn through a placeholder in each row between its ends."""
    row_of = layers.row_of()
    arrived: dict[str, int] = {}
    chains: list[Chain] = []
    for edge in edges:
        low, high = number[edge.source], number[edge.target]
        if row_of[low] >= row_of[high] or arrived.get(edge.target, 0) >= MOST_IN:
            layout.left_out.append(edge)
            continue
        arrived[edge.target] = arrived.get(edge.target, 0) + 1
        chain = [low]
        for row in range(row_of[low] + 1, row_of[high]):
            layers.rows[row].append(len(sizes))
            chain.append(len(sizes))
            sizes.append(1.0)
        chain.append(high)
        layers.pieces += [(a, b, abs(edge.weight) ** 0.5) for a, b in pairwise(chain)]
        chains.append((edge, chain, row_of[low]))
    return chains


def _starts(layers: Layers, sizes: Sequence[float], n_boxes: int, width: int) -> dict[int, int]:
    """The first column of every node, none overlapping, within the width where that can be."""
    middles = centres(layers, sizes, n_boxes, float(GAP))
    left = min(middle - size / 2 for middle, size in zip(middles, sizes, strict=True))
    starts: dict[int, int] = {}
    for row in layers.rows:
        end = -GAP
        for node in row:
            start = max(round(middles[node] - sizes[node] / 2 - left), end + GAP)
            starts[node], end = start, start + int(sizes[node])
        limit = max(width, sum(int(sizes[node]) + GAP for node in row) - GAP)
        for node in reversed(row):
            starts[node] = min(starts[node], limit - int(sizes[node]))
            limit = starts[node] - GAP
    margin = (width - max(starts[node] + int(size) for node, size in enumerate(sizes))) // 2
    return {node: start + max(0, margin) for node, start in starts.items()}


def _place(
    layout: BoxLayout,
    boxes: Sequence[Box],
    row_of: Mapping[int, int],
    starts: Mapping[int, int],
    sizes: Sequence[float],
    widest: int,
) -> None:
    for node, box in enumerate(boxes):
        label, detail = clip(box.label, widest), clip(box.detail, widest - 2)
        layout.boxes[box.name] = BoxAt(
            box, label, detail, row_of[node], starts[node], int(sizes[node])
        )
    layout.width = max(starts[node] + int(size) for node, size in enumerate(sizes))


def _lead(
    layout: BoxLayout, chains: Sequence[Chain], boxes: Sequence[Box], starts: Mapping[int, int]
) -> None:
    """Give every edge its columns: ports spread over the borders, lanes between them."""
    leaving: dict[int, list[tuple[int, int]]] = {}
    arriving: dict[int, list[tuple[int, int]]] = {}
    for at, (_, chain, _) in enumerate(chains):
        ways = [layout.boxes[boxes[n].name].middle if n < len(boxes) else starts[n] for n in chain]
        leaving.setdefault(chain[0], []).append((ways[1], at))
        arriving.setdefault(chain[-1], []).append((ways[-2], at))
    out_at = _ports(layout, leaving, boxes, arrives=False)
    in_at = _ports(layout, arriving, boxes, arrives=True)
    for at, (edge, chain, row) in enumerate(chains):
        between = tuple(starts[node] for node in chain[1:-1])
        layout.ways.append(Way(edge, row, (out_at[at], *between, in_at[at])))


def _ports(
    layout: BoxLayout,
    users: Mapping[int, list[tuple[int, int]]],
    boxes: Sequence[Box],
    *,
    arrives: bool,
) -> dict[int, int]:
    """The column each edge (by number) uses on a border; arrivals leave room for their weights."""
    ports: dict[int, int] = {}
    for node, found in users.items():
        box = layout.boxes[boxes[node].name]
        step = min(PORT if arrives else 4, max(1, (box.width - 2) // len(found)))
        start = max(box.x + 1, box.middle - step * (len(found) - 1) // 2)
        for rank, (_, at) in enumerate(sorted(found)):
            ports[at] = min(start + step * rank, box.x + box.width - 2)
    return ports
