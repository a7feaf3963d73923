"""The link graph's sliders, zoom and pan, and the geometry behind them."""

from __future__ import annotations

import numpy as np
import pytest
from fixture_graph import dallas_session
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.graph import TOKEN_LAYER
from graphlabel_tui.view import Neighbour, View
from graphlabel_tui.widgets.grid import (
    FURTHEST_IN,
    FURTHEST_OUT,
    Zoom,
    make_grid,
    row_layers,
    rows_by_layer,
)


@given(
    st.lists(st.floats(-9, 9).filter(lambda w: abs(w) > 1e-3), min_size=1, max_size=40),
    st.integers(1, 10),
)
def test_the_density_shows_the_fewest_edges_that_carry_it(weights, tenths):
    view = View(dallas_session())
    view.density = tenths / 10
    found = [Neighbour(i, w) for i, w in enumerate(sorted(weights, key=abs, reverse=True))]
    sizes = np.abs([each.weight for each in found])
    count = len(view.dense(found))
    wanted = view.density * sizes.sum()
    assert sizes[:count].sum() >= wanted * (1 - 1e-9)
    assert sizes[: count - 1].sum() < wanted


def test_no_edges_are_no_trouble():
    assert View(dallas_session()).dense([]) == []


@given(
    st.integers(1, 60), st.sampled_from([1, 2, 4]), st.sets(st.integers(0, 59)), st.integers(1, 90)
)
def test_every_layer_has_a_row(n_layers, per_row, used, height):
    used = {layer for layer in used if layer < n_layers} | {TOKEN_LAYER, n_layers}
    rows = row_layers(n_layers, n_layers, per_row, used, height)
    assert list(rows) == sorted(set(rows), reverse=True)
    row_of = rows_by_layer(rows, n_layers)
    for layer in used:
        assert rows[row_of[layer]] <= layer
    assert row_of[n_layers] == 0
    assert row_of[TOKEN_LAYER] == len(rows) - 1


@pytest.mark.parametrize("level", range(FURTHEST_OUT, FURTHEST_IN + 1))
def test_every_node_stands_somewhere_at_every_zoom(level):
    view = View(dallas_session())
    grid = make_grid(view.graph, view.visible(), view.influence, 60, Zoom(level), 20)
    assert set(grid.where) == set(range(len(view.graph)))
    shown = {slot.place for row in range(len(grid.layers)) for slot in grid.slots(row, None)}
    if level >= 0:
        assert set(grid.where) - shown == set() or grid.width >= 60


async def test_zooming_folds_layers_and_widens_columns(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        graph = screen.query_one("#graph")
        rows, width = len(graph.grid.layers), graph.grid.width
        await pilot.press("less_than_sign", "less_than_sign")
        assert len(graph.grid.layers) < rows
        assert "zoom -2" in text(pilot)
        assert "2+ │" in text(pilot)
        await pilot.press(*["greater_than_sign"] * 5)
        assert graph.grid.width > width
        assert len(graph.grid.layers) == rows
        left = graph.scroll_offset.x
        selected = session.selected
        await pilot.press("shift+left")
        assert graph.scroll_offset.x < left
        await pilot.press("shift+right", "shift+up", "shift+down")
        assert session.selected == selected
        await pilot.press(*["less_than_sign"] * 20)
        assert graph.zoom.level == FURTHEST_OUT


async def test_the_edge_slider_marks_fewer_or_more_nodes(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        graph = screen.query_one("#graph")
        await pilot.press("up", "up")
        await pilot.press(*["right_curly_bracket"] * 5)
        every = len(graph._marks)
        place = session.place
        ends = {n.place for n in (*screen.view.parents(place), *screen.view.children(place))}
        assert set(graph._marks) == ends
        assert "edges ≤ 1.0" in text(pilot)
        await pilot.press(*["left_curly_bracket"] * 20)
        assert 1 <= len(graph._marks) < every
        assert "edges ≤ 0.1" in text(pilot)


async def test_tiny_and_back(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        before = text(pilot)
        for size in ((20, 5), (200, 60), (1, 1), (120, 40)):
            await pilot.resize_terminal(*size)
            await pilot.press("z", "4", "down", "1", "z")
        await pilot.pause()
        assert text(pilot).splitlines()[2:18] == before.splitlines()[2:18]
