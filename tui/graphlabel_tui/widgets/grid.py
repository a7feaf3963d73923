"""Where nodes stand on the link graph: a column per position, a row per layer. Pure geometry."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len

from graphlabel.graph import TOKEN_LAYER, AttributionGraph
from graphlabel_tui.wording import token_at

TIGHTEST, NARROWEST, WIDEST = 2, 4, 26
"""Widths of columns, in cells; the tightest only where narrow ones would not all be seen."""
FURTHEST_OUT, FURTHEST_IN = -3, 4


class Zoom(NamedTuple):
    """How far the grid is drawn out or in."""

    level: int = 0
    """Above 0 columns get wider; −1 makes them tight, −2 and −3 put two or four layers in a row."""

    @property
    def layers_per_row(self) -> int:
        """How many layers share a row."""
        return 1 << max(0, -1 - self.level)

    def least_width(self, n_columns: int, width: int) -> int:
        """The least width of a column."""
        fits = n_columns * NARROWEST <= width
        return NARROWEST if self.level > 0 or (fits and self.level == 0) else TIGHTEST

    def whole_width(self, width: int) -> int:
        """How many cells the columns may take together."""
        return width + width * max(0, self.level) // 2


class Slot(NamedTuple):
    """A node's glyph on the screen, or a count of those without room (``place`` is None)."""

    x: int
    place: int | None
    text: str = ""
    spaced: bool = False
    """Whether the cells on both sides are free."""


@dataclass(frozen=True)
class Grid:
    """The arrangement of the nodes in sight for a width."""

    layers: tuple[int, ...]
    """The rows from top to bottom: logits, the highest layer … layer 0, tokens.

    Where several layers share a row, its lowest one.
    """
    starts: tuple[int, ...]
    """Where each position's column starts."""
    widths: tuple[int, ...]
    cells: dict[tuple[int, int], list[int]]
    """The nodes of each (row, position), the most influential first."""
    where: dict[int, tuple[int, int]]
    """Each node's row and position."""

    @property
    def width(self) -> int:
        """Cells from the first column to the last."""
        return self.starts[-1] + self.widths[-1] if self.starts else 0

    def row_nodes(self, row: int) -> list[int]:
        """The nodes of a row from left to right."""
        columns = range(len(self.starts))
        return [place for column in columns for place in self.cells.get((row, column), ())]

    def slots(self, row: int, selected: int | None) -> list[Slot]:
        """What a row shows, from left to right."""
        found: list[Slot] = []
        for column, (start, width) in enumerate(zip(self.starts, self.widths, strict=True)):
            nodes = self.cells.get((row, column))
            if nodes:
                found += cell_slots(nodes, start, width, selected)
        return found

    def step(self, place: int, dx: int, dy: int) -> int | None:
        """The node beside (in its row) or above/below a node, or None at the edge.

        Up and down stay at the node's position while it has nodes there, in the same place
        within the cell; then they go to the nearest position of the next row that has nodes.
        """
        row, column = self.where[place]
        if dx:
            nodes = self.row_nodes(row)
            at = nodes.index(place) + dx
            return nodes[at] if 0 <= at < len(nodes) else None
        rank = self.cells[row, column].index(place)
        rows = range(row + dy, len(self.layers) if dy > 0 else -1, dy)
        own = next((each for each in rows if (each, column) in self.cells), None)
        if own is not None:
            return at_rank(self.cells[own, column], rank)
        for each in rows:
            taken = [c for c in range(len(self.starts)) if (each, c) in self.cells]
            if taken:
                nearest = min(taken, key=lambda c: (abs(c - column), c))
                return at_rank(self.cells[each, nearest], rank)
        return None


def at_rank(nodes: Sequence[int], rank: int) -> int:
    """The node of a rank in a cell, or the last one."""
    return nodes[min(rank, len(nodes) - 1)]


def cell_slots(nodes: Sequence[int], start: int, width: int, selected: int | None) -> list[Slot]:
    """Nodes side by side while there is room, then close together, then the first and a count."""
    count = len(nodes)
    if 2 * count + 1 <= width:
        return [Slot(start + 1 + 2 * i, each, spaced=True) for i, each in enumerate(nodes)]
    if count <= width - 2:
        return [Slot(start + 1 + i, each) for i, each in enumerate(nodes)]
    room = max(1, width - 2 - len(f"+{count}"))
    shown = list(nodes[:room])
    if selected is not None and selected in nodes and selected not in shown:
        shown[-1] = selected
    slots = [Slot(start + 1 + i, each) for i, each in enumerate(shown)]
    rest = f"+{count - room}"[: width - 1 - room]
    return [*slots, Slot(start + 1 + room, None, rest)]


def make_grid(
    graph: AttributionGraph,
    places: Iterable[int],
    influence: Sequence[float | None],
    width: int,
    zoom: Zoom = Zoom(),  # noqa: B008 - an immutable value
    height: int = 1000,
) -> Grid:
    """The grid of some nodes, at least ``width`` cells wide when it can be.

    Layers without nodes have rows as long as all fit into ``height`` lines.
    """
    nodes = graph.nodes
    places = list(places)
    top = max([graph.n_layers, *(nodes[place].key.layer for place in places)])
    used = {nodes[place].key.layer for place in places}
    layers = row_layers(graph.n_layers, top, zoom.layers_per_row, used, height)
    row_of = rows_by_layer(layers, top)
    last = max((nodes[place].key.position for place in places), default=0)
    n_columns = max(len(graph.tokens), last + 1)
    cells: dict[tuple[int, int], list[int]] = defaultdict(list)
    for place in places:
        key = nodes[place].key
        cells[row_of[max(key.layer, TOKEN_LAYER)], max(key.position, 0)].append(place)

    def importance(place: int) -> tuple[float, float, int]:
        value = influence[place]
        return -(nodes[place].probability or 0.0), 2.0 if value is None else value, place

    for members in cells.values():
        members.sort(key=importance)
    most = [1] * n_columns
    for (_, column), members in cells.items():
        most[column] = max(most[column], len(members))
    labels = [cell_len(token_at(graph, column)) for column in range(n_columns)]
    least = zoom.least_width(n_columns, width)
    widths = column_widths(most, labels, zoom.whole_width(width), least)
    starts = [sum(widths[:column]) for column in range(n_columns)]
    where = {place: cell for cell, members in cells.items() for place in members}
    return Grid(layers, tuple(starts), tuple(widths), dict(cells), where)


def row_layers(
    n_layers: int, top: int, per_row: int, used: Collection[int], height: int
) -> tuple[int, ...]:
    """The (lowest) layer of every row, from the top; empty layers go where rows are scarce."""
    inner = range(0, n_layers, per_row)
    rows = [*range(top, n_layers - 1, -1), *reversed(inner), TOKEN_LAYER]
    if len(rows) <= height:
        return tuple(rows)
    kept = {layer // per_row * per_row if 0 <= layer < n_layers else layer for layer in used}
    return tuple(row for row in rows if row in kept or row == TOKEN_LAYER)


def rows_by_layer(layers: Sequence[int], top: int) -> dict[int, int]:
    """The row of every layer: a row holds the layers from its own to the next row's."""
    found: dict[int, int] = {}
    highest = top
    for row, layer in enumerate(layers):
        found.update(dict.fromkeys(range(layer, highest + 1), row))
        highest = layer - 1
    return found


def column_widths(
    most: Sequence[int], labels: Sequence[int], width: int, narrowest: int = NARROWEST
) -> list[int]:
    """Widths for columns that hold up to ``most`` nodes a cell under ``labels`` cells of text."""
    least = [narrowest] * len(labels)
    dense = [max(narrowest, min(count + 2, WIDEST)) for count in most]
    close = [max(near, min(label + 1, 7)) for near, label in zip(dense, labels, strict=True)]
    roomy = [
        min(WIDEST, max(near, label + 2, 2 * count + 1))
        for near, label, count in zip(close, labels, most, strict=True)
    ]
    if sum(roomy) <= width:
        spare = min((width - sum(roomy)) // max(1, len(roomy)), 6)
        return [each + spare for each in roomy]
    widths = least
    for wanted in (dense, close, roomy):
        widths = _widened(widths, wanted, width)
    return widths


def _widened(widths: list[int], wanted: list[int], width: int) -> list[int]:
    """Widths nearer to what is wanted, a cell at a time to the column that lacks most."""
    widths = list(widths)
    room = min(width, sum(wanted)) - sum(widths)
    for _ in range(max(0, room)):
        lacking = max(range(len(widths)), key=lambda i: (wanted[i] - widths[i], -i))
        widths[lacking] += 1
    return widths
