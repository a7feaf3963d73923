"""The review: its order, its keys, its progress, its end."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel.annotation import FeatureClass, Origin, Review, SetReview, needs_attention
from graphlabel.graph import NodeKind
from graphlabel_tui.review import Outcome, ReviewRun, Stage, Waiting
from graphlabel_tui.view import View


def test_obscure_first_then_least_trusted_times_most_influential():
    session = dallas_session()
    view = View(session)
    queue = view.review_queue()
    keys = [view.node(item.place).key for item in queue]
    annotations = session.annotations
    obscure = [key for key in keys if (r := annotations.routing_of(key))
               and r.feature_class is FeatureClass.OBSCURE]  # fmt: skip
    assert keys[:3] == obscure == [key_of(3, 97, 10), key_of(4, 88, 10), key_of(2, 97, 10)]
    assert [item.stage for item in queue] == [0] * 3 + [1] * 4 + [2] * 16
    need = needs_attention(session.graph, annotations, view.influence)
    for stage in Stage:
        values = [need[item.place] for item in queue if item.stage is stage]
        assert values == sorted(values, reverse=True)
    assert key_of(4, 214, 10) not in keys  # a person's own label


def test_a_rejected_label_waits_for_another():
    session = dallas_session()
    key = key_of(0, 77, 10)
    session.do(SetReview((key,), Review.REJECTED))
    queue = View(session).review_queue()
    assert [i.stage for i in queue if i.place == session.graph.index_of[key]] == [Stage.UNNAMED]


async def test_one_key_decides_and_leads_on(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("v")
        assert session.selected == key_of(3, 97, 10)
        assert "review 1 of 23" in text(pilot)
        assert "obscure: name it or skip it" in text(pilot)
        await pilot.press("e", "o", "d", "d", "enter")
        assert session.annotations.label_of(key_of(3, 97, 10)).text == "odd"
        assert session.selected == key_of(4, 88, 10)
        await pilot.press("n", "n", "n", "n", "n", "n")
        assert "needs a label" not in text(pilot)
        assert "is the label right?" in text(pilot)
        assert "review 8 of 23" in text(pilot)
        first = session.selected
        await pilot.press("a")
        assert session.annotations.reviews[first] is Review.ACCEPTED
        second = session.selected
        await pilot.press("x")
        assert session.annotations.reviews[second] is Review.REJECTED
        assert "✓1 ✎1 ✗1 →6" in text(pilot)
        await pilot.press("v")
        await pilot.pause()
        assert "Review ended: 1 accepted" in text(pilot)
        assert not screen.query("#review-line")
        await pilot.press("u", "u", "u")
        assert session.annotations == dallas_session().annotations


@pytest.mark.slow
async def test_to_the_end(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("v")
        for _ in range(7):
            await pilot.press("e", "o", "k", "enter")
        for _ in range(16):
            await pilot.press("a")
        await pilot.pause()
        assert not screen.query("#review-line")
        assert "Review ended: 16 accepted, 7 named." in text(pilot)
        assert not screen.view.review_queue()
        labels = [
            session.annotations.label_of(node.key)
            for node in session.graph.nodes
            if node.key.kind is NodeKind.FEATURE
        ]
        assert sum(label.provenance.origin is Origin.PERSON for label in labels) == 8
        await pilot.press("n")
        await pilot.pause()
        assert "Every feature is labelled and accepted." in text(pilot)


async def test_what_was_settled_meanwhile_is_passed(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("v")
        session.mark([key_of(2, 97, 10), key_of(4, 88, 10)])
        await pilot.press("e", "x", "enter")  # on the marked: the review stays where it is
        assert screen._run.current.place == session.graph.index_of[key_of(3, 97, 10)]
        await pilot.press("escape", "n")
        assert session.selected == key_of(3, 260, 8)
        assert screen._run.counts() == {Outcome.SKIPPED: 1, Outcome.SETTLED: 2}


async def test_looking_around_does_not_lose_the_place(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("v", "enter", "enter")
        other = session.selected
        await pilot.press("e", "o", "enter")  # another node: named, and nothing is passed
        assert session.annotations.label_of(other)
        assert screen._run.outcomes == []
        await pilot.press("n")
        assert session.selected == key_of(4, 88, 10)


async def test_only_what_passes_the_filter(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        screen.view.query = "layer:5"
        await pilot.press("v")
        assert "review 1 of 2" in text(pilot)
        await pilot.press("escape")
        screen.view.query = "by:you"
        await pilot.press("v")
        await pilot.pause()
        assert "Nothing that passes the filter needs a review." in text(pilot)


@pytest.mark.parametrize("size", [(20, 5), (80, 24), (200, 60)])
async def test_the_keys_are_shown_where_there_is_room(opened, text, size):
    async with opened(dallas_session(), size) as (pilot, _):
        await pilot.press("v")
        assert "review 1 of 23" in text(pilot) or size == (20, 5)
        if size[0] >= 80:
            assert "a accept  e edit  x reject  n skip  esc leave" in text(pilot)


def test_a_run_ends():
    run = ReviewRun((Waiting(Stage.OBSCURE, 0.0, 1),))
    assert run.summary() == "nothing decided"
    run.settle(Outcome.SKIPPED)
    run.settle(Outcome.SKIPPED)
    assert run.current is None
    assert run.summary() == "1 skipped"
