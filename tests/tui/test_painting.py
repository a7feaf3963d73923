"""Only what changed is painted: what a terminal has shown by then is what a full paint shows."""

from __future__ import annotations

import random

import pytest
from fixture_graph import dallas_session
from rich.cells import cell_len

from graphlabel_tui.app import GraphLabelApp

Cell = tuple[str, str]
KEYS = [
    "left", "right", "up", "down", "enter", "pageup", "pagedown", "home", "end", "tab", "escape",
    *"1234oRE pazunU,.<>-+{[*", "shift+right", "shift+down",
]  # fmt: skip
ASKING = (["slash", "l", "a", "enter"], ["slash", "x", "escape"], ["e", "z", "enter"], ["f", "escape"])  # fmt: skip


class Terminal:
    """The cells of a terminal that takes every update."""

    def __init__(self) -> None:
        """Nothing was shown."""
        self.cells: dict[tuple[int, int], Cell] = {}

    def take(self, app: GraphLabelApp, update: object) -> None:
        """Put an update's segments where they belong."""
        x = y = 0
        for segment in app.console.render(update):
            if segment.control:
                _, x, y = segment.control[-1]
                continue
            for char in segment.text.rstrip("\n"):
                self.cells[y, x] = char, str(segment.style)
                x += cell_len(char)


def composed(app: GraphLabelApp) -> dict[tuple[int, int], Cell]:
    """The cells as they should be, every line drawn anew."""
    for widget in app.screen.walk_children(with_self=True):
        widget._styles_cache.clear()
        if hasattr(widget, "forget_strips"):
            widget.forget_strips()
    found: dict[tuple[int, int], Cell] = {}
    for y, strip in enumerate(app.screen._compositor.render_strips()):
        x = 0
        for segment in strip:
            for char in segment.text:
                found[y, x] = char, str(segment.style)
                x += cell_len(char)
    return found


@pytest.mark.parametrize(("seed", "size"), [(1, (120, 40)), (2, (80, 24)), (3, (110, 30))])
async def test_what_is_painted_is_what_there_is(opened, monkeypatch, seed, size):
    terminal, display, chance = Terminal(), GraphLabelApp._display, random.Random(seed)

    def shown(self, screen, update):
        display(self, screen, update)
        if update is not None and screen is self.screen:
            terminal.take(self, update)

    monkeypatch.setattr(GraphLabelApp, "_display", shown)
    async with opened(dallas_session(), size) as (pilot, _):
        for number in range(60):
            keys = chance.choice(ASKING) if chance.random() < 0.1 else [chance.choice(KEYS)]
            await pilot.press(*keys)
            await pilot.pause()
            wanted = composed(pilot.app)
            wrong = [at for at, cell in wanted.items() if terminal.cells.get(at) != cell]
            assert not wrong, f"{len(wrong)} stale cells, as {wrong[0]}, after key {number}: {keys}"
