"""Keys typed faster than prompts open reach the prompts, in order."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session, key_of
from textual import events

from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.screens.help import HelpScreen

AUSTIN = key_of(3, 97, 10)


def typed(app: GraphLabelApp, *keys: str) -> None:
    """All keys at once, as a terminal hands over what was typed while it was busy."""
    for key in keys:
        named = {"enter": "\r", "escape": "\x1b"}
        app.post_message(events.Key(key, named.get(key, key)))


async def until(pilot, seen) -> None:
    """Wait until something is so."""
    for _ in range(200):
        await pilot.pause(0.01)
        if seen():
            return
    raise AssertionError("never came")


@pytest.mark.parametrize("name", ["states", "p a x u g", "漢字"])
async def test_a_label_typed_at_once_is_entered_whole(name):
    session = dallas_session()
    async with GraphLabelApp(session).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        pinned = session.annotations.pinned
        session.select(AUSTIN)
        characters = ["space" if letter == " " else letter for letter in name]
        pilot.app.post_message(events.Key("e", "e"))
        for key, letter in zip(characters, name, strict=True):
            pilot.app.post_message(events.Key(key, letter))
        typed(pilot.app, "enter", "p")
        await until(pilot, lambda: session.annotations.pinned != pinned)
        label = session.annotations.label_of(AUSTIN)
        assert label is not None
        assert label.text == name


async def test_a_paste_typed_ahead_lands_in_the_prompt():
    session = dallas_session()
    async with GraphLabelApp(session).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        session.select(AUSTIN)
        typed(pilot.app, "e")
        pilot.app.post_message(events.Paste("pasted"))
        typed(pilot.app, "enter")
        await until(pilot, lambda: session.annotations.label_of(AUSTIN) is not None)
        assert session.annotations.label_of(AUSTIN).text == "pasted"


async def test_a_screen_opened_and_closed_at_once():
    session = dallas_session()
    async with GraphLabelApp(session).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        pinned = session.annotations.pinned
        for key in ("question_mark", "escape", "p"):
            pilot.app.post_message(events.Key(key, {"question_mark": "?", "escape": "\x1b"}.get(key, key)))  # fmt: skip
        await until(pilot, lambda: session.annotations.pinned != pinned)
        assert not isinstance(pilot.app.screen, HelpScreen)
