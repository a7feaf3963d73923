"""Every editing command, through real keys, checked in the session."""

from __future__ import annotations

from fixture_graph import dallas_session, key_of

from graphlabel.annotation import Origin, Review, Scope
from graphlabel.graph import NodeKind

HERE = key_of(2, 214, 10)


async def typed(pilot, word: str) -> None:
    await pilot.press(*("space" if char == " " else char for char in word))


async def test_label_this_occurrence(opened, text):
    session = dallas_session()
    session.selected = key_of(3, 97, 10)
    async with opened(session) as (pilot, _):
        await pilot.press("e")
        assert "this occurrence (Tab: feature everywhere)" in text(pilot)
        await typed(pilot, "state name")
        await pilot.press("enter")
        label = session.annotations.label_of(key_of(3, 97, 10))
        assert label.text == "state name"
        assert label.scope is Scope.OCCURRENCE
        assert label.provenance.origin is Origin.PERSON
        assert label.provenance.author == "sam"
        assert "state name" in text(pilot)
        assert "● ^s to file" in text(pilot)
        assert "undo 1" in text(pilot)


async def test_tab_labels_the_feature_everywhere(opened, text):
    session = dallas_session()
    session.selected = key_of(3, 97, 10)
    async with opened(session) as (pilot, _):
        await pilot.press("e", "tab")
        assert "feature everywhere (Tab: this occurrence)" in text(pilot)
        await pilot.press("q", "enter")
        assert session.annotations.labels[key_of(3, 97, 10).feature_key].text == "q"


async def test_escape_leaves_the_label_alone(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("e", "x", "escape")
        assert session.annotations.label_of(HERE).text == "say Austin"
        assert screen.focused is screen.region_widget("graph")


async def test_down_completes_from_used_labels(opened, text):
    session = dallas_session()
    session.selected = key_of(4, 301, 10)
    async with opened(session) as (pilot, _):
        await pilot.press("e", "s", "a", "y")
        assert "↓ say Austin · say a capital" in text(pilot)
        await pilot.press("down", "down", "enter")
        assert session.annotations.label_of(key_of(4, 301, 10)).text == "say a capital"


async def test_label_marked_nodes_together(opened):
    session = dallas_session()
    keys = (key_of(3, 97, 10), key_of(4, 301, 10))
    session.mark(keys)
    async with opened(session) as (pilot, _):
        await pilot.press("e", "z", "enter")
        assert {session.annotations.label_of(key).text for key in keys} == {"z"}
        await pilot.press("u")
        assert all(session.annotations.label_of(key) is None for key in keys)


async def test_tokens_carry_no_label(opened, text):
    session = dallas_session()
    session.selected = next(n.key for n in session.graph.nodes if n.key.kind is NodeKind.TOKEN)
    async with opened(session) as (pilot, _):
        await pilot.press("e")
        await pilot.pause()
        assert "Only features carry labels" in text(pilot)


async def test_note(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("t", "h", "i", "enter")
        assert session.annotations.notes[HERE] == "hi"
        assert "✎ hi" in text(pilot)


async def test_group_marked_nodes_then_ungroup(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("space", "g", "n", "e", "w", "enter")
        assert session.annotations.supernode("new").members == (HERE,)
        assert HERE in session.annotations.pinned
        assert not session.marked
        assert "in [new] · pinned" in text(pilot)
        await pilot.press("G")
        assert session.annotations.supernode("new") is None


async def test_group_into_an_existing_one(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("g", "down", "enter")
        assert HERE in session.annotations.supernode("Dallas").members


async def test_a_nameless_group_is_refused(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("g", "enter")
        await pilot.pause()
        assert "a supernode needs a name" in text(pilot)
        assert not session.history.done


async def test_rename(opened, text):
    session = dallas_session()
    session.selected = key_of(3, 18, 10)
    async with opened(session) as (pilot, _):
        await pilot.press("r", "end", "2", "enter")
        assert session.annotations.supernode("say a capital2")
        await pilot.press("r", *"Texas", "enter")
        await pilot.pause()
        assert "exists already" in text(pilot)


async def test_rename_without_a_group_says_so(opened, text):
    async with opened(dallas_session()) as (pilot, _):
        await pilot.press("r")
        await pilot.pause()
        assert "is in no supernode" in text(pilot)


async def test_pin_and_unpin(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("p")
        assert HERE in session.annotations.pinned
        await pilot.press("p")
        assert HERE not in session.annotations.pinned
        assert [each.message for each in pilot.app._notifications] == ["unpinned"]
        await pilot.press("g", "n", "enter")
        assert [each.message for each in pilot.app._notifications] == ["grouped and pinned"]


async def test_accept_reject_and_back(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("a")
        assert session.annotations.reviews[HERE] is Review.ACCEPTED
        assert "✓ accepted" in text(pilot)
        await pilot.press("x")
        assert session.annotations.reviews[HERE] is Review.REJECTED
        await pilot.press("x")
        assert HERE not in session.annotations.reviews


async def test_nothing_to_judge(opened, text):
    session = dallas_session()
    session.selected = key_of(3, 97, 10)
    async with opened(session) as (pilot, _):
        await pilot.press("a")
        await pilot.pause()
        assert "There is no label to judge yet" in text(pilot)


async def test_mark_and_forget(opened):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("space", "down", "space")
        assert len(session.marked) == 2
        await pilot.press("escape")
        assert not session.marked


async def test_undo_redo(opened, text):
    session = dallas_session()
    before = session.annotations
    async with opened(session) as (pilot, _):
        await pilot.press("p", "u")
        assert session.annotations == before
        await pilot.press("U")
        assert HERE in session.annotations.pinned
        await pilot.press("u", "ctrl+r")
        assert HERE in session.annotations.pinned
        await pilot.press("u", "u")
        await pilot.pause()
        assert "nothing to undo" in text(pilot)
