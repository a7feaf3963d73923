"""A canvas of character cells: lines that join where they meet, and text over them."""

from __future__ import annotations

from itertools import groupby, pairwise
from typing import NamedTuple

from rich.cells import cell_len

from graphlabel_tui.lines import Line, Span, line

UP, DOWN, LEFT, RIGHT = 1, 2, 4, 8

JOINTS = " ╵╷│╴╯╮┤╶╰╭├─┴┬┼"
"""The character that joins the directions of a cell, by their sum."""
DASHED = {UP: "╎", DOWN: "╎", UP | DOWN: "╎", LEFT: "╌", RIGHT: "╌", LEFT | RIGHT: "╌"}
"""Straight pieces of dashed lines."""


class Cell(NamedTuple):
    """What a cell shows, and in which role."""

    text: str
    role: str


class Canvas:
    """Cells by (column, row), from (0, 0) down to the right."""

    def __init__(self, width: int, height: int) -> None:
        """An empty canvas."""
        self.width, self.height = width, height
        self._joints: dict[tuple[int, int], tuple[int, str, bool]] = {}
        self._text: dict[tuple[int, int], Cell] = {}

    def path(self, points: list[tuple[int, int]], role: str, *, dashed: bool = False) -> None:
        """A line along points, of which neighbours share a column or a row."""
        for (x, y), (x_, y_) in pairwise(points):
            for column in range(min(x, x_), max(x, x_)):
                self._join(column, y, RIGHT, role, dashed)
                self._join(column + 1, y, LEFT, role, dashed)
            for row in range(min(y, y_), max(y, y_)):
                self._join(x, row, DOWN, role, dashed)
                self._join(x, row + 1, UP, role, dashed)

    def _join(self, x: int, y: int, way: int, role: str, dashed: bool) -> None:
        ways, _, was_dashed = self._joints.get((x, y), (0, "", dashed))
        self._joints[x, y] = (ways | way, role, dashed and was_dashed)

    def write(self, x: int, y: int, text: str, role: str = "") -> None:
        """Text over whatever is there; a wide character takes the cells it needs."""
        for character in text:
            width = cell_len(character)
            if not width and (x - 1, y) in self._text:
                before = self._text[x - 1, y]
                self._text[x - 1, y] = Cell(before.text + character, before.role)
                continue
            self._text[x, y] = Cell(character, role)
            if width == 2:
                self._text[x + 1, y] = Cell("", role)
            x += width

    def lines(self) -> list[Line]:
        """The canvas as lines of spans."""
        return [self._line(y) for y in range(self.height)]

    def _line(self, y: int) -> Line:
        cells = [self._cell(x, y) for x in range(self.width)]
        runs = groupby(cells, key=lambda cell: cell.role)
        return line(*(Span("".join(cell.text for cell in run), role) for role, run in runs))

    def _cell(self, x: int, y: int) -> Cell:
        if (x, y) in self._text:
            return self._text[x, y]
        ways, role, dashed = self._joints.get((x, y), (0, "", False))
        return Cell(DASHED.get(ways, JOINTS[ways]) if dashed else JOINTS[ways], role)
