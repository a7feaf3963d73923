"""The filter language, fuzzy words, orders and trust."""

from __future__ import annotations

import time

import pytest
from fixture_graph import dallas_session, key_of
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.annotation import Review, SetReview, node_trust
from graphlabel_tui.filters import FIELDS, STATES
from graphlabel_tui.fuzzy import fuzzy
from graphlabel_tui.orders import ORDERS
from graphlabel_tui.view import View

AUSTIN = key_of(2, 214, 10)


def found(query: str, view: View | None = None) -> set[tuple[int, int, int]]:
    """The features a query finds, as layer, feature and position."""
    view = view or View(dallas_session())
    view.query = query
    keys = [view.node(place).key for place in view.rows()]
    return {(key.layer, key.feature, key.position) for key in keys}


QUERIES = [
    ('label:"say a capital"', {(3, 18, 10)}),
    ("label:say", {(3, 18, 10), (2, 214, 10), (4, 214, 10), (5, 9, 10)}),
    ("supernode:texas", {(2, 33, 9), (3, 33, 10)}),
    ('supernode:"say a"', {(3, 18, 10), (4, 214, 10), (5, 9, 10)}),
    ("note:steer", {(3, 33, 10)}),
    ("note:", {(3, 33, 10)}),
    ("noted", {(3, 33, 10)}),
    ("by:you", {(4, 214, 10)}),
    ("by:sam", {(4, 214, 10)}),
    ("by:counter layer:1", {(1, 44, 4), (1, 90, 8), (1, 312, 9)}),
    ("by:claude pos:10", {(3, 33, 10), (5, 402, 10)}),
    ("class:obscure", {(2, 97, 10), (3, 97, 10), (4, 88, 10)}),
    ("tier:3 -layer:3", {(2, 97, 10), (4, 88, 10)}),
    ("tier:3 !layer:3", {(2, 97, 10), (4, 88, 10)}),
    ("feature:214", {(2, 214, 10), (4, 214, 10)}),
    ("kind:feature layer>=5", {(5, 9, 10), (5, 402, 10)}),
    ("kind:feature pos<4", {(0, 11, 1)}),
    ("grouped token:dallas influence<0.2", {(0, 312, 9), (2, 33, 9)}),
    ("kind:feature unlabelled influence>.5", {(3, 260, 8), (4, 88, 10)}),
    ("reviewed:accepted", set()),
    ("reviewed:maybe", set()),
    ("layer:x", set()),
    ("nosuch:field", set()),
]  # fmt: skip


@pytest.mark.parametrize(("query", "expected"), QUERIES)
def test_the_language(query, expected):
    assert found(query) == expected


def test_reviews_and_marks():
    session = dallas_session()
    session.do(SetReview((AUSTIN,), Review.ACCEPTED))
    session.do(SetReview((key_of(5, 9, 10),), Review.REJECTED))
    session.mark([key_of(3, 97, 10)])
    view = View(session)
    assert found("accepted", view) == found("reviewed:accepted", view) == {(2, 214, 10)}
    assert found("reviewed:yes", view) == {(2, 214, 10), (5, 9, 10)}
    assert len(found("reviewed:no", view)) == 15
    assert found("marked", view) == {(3, 97, 10)}
    assert found("trust<0.5", view) == {(5, 9, 10)}


@pytest.mark.parametrize(
    ("typed", "text", "fits"),
    [
        ("dlas", "dallas", True), ("dalals", "dallas", True), ("dallass", "dallas", True),
        ("dxllas", "dallas", True), ("captal", "say a capital", True), ("txs", "texas", True),
        ("allas", "dallas", False), ("salad", "dallas", False), ("dt", "dallas to", False),
        ("fox", "fax", False), ("a.b", "a.b", True), ("a.b", "axb", False), ("[x", "[x]", True),
    ],
)  # fmt: skip
def test_what_is_nearly_right(typed, text, fits):
    assert (fuzzy(typed).search(text) is not None) is fits


def test_a_slip_finds_what_was_meant_but_only_when_nothing_fits_exactly():
    assert found("texsa") == {(2, 33, 9), (3, 33, 10)} == found("texas")
    assert found("stae layer:2") == {(2, 51, 7)}


@given(st.text(max_size=30), st.text(max_size=200))
@settings(max_examples=100, deadline=None)
def test_any_word_can_be_typed(typed, text):
    fuzzy(typed.casefold() or "x").search(text.casefold())


def test_a_hostile_label_cannot_make_the_search_hang():
    start = time.perf_counter()
    for word in ("a" * 23 + "b", "a" * 24, "a" * 1000 + "b"):
        fuzzy(word).search("a" * 5000)
    assert time.perf_counter() - start < 1


@given(st.text(max_size=40))
@settings(max_examples=100, deadline=None)
def test_every_query_is_a_query(query):
    view = View(dallas_session())
    view.query = query
    assert set(view.rows()) <= set(view.visible())


@pytest.mark.parametrize("name", ORDERS)
def test_every_order_keeps_every_row_and_turns_round(name):
    view = View(dallas_session())
    view.sort = name
    rows = view.rows()
    assert sorted(rows) == list(view.visible())
    view.reverse = True
    assert view.rows() == rows[::-1]


def first(name: str, view: View) -> tuple[int, int, int]:
    """The feature an order puts first."""
    view.sort = name
    key = view.node(view.rows()[0]).key
    return key.layer, key.feature, key.position


def test_what_comes_first():
    session = dallas_session()
    session.mark([key_of(3, 97, 10)])
    view = View(session)
    view.query = "kind:feature"
    assert first("influence", view) == (5, 9, 10)
    assert first("urgent", view) == (3, 260, 8)
    assert first("activation", view) == (5, 9, 10)
    assert first("position", view) == (0, 11, 1)
    assert first("tier", view) == (3, 97, 10)
    assert first("note", view) == (3, 33, 10)
    assert first("marked", view) == (3, 97, 10)
    assert first("who", view) == (3, 33, 10)  # auto interp
    assert first("supernode", view) == (0, 44, 4)  # capital
    view.query = "labelled kind:feature"
    assert first("trust", view) == (3, 33, 10)
    assert first("urgent", view) == (2, 120, 4)


def test_trust_is_settled_by_a_person():
    session = dallas_session()
    assert node_trust(key_of(3, 97, 10), session.annotations) is None
    assert node_trust(key_of(4, 214, 10), session.annotations) == 1.0
    assert node_trust(AUSTIN, session.annotations) == 0.9
    session.do(SetReview((AUSTIN,), Review.REJECTED))
    assert node_trust(AUSTIN, session.annotations) == 0.0


def test_the_guide_names_every_field_state_and_order(request):
    guide = (request.config.rootpath / "docs" / "how-to-review.md").read_text("utf-8")
    for name in (*(f"{field}:" for field in FIELDS), *STATES, *ORDERS):
        assert f"`{name}" in guide
