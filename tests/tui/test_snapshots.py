"""Pictures of the workbench at four sizes; look at a change, then run with --snapshot-update."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.theme import LIGHT

SIZES = [(80, 24), (100, 30), (120, 40), (200, 60)]


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_workbench(snap_compare, size):
    assert snap_compare(GraphLabelApp(dallas_session()), terminal_size=size)


@pytest.mark.parametrize("region", ["2", "3", "4"])
def test_tabs(snap_compare, region):
    app = GraphLabelApp(dallas_session())
    assert snap_compare(app, terminal_size=(80, 24), press=[region])


def test_editing_a_label(snap_compare):
    app = GraphLabelApp(dallas_session())
    app.animation_level = "none"

    async def still(pilot) -> None:
        await pilot.press("e", "S", "a")
        pilot.app.screen.focused.cursor_blink = False
        await pilot.pause()

    assert snap_compare(app, terminal_size=(120, 40), run_before=still)


def test_a_dense_selection_in_the_light_theme(snap_compare):
    session = dallas_session()
    session.selected = key_of(5, 9, 10)
    session.mark([key_of(3, 33, 10), key_of(2, 33, 9)])
    app = GraphLabelApp(session)
    app.theme = LIGHT.name
    assert snap_compare(app, terminal_size=(120, 40))


def test_help(snap_compare):
    app = GraphLabelApp(dallas_session())
    assert snap_compare(app, terminal_size=(100, 30), press=["question_mark"])


def test_quit_dialog(snap_compare):
    app = GraphLabelApp(dallas_session())
    assert snap_compare(app, terminal_size=(100, 30), press=["p", "q"])
