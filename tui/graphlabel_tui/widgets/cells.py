"""A line of a drawing, cell by cell: what stands in each cell and the role it plays."""

from __future__ import annotations

from rich.cells import cell_len

from graphlabel_tui.lines import Span


class Cells:
    """A line of a fixed width, blank at first; what is put later covers what was before."""

    __slots__ = ("_roles", "_texts")

    def __init__(self, width: int) -> None:
        """A blank line."""
        self._texts = [" "] * width
        self._roles = [""] * width

    def copy(self) -> Cells:
        """A line that starts with what this one has."""
        found = Cells(0)
        found._texts, found._roles = self._texts.copy(), self._roles.copy()
        return found

    def put(self, at: int, text: str, role: str) -> None:
        """Text from a cell on; what has no room in the line is left out."""
        for char in text if len(text) == 1 or text.isascii() else _by_cells(text):
            if 0 <= at < len(self._texts):
                self._texts[at], self._roles[at] = char, role
            at += 1

    def mark(self, at: int, role: str) -> None:
        """Give what stands in a cell one more role."""
        self._roles[at] += f" {role}"

    def spans(self, start: int, stop: int) -> list[Span]:
        """A stretch of the line, neighbours of one role together."""
        texts, roles = self._texts[start:stop], self._roles[start:stop]
        if texts and not texts[0]:
            texts[0] = " "  # its first half is not in sight
        found: list[Span] = []
        begun = 0
        for at, role in enumerate(roles):
            if role != roles[begun]:
                found.append(Span("".join(texts[begun:at]), roles[begun]))
                begun = at
        return [*found, Span("".join(texts[begun:]), roles[begun])] if texts else []


def _by_cells(text: str) -> list[str]:
    """The text a cell each: of a wide character the second cell is empty."""
    cells: list[str] = []
    for char in text:
        width = cell_len(char)
        if width == 0 and cells:
            cells[-1] += char
        else:
            cells += [char, *[""] * (width - 1)]
    return cells
