"""Looking and moving: the graph, the table, the panels, review."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel.annotation import LabelScore, needs_attention
from graphlabel.graph import NodeKind
from graphlabel_tui.session import Session

HERE = key_of(2, 214, 10)


async def test_arrows_move_within_row_and_column(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("right")
        assert session.selected.layer == 2
        await pilot.press("left")
        assert session.selected == HERE
        await pilot.press("up")
        assert (session.selected.layer, session.selected.position) == (3, 10)
        await pilot.press("j")
        assert session.selected == HERE
        await pilot.press("h")
        assert session.selected == key_of(2, 33, 9)
        await pilot.press("l", "k", "down")
        assert session.selected == HERE


async def test_every_node_is_reached_by_arrows(opened):
    session = dallas_session()
    async with opened(session) as (_, screen):
        grid = screen.query_one("#graph").grid
        seen = set()
        for row in range(len(grid.layers)):
            nodes = grid.row_nodes(row)
            for place in nodes[:1]:
                while place is not None:
                    seen.add(place)
                    place = grid.step(place, 1, 0)
        assert seen == set(range(len(session.graph)))


async def test_home_and_end_go_to_the_ends_of_the_row(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("home")
        assert session.selected.position == 4
        await pilot.press("end")
        assert session.selected == key_of(2, 97, 10)


async def test_enter_follows_the_strongest_edge_and_brackets_travel(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("enter")
        assert session.selected == key_of(4, 214, 10)
        await pilot.press("enter")
        assert session.selected == key_of(5, 9, 10) or session.selected.kind is NodeKind.LOGIT
        await pilot.press("left_square_bracket", "left_square_bracket")
        assert session.selected == HERE
        await pilot.press("right_square_bracket")
        assert session.selected == key_of(4, 214, 10)


async def test_selection_is_the_same_everywhere(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        table = screen.query_one("#nodes")
        await pilot.press("3", "down")
        assert session.place == table.rows[table.row]
        assert session.selected == key_of(3, 18, 10)
        assert "2 feature L3 #18 @ is" in text(pilot)
        assert screen.query_one("#graph")._selected == session.place
        await pilot.press("1", "up")
        assert table.rows[table.row] == session.place


async def test_influence_slider_keeps_tokens_logits_and_pins(opened, text, fast):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await fast(pilot, *["minus"] * 40)
        assert screen.view.threshold == pytest.approx(0.05)
        kinds = {screen.view.node(place).key.kind for place in screen.view.visible()}
        assert {NodeKind.TOKEN, NodeKind.LOGIT} <= kinds
        shown = {screen.view.node(place).key for place in screen.view.visible()}
        assert set(session.annotations.pinned) <= shown
        assert HERE in shown
        assert key_of(3, 97, 10) not in shown
        assert "influence ≤ 0.05" in text(pilot)
        await fast(pilot, *["equals_sign"] * 40)
        assert len(screen.view.visible()) == len(session.graph)


async def test_errors_hide(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("E")
        assert not any(
            screen.view.node(place).key.kind is NodeKind.ERROR for place in screen.view.visible()
        )
        await pilot.press("E")
        assert len(screen.view.visible()) == len(session.graph)


QUERIES = [
    ("tier:output", 5), ("tier:1", 14), ("class:cross", 6), ("kind:error", 5), ("layer:3", 5),
    ("layer:2-3", 11), ("unlabelled", 7), ("trust<0.6", 4), ("trust>=0.9", 13), ("@dallas", 7),
    ("austin", 4), ("say aus", 3), ("steer", 1), ("pinned", 9), ("kind:logit", 2), ("by:person", 1),
    ("layer:x", 0), ("influence<0.1", 3), ("activation>9", 3), ("nothing at all", 0),
]  # fmt: skip


@pytest.mark.parametrize(("query", "count"), QUERIES)
def test_filter_language(query, count):
    from graphlabel_tui.view import View

    view = View(dallas_session())
    view.query = query
    assert len(view.rows()) == count


async def test_filter_acts_while_typing_and_escape_takes_it_back(opened, text, fast):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("slash")
        await fast(pilot, *"tier:output")
        assert "/ tier:output   5 of 42" in text(pilot)
        await pilot.press("escape")
        assert screen.view.query == ""
        await pilot.press("slash")
        await fast(pilot, *"texas")
        await pilot.press("enter")
        assert screen.view.query == "texas"
        rows = screen.query_one("#nodes").rows
        assert len(rows) == 2
        assert screen.session.place == rows[0]
        screen.select(screen.view.node(rows[1]).key)
        await pilot.press("slash", "enter")
        assert screen.session.place == rows[1]


async def test_order_steps_through_all(opened, text):
    from graphlabel_tui.orders import ORDERS

    async with opened(dallas_session()) as (pilot, screen):
        names = list(ORDERS)
        for name in (*names[1:], names[0]):
            await pilot.press("o")
            assert f"by {name}" in text(pilot)
            rows = screen.query_one("#nodes").rows
            assert sorted(rows) == list(range(42))


async def test_urgent_the_least_trusted_and_most_influential_come_first(opened):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("o")
        assert screen.view.sort == "urgent"
        view, annotations = screen.view, screen.session.annotations
        need = needs_attention(view.graph, annotations, view.influence)
        rows = screen.query_one("#nodes").rows
        shown = [need[place] for place in rows if view.node(place).is_feature]
        assert shown == sorted(shown, reverse=True)
        assert shown[0] > 0


async def test_scores_stand_beside_the_label(opened, text):
    session = dallas_session()
    annotations = session.annotations
    label = annotations.label_of(session.selected)
    target = next(
        each
        for each in (session.selected, session.selected.feature_key)
        if each in annotations.labels
    )
    made = label.provenance.scored([LabelScore("detection", 0.75, 0.5)])
    changed = replace(
        annotations, labels={**annotations.labels, target: replace(label, provenance=made)}
    )
    session = Session(session.document.annotated(changed), Path("x.json"), None, None, "sam")
    session.selected = dallas_session().selected
    async with opened(session) as (pilot, _):
        assert "detection 0.75 (chance 0.50)" in text(pilot)


async def test_quantiles_step(opened, text):
    async with opened(dallas_session()) as (pilot, _):
        assert "[top]" in text(pilot)
        await pilot.press("full_stop", "full_stop")
        assert "[q5]" in text(pilot)
        assert "line⏎→break" in text(pilot)
        await pilot.press("comma", "comma", "comma")
        assert "[top]" in text(pilot)


async def test_review_goes_through_what_needs_a_person_first(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        seen = []
        for _ in range(6):
            await pilot.press("n")
            seen.append(session.selected)
        assert [key.feature for key in seen[:3]] == [97, 88, 97]
        assert [key.feature for key in seen[3:]] == [260, 51, 301]


async def test_everything_reviewed(opened, text):
    session = dallas_session()
    from graphlabel.annotation import SetLabel

    keys = tuple(node.key for node in session.graph.nodes if node.is_feature)
    session.do(SetLabel(keys, "x", session.provenance()))
    async with opened(session) as (pilot, _):
        await pilot.press("n")
        await pilot.pause()
        assert "Every feature is labelled and accepted" in text(pilot)


async def test_parents_are_followed_from_the_feature_panel(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("2", "end", "enter")
        assert session.selected == key_of(4, 214, 10)
        assert screen.region_name == "feature"


async def test_a_supernode_marks_its_members(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("4", "down", "enter")
        assert tuple(session.marked) == session.annotations.supernode("Dallas").members
        await pilot.press("down", "enter")
        assert session.selected == key_of(0, 312, 9)


async def test_regions_by_number_and_zoom(opened):
    async with opened(dallas_session()) as (pilot, screen):
        for number, name in enumerate(("graph", "feature", "nodes", "supernodes"), 1):
            await pilot.press(str(number))
            assert screen.focused is screen.region_widget(name)
        await pilot.press("z")
        assert screen.region_widget("supernodes").size.width > 110
        assert not screen.region_widget("graph").display
        await pilot.press("1")
        assert screen.region_widget("graph").size.height > 30
        await pilot.press("escape")
        assert all(screen.region_widget(name).display for name in ("graph", "nodes"))


async def test_mouse_selects(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        graph = screen.query_one("#graph")
        target = session.graph.index_of[key_of(2, 33, 9)]
        row, _ = graph.grid.where[target]
        slot = next(s for s in graph.grid.slots(row, None) if s.place == target)
        await pilot.click("#graph", offset=(1 + 5 + slot.x, 1 + row * graph.stride))
        assert session.selected == key_of(2, 33, 9)
        table = screen.query_one("#nodes")
        first = session.graph.nodes[table.rows[round(table.scroll_offset.y)]].key
        await pilot.click("#nodes", offset=(10, 2))
        assert session.selected == first


async def test_selecting_paints_only_the_rows_that_change(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        graph = screen.query_one("#graph")
        before = graph.painted_rows
        await pilot.press("right")
        await pilot.pause()
        assert graph.painted_rows - before <= 4


async def test_counts_in_the_title(opened, text):
    async with opened(dallas_session()) as (pilot, _):
        assert "24 features  17 labelled  ◆2 await a model  ○3 await you   undo 0" in text(pilot)


@pytest.mark.parametrize("size", [(120, 40), (80, 24)])
async def test_tab_goes_round_the_regions(opened, size):
    async with opened(dallas_session(), size) as (pilot, screen):
        seen = []
        for _ in range(4):
            await pilot.press("tab")
            seen.append(screen.focused.region_name)
        assert seen == ["feature", "nodes", "supernodes", "graph"]
        await pilot.press("shift+tab")
        assert screen.focused.region_name == "supernodes"


async def test_fast_keys_act_on_what_they_selected(opened, text, fast):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await fast(pilot, "right", "up", "e")
        await pilot.pause()
        assert "label L3 #" in text(pilot)
        chosen = session.selected
        await pilot.press("q", "enter")
        assert session.annotations.label_of(chosen).text == "q"
