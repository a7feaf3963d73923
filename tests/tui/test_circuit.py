"""The supernode graph: boxes, marking, expanding, scores of what is pinned, the last edit."""

from __future__ import annotations

from itertools import pairwise

import pytest
from fixture_graph import dallas_document, dallas_session, key_of
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.annotation import TogglePin, Ungroup
from graphlabel.export.picture.scene import Box, Scene, scene_of
from graphlabel.graph import NodeKind, SupernodeEdge, subgraph_scores
from graphlabel_tui.circuit import circuit_of, score_words, share
from graphlabel_tui.widgets.box_drawing import draw_boxes
from graphlabel_tui.widgets.box_layout import MOST_IN, lay_out_boxes
from graphlabel_tui.widgets.canvas import Canvas
from graphlabel_tui.widgets.supernode_panel import SOON


def test_lines_join_where_they_meet():
    canvas = Canvas(5, 3)
    canvas.path([(0, 0), (4, 0), (4, 2)], "plus")
    canvas.path([(2, 0), (2, 2)], "minus", dashed=True)
    canvas.write(0, 2, "界x", "bold")
    assert [each.text for each in canvas.lines()] == ["╶─┬─╮", "  ╎ │", "界x ╵"]


def scenes() -> st.SearchStrategy[Scene]:
    def scene(layers: list[int], links: list[tuple[int, int, float]]) -> Scene:
        boxes = tuple(
            Box(f"b{i}", f"box {i}", "detail", NodeKind.FEATURE, (i,), float(layer), float(i), True)
            for i, layer in enumerate(layers)
        )
        n = len(boxes)
        edges = tuple(
            SupernodeEdge(f"b{a % n}", f"b{b % n}", w) for a, b, w in links if a % n != b % n
        )
        return Scene(boxes, edges, len(edges), "")

    link = st.tuples(st.integers(0, 30), st.integers(0, 30), st.floats(-1, 1))
    return st.builds(
        scene, st.lists(st.integers(0, 12), min_size=1, max_size=14), st.lists(link, max_size=30)
    )


@settings(max_examples=40, deadline=None)
@given(scenes(), st.integers(20, 160))
def test_boxes_never_overlap_and_every_edge_is_drawn_or_told(scene, width):
    layout = lay_out_boxes(scene, width)
    for row in range(layout.n_rows):
        boxes = sorted((b for b in layout.boxes.values() if b.row == row), key=lambda b: b.x)
        assert all(a.x + a.width < b.x for a, b in pairwise(boxes))
    assert len(layout.ways) + len(layout.left_out) == len(scene.edges)
    arrivals = [way.edge.target for way in layout.ways]
    assert all(arrivals.count(name) <= MOST_IN for name in arrivals)
    drawn = draw_boxes(layout, {}, None)
    assert all(len(each.text) == layout.width for each in drawn.lines)
    for name, at in layout.boxes.items():
        assert at.label in drawn.lines[drawn.tops[name][0] + 1].text


def test_the_scores_are_those_of_what_is_pinned():
    document = dallas_document()
    circuit = circuit_of(document, document.annotations, None)
    expected = subgraph_scores(document.graph, document.annotations.pinned)
    assert circuit.scored == (expected, True)
    assert circuit.scene == scene_of(document)
    words = f"replacement {share(expected.replacement)} completeness {share(expected.completeness)}"
    assert score_words(circuit.scored) == f"pinned: {words}"


async def test_an_edit_says_how_it_changed_the_scores(opened, text):
    session = dallas_session()
    key = session.selected
    before = subgraph_scores(session.graph, session.annotations.pinned)
    async with opened(session) as (pilot, _):
        await pilot.press("p")
        after = subgraph_scores(session.graph, session.annotations.pinned)
        assert key in session.annotations.pinned
        assert after.replacement > before.replacement + 0.005
        shown = f"+ replacement {share(before.replacement)} → {share(after.replacement)}"
        assert shown in text(pilot)
        await pilot.press("u")
        back = f"− replacement {share(after.replacement)} → {share(before.replacement)}"
        assert back in text(pilot)
        await pilot.press("a")
        assert "last edit: the scores stay as they were" in text(pilot)


async def test_nothing_pinned_shows_the_whole_graph_and_what_to_do(opened, text):
    session = dallas_session()
    session.do(TogglePin(session.annotations.pinned))
    session.do(Ungroup(tuple(k for g in session.annotations.supernodes for k in g.members)))
    async with opened(session) as (pilot, _):
        assert "whole graph: replacement" in text(pilot)
        assert "No supernodes yet" in text(pilot)
        await pilot.press("4", "z", "down", "enter", "p")
        assert "last edit: before, whole graph" in text(pilot)


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)])
async def test_boxes_are_walked_marked_and_expanded(opened, text, size):
    session = dallas_session()
    async with opened(session, size) as (pilot, screen):
        panel = screen.region_widget("supernodes")
        await pilot.press("4", *(["z"] if size[0] > 80 else []))
        assert panel.is_boxed
        await pilot.press("down", "down")
        assert panel.box == "group:say Austin"
        await pilot.press("space")
        assert tuple(session.marked) == session.annotations.supernode("say Austin").members
        await pilot.press("enter")
        assert "▲ say Austin  L4 #" in text(pilot)
        await pilot.press("enter", "down", "left")
        assert "▲ say Austin  L4 #" not in text(pilot)
        assert panel.box == "group:say a capital"
        await pilot.press("right", "home", "enter")
        assert session.selected.kind is NodeKind.LOGIT
        await pilot.press("end")
        assert panel.box.startswith("node:")


async def test_a_click_marks_a_box(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("4", "z")
        panel = screen.region_widget("supernodes")
        at, top = panel.layout_.boxes["group:Dallas"], panel._drawing.tops["group:Dallas"][0]
        await pilot.click("#supernodes", offset=(at.x + 4, top + 2))
        assert tuple(session.marked) == session.annotations.supernode("Dallas").members
        assert panel.box == "group:Dallas"


async def scored(pilot):
    """Wait until the scores of the last edit are there, which come a little after it."""
    await pilot.pause(3 * SOON)
    await pilot.app.workers.wait_for_complete()
    await pilot.pause()


async def test_a_big_graph_is_scored_beside_the_loop(opened, text, monkeypatch):
    monkeypatch.setattr("graphlabel_tui.widgets.supernode_panel.QUICK", 0)
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await scored(pilot)
        assert "pinned: replacement" in text(pilot)
        await pilot.press("p", "p", "p")
        await scored(pilot)
        panel = screen.region_widget("supernodes")
        assert panel.circuit.annotations is session.annotations
        assert key_of(2, 214, 10) in panel.circuit.annotations.pinned
