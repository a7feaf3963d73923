"""The node table: ranges, bulk edits, orders by key and mouse."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel.annotation import Review
from graphlabel.graph import NodeKind
from graphlabel_tui.orders import ORDERS
from graphlabel_tui.widgets.table_columns import LEAD, columns_for


async def filtered(pilot, screen, query: str) -> list:
    """Filters the table and goes to its first row; the keys of all its rows."""
    screen.view.query = query
    screen.show_all()
    await pilot.press("3", "home")
    return [screen.view.node(place).key for place in screen.view.rows()]


async def test_shift_and_arrows_mark_a_range_that_shrinks_again(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        keys = await filtered(pilot, screen, "kind:feature")
        await pilot.press("shift+down", "shift+down", "shift+down")
        assert list(session.marked) == keys[:4]
        assert session.selected == keys[3]
        assert "4 marked" in text(pilot)
        await pilot.press("K", "K")
        assert list(session.marked) == keys[:2]
        await pilot.press("shift+up", "shift+up", "shift+up")
        assert list(session.marked) == keys[:1]


async def test_a_second_range_adds_to_the_first(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        keys = await filtered(pilot, screen, "kind:feature")
        await pilot.press("J", "down", "down", "J")
        assert set(session.marked) == {*keys[:2], *keys[3:5]}
        await pilot.press("space", "J")
        assert set(session.marked) == {*keys[:2], *keys[3:6]}


async def test_ranges_in_an_empty_table_do_nothing(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await filtered(pilot, screen, "qqqqqq")
        await pilot.press("J", "K", "shift+down", "asterisk", "end", "pagedown")
        assert not session.marked


async def test_mark_all_that_pass_the_filter_and_edit_them_as_one(opened):
    session = dallas_session()
    before = session.annotations
    async with opened(session) as (pilot, screen):
        keys = await filtered(pilot, screen, "class:obscure")
        await pilot.press("asterisk")
        assert set(session.marked) == set(keys)
        await pilot.press("e", "o", "d", "d", "enter", "a", "p", "g", "g", "enter")
        now = session.annotations
        assert {now.label_of(key).text for key in keys} == {"odd"}
        assert {now.reviews[key] for key in keys} == {Review.ACCEPTED}
        assert set(keys) <= set(now.pinned)
        assert set(now.supernode("g").members) == set(keys)
        assert len(session.history.done) == 4
        await pilot.press("u", "u", "u", "u")
        assert session.annotations == before
        await pilot.press("asterisk", "asterisk")
        assert not session.marked


async def test_the_mouse_marks_rows_and_orders_by_columns(opened, text):
    session = dallas_session()
    async with opened(session, (200, 60)) as (pilot, screen):
        keys = await filtered(pilot, screen, "kind:feature")
        table = screen.query_one("#nodes")
        await pilot.click(table, offset=(10, 2))
        assert session.selected == keys[0]
        await pilot.click(table, offset=(10, 5), shift=True)
        assert list(session.marked) == keys[:4]
        await pilot.click(table, offset=(10, 3), control=True)
        assert set(session.marked) == {keys[0], *keys[2:4]}
        await pilot.click(table, offset=(10, 8), control=True)
        assert keys[6] in session.marked
        columns = columns_for(table.scrollable_content_region.width)
        x = 1 + LEAD
        for column in columns:
            await pilot.click(table, offset=(x + 1, 1))
            assert (screen.view.sort, screen.view.reverse) == (column.order, False)
            await pilot.click(table, offset=(x + 1, 1))
            assert screen.view.reverse
            x += column.width
        assert f"by {columns[-1].order} ▴" in text(pilot)


async def test_order_by_name_and_turned_round(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("O", *"trus", "enter")
        assert screen.view.sort == "trust"
        assert "by trust ▾" in text(pilot)
        rows = screen.view.rows()
        await pilot.press("R")
        assert screen.query_one("#nodes").rows == rows[::-1]
        assert "by trust ▴" in text(pilot)
        await pilot.press("O", "down", "down", "enter")
        assert screen.view.sort == list(ORDERS)[1]
        await pilot.press("O", *"zz", "enter")
        await pilot.pause()
        assert "There is no such order. There are: influence" in text(pilot)


@pytest.mark.parametrize("width", [1, 12, 20, 39, 40, 58, 76, 90, 130, 170, 300])
def test_columns_fill_the_width(width):
    columns = columns_for(width)
    assert LEAD + sum(column.width for column in columns) == max(width, LEAD + 4)
    for column in columns:
        assert len(column.head(column.order, reverse=True)) == column.width


async def test_every_cell_has_its_width_whatever_the_words(opened):
    from fixture_graph import hostile_session

    words = "漢字かな交じり 🙂👩‍👩‍👧 e\u0301 \u0627\u0644\u0639\u0631\u0628\u064a\u0629 ﷽ 𝕬 " * 20
    for size in ((80, 24), (120, 40), (200, 60)):
        async with opened(hostile_session(words), size) as (pilot, screen):
            await pilot.press("3")
            table = screen.query_one("#nodes")
            width = table.scrollable_content_region.width
            for y in range(table.scrollable_content_region.height):
                assert table.render_line(y).cell_length == width


async def test_marks_and_trust_are_columns(opened, text):
    session = dallas_session()
    session.selected = key_of(5, 9, 10)
    async with opened(session, (200, 60)) as (pilot, screen):
        await filtered(pilot, screen, "kind:feature")
        line = next(
            each for each in text(pilot).split("\n") if "0.05" in each and "L5 #9 @" in each
        )
        assert "●●●●○ 0.90" in line
        assert "counter" in line
        assert "say Austin" in line.split("counter")[1]
        assert session.selected.kind is NodeKind.FEATURE
