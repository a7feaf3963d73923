"""Jumping to a node by typing."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel.graph import NodeKind
from graphlabel_tui.finding import Finder
from graphlabel_tui.view import View
from graphlabel_tui.widgets.edit_line import EditLine

QUERIES = [
    ("2/214", key_of(2, 214, 10)),
    ("L0/312", key_of(0, 312, 9)),
    ("312 dallas @9", key_of(1, 312, 9)),
    ("/97", key_of(3, 97, 10)),
    ("texas @9", key_of(2, 33, 9)),
]


@pytest.mark.parametrize(("typed", "key"), QUERIES)
def test_what_is_typed_finds_the_node(typed, key):
    finder = Finder(View(dallas_session()))
    found = finder.shown(typed)
    keys = [finder.key(shown) for shown in found]
    assert key in keys[:3]
    assert finder.key(typed) == keys[0]


def test_every_node_can_be_chosen():
    view = View(dallas_session())
    finder = Finder(view)
    assert {finder.key(each.shown) for each in finder.candidates} == set(view.graph.index_of)


def test_letters_in_between_may_be_left_out_and_nonsense_finds_nothing():
    finder = Finder(View(dallas_session()))
    assert "say Austin" in finder.shown("syastn")[0]
    assert finder.shown("qqqq") == []
    assert finder.key("qqqq") is None
    assert finder.key("") is None


async def test_typing_jumps_and_back_returns(opened, text, fast):
    session = dallas_session()
    start = session.selected
    async with opened(session) as (pilot, screen):
        await pilot.press("f")
        await fast(pilot, *"0/312")
        assert "▼ L0/312 @9 Dallas  Dallas" in text(pilot)
        await pilot.press("enter")
        assert session.selected == key_of(0, 312, 9)
        await pilot.press("left_square_bracket")
        assert session.selected == start
        await pilot.press("f")
        await fast(pilot, *"logit")
        await pilot.press("down", "down", "enter")
        assert session.selected.kind is NodeKind.LOGIT
        await pilot.press("f", "escape")
        assert session.selected.kind is NodeKind.LOGIT
        await pilot.press("f")
        await fast(pilot, *"zzzz")
        await pilot.press("enter")
        assert "✗ no node fits" in text(pilot)
        assert screen.query_one(EditLine).entry.value == "zzzz"
