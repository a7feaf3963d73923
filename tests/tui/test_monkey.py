"""Random keys, pastes, clicks and sizes: nothing breaks, and no edit is lost.

GRAPHLABEL_MONKEY_KEYS sets how many keys are pressed; the default is for every day.
"""

from __future__ import annotations

import os
import random

import pytest
from fixture_graph import MemorySource, dallas_document
from textual import events

from graphlabel.annotation import Patch
from graphlabel.store import Store
from graphlabel_tui.commands import COMMANDS
from graphlabel_tui.session import Session

pytestmark = pytest.mark.slow

KEYS_PRESSED = int(os.environ.get("GRAPHLABEL_MONKEY_KEYS", "400"))
BURST = 20
SIZES = [(20, 5), (200, 60), (40, 10), (80, 24), (120, 40)]
UNSAFE = ("quit", "save", "export", "run", "keys")
"""They end the test, write files of random names, start processes or give keys other meanings."""
NAMED = [key for command in COMMANDS for key in command.keys if command.id not in UNSAFE]
TYPED = [*'abcxyz 0189<>:~@"-é漢', "backspace", "delete", "tab", "shift+tab", "ctrl+u", "enter"]
LEAVING = ["escape", "escape", "enter"]
PASTED = ["tier:3", "漢字 🙂", "two\nlines", "x" * 5000, "\x1b[31m[red]", "\u202e", ""]


def burst(rng: random.Random) -> list[str]:
    """Keys as a person would press them, were the person a monkey."""
    return [rng.choice(rng.choice((NAMED, NAMED, TYPED, LEAVING))) for _ in range(BURST)]


async def test_random_keys_break_nothing_and_lose_no_edit(opened, fast, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    rng = random.Random(20_261_121)
    path, kept = tmp_path / "dallas.json", tmp_path / "store.db"
    unsafe = {key for command in COMMANDS if command.id in UNSAFE for key in command.keys}
    with Store(kept) as store:
        session = Session(dallas_document(), path, store, MemorySource(), author="sam")
        async with opened(session) as (pilot, screen):
            for turn in range(max(1, KEYS_PRESSED // BURST)):
                # the letters q and X are typed only where they are text
                await fast(pilot, *(key for key in burst(rng) if key not in unsafe))
                if turn % 5 == 4:
                    pilot.app.post_message(events.Paste(rng.choice(PASTED)))
                    await pilot.resize_terminal(*rng.choice(SIZES))
                if turn % 7 == 6 and pilot.app.screen is screen:
                    width, height = screen.size
                    at = (rng.randrange(width), rng.randrange(height))
                    await pilot.click(offset=at, shift=rng.random() < 0.3)
                assert pilot.app.is_running
                assert session.selected in session.graph.index_of
                assert set(session.marked) <= set(session.graph.index_of)
        kept_annotations, done = session.annotations, [e.title for e in session.history.done]
        undone = len(session.history.undone)
    with Store(kept) as store:
        again = Session(dallas_document(), path, store, MemorySource(), author="sam")
        assert Patch.between(again.annotations, kept_annotations).is_empty
        assert [edit.title for edit in again.history.done] == done
        assert len(again.history.undone) == undone
        while again.undo():
            pass
        assert Patch.between(again.annotations, dallas_document().annotations).is_empty


async def test_an_empty_palette_can_be_paged(opened, fast, text):
    from fixture_graph import dallas_session

    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("ctrl+p")
        await fast(pilot, *"qqqqqqqq")
        await pilot.pause()
        await pilot.press("pageup", "pagedown", "home", "end", "down", "up", "enter", "escape")
        await pilot.press("escape")
        assert pilot.app.is_running
        assert pilot.app.screen is screen


@pytest.mark.parametrize("key", ["enter", "escape"])
async def test_a_closing_palette_is_closed_once(opened, fast, key):
    from fixture_graph import dallas_session

    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("ctrl+p", *"unpin")
        await fast(pilot, key, key, key, key)
        await pilot.pause()
        await pilot.pause()
        assert pilot.app.is_running
        assert len(session.history.done) <= 1
        await pilot.press("escape", "escape")
        assert pilot.app.screen is screen
