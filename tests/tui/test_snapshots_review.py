"""Pictures of the table, the review and the edit line; look at a change before updating."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session

from graphlabel_tui.app import GraphLabelApp

SIZES = [(80, 24), (120, 40), (200, 60)]


def named(size: tuple[int, int]) -> str:
    """A size as people write it."""
    return f"{size[0]}x{size[1]}"


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_review(snap_compare, size):
    app = GraphLabelApp(dallas_session())
    keys = ["3", "v", "n", "n", "n", "n", "n", "n", "n", "a"]
    assert snap_compare(app, terminal_size=size, press=keys)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_a_range_in_the_least_trusted_first(snap_compare, size):
    session = dallas_session()
    app = GraphLabelApp(session)
    keys = ["3", "o", "home", "J", "J", "J", "z"]
    assert snap_compare(app, terminal_size=size, press=keys)


@pytest.mark.parametrize("size", SIZES, ids=named)
def test_filtering(snap_compare, size):
    app = GraphLabelApp(dallas_session())
    app.animation_level = "none"

    async def still(pilot) -> None:
        await pilot.press("3", "slash", *"by:count")
        pilot.app.screen.focused.cursor_blink = False
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=still)
