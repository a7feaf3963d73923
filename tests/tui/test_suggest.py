"""Suggested supernodes: preview, accept, change, reject; the real command in a real process."""

from __future__ import annotations

import asyncio
import json
import time

import pytest
from fixture_graph import dallas_document, dallas_session, key_of
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.annotation import Group
from graphlabel.errors import UsageError
from graphlabel.store import Store
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.jobs import Job, JobState
from graphlabel_tui.proposals import Decision, accepting, open_ones, read_proposals
from graphlabel_tui.screens.suggest import SuggestScreen
from graphlabel_tui.session import Session

FREE = (key_of(2, 214, 10), key_of(3, 97, 10), key_of(2, 97, 10))
HELD = (key_of(2, 33, 9), key_of(1, 401, 9), key_of(2, 51, 7))
SIZES = [(80, 24), (120, 40), (200, 60)]


def printed(document=None) -> str:
    """What the command prints: three groups, the second with a member that is grouped already."""
    ids = (document or dallas_document()).id_of_key
    groups = [
        ("say [bold]Austin", FREE, "they write towards Austin together: total effects alike 0.91"),
        ("Texas", HELD, "driven by Dallas, and drive say Austin; examples speak of Texas"),
        ("capital", (key_of(2, 120, 4), key_of(3, 260, 8)), "labels alike: “governments”"),
    ]
    rows = [
        {"name": name, "members": [ids[key] for key in keys], "reason": reason}
        for name, keys, reason in groups
    ]
    return json.dumps({"supernodes": rows})


def done(text: str) -> Job:
    """A finished run of the command."""
    return Job(("suggest", "dallas.json", "--json"), JobState.DONE, result=text)


@pytest.fixture
def shown(opened):
    """Opens the workbench with suggestions waiting, and their screen."""

    async def show(pilot, screen) -> SuggestScreen:
        screen.take_printed(done(printed(screen.session.document)))
        await pilot.press("s")
        await pilot.pause()
        assert isinstance(pilot.app.screen, SuggestScreen)
        return pilot.app.screen

    return show


def names(session: Session) -> list[str]:
    return [group.name for group in session.annotations.supernodes]


async def test_accepting_makes_a_supernode_and_undo_opens_it_again(opened, shown):
    session = dallas_session()
    before = session.annotations
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.press("a")
        assert session.annotations.supernode("say [bold]Austin").members == FREE
        first = screen._proposals[0]
        assert first.decision(session.annotations) is Decision.ACCEPTED
        await pilot.press("u")
        assert session.annotations == before
        assert first.decision(session.annotations) is Decision.OPEN
        await pilot.press("U", "escape")
        assert "say [bold]Austin" in names(session)


async def test_all_at_once_is_one_edit(opened, shown):
    session = dallas_session()
    before = session.annotations
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.press("A")
        # names in use get a number; who is in a supernode already stays there
        assert names(session)[-3:] == ["say [bold]Austin", "Texas (2)", "capital (2)"]
        assert session.annotations.supernode("Texas (2)").members == HELD[1:]
        assert session.annotations.supernode("Texas").members[0] == HELD[0]
        await pilot.press("u")
        assert session.annotations == before


async def test_accepting_what_is_free_says_so_and_closes_the_row(opened, shown, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        second = screen._proposals[1]
        assert "2 of 3 nodes · open" in text(pilot)
        await pilot.press("tab", "a")
        await pilot.pause()
        assert "accepted 2 of 3; 1 is in another group" in text(pilot)
        assert "2 of 3 nodes · accepted" in text(pilot)
        assert "3 groups: 2 open, 1 accepted" in text(pilot)
        assert second.decision(session.annotations) is Decision.ACCEPTED
        await pilot.press("u")
        assert second.decision(session.annotations) is Decision.OPEN
        await pilot.press("U")
        assert second.decision(session.annotations) is Decision.ACCEPTED


async def test_groups_with_fewer_than_two_free_members_are_not_open(opened, shown, text):
    session = dallas_session()
    session.do(Group("mine", HELD[1:2]))
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.pause()
        held = screen._proposals[1]
        assert held.decision(session.annotations) is Decision.HELD
        assert held not in open_ones(screen._proposals, session.annotations)
        assert "3 groups: 2 open, 1 in other groups" in text(pilot)
        await pilot.press("tab", "a")
        await pilot.pause()
        assert "fewer than two" in text(pilot)
        await pilot.press("x")
        assert held.decision(session.annotations) is Decision.REJECTED


async def test_changing_before_accepting(opened, shown):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.press("r", "ctrl+u", *"my name", "enter", "down", "down", "space", "a")
        assert session.annotations.supernode("my name").members == (FREE[0], FREE[2])
        assert session.annotations.supernode_of(FREE[1]) is None


async def test_a_name_may_be_left_as_it_is(opened, shown):
    async with opened(dallas_session()) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.press("r", "x", "escape")
        assert isinstance(pilot.app.screen, SuggestScreen)
        assert screen._proposals[0].name == "say [bold]Austin"
        assert not screen._proposals[0].rejected


async def test_rejected_ones_are_not_accepted_with_the_others(opened, shown, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.press("x")
        await pilot.pause(0.3)
        assert "3 groups: 2 open, 1 rejected" in text(pilot)
        await pilot.press("A")
        assert "say [bold]Austin" not in names(session)
        assert "Texas (2)" in names(session)


async def test_too_few_free_members_are_refused(opened, shown, text):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        before = session.annotations
        await pilot.press("down", "space", "down", "space", "a")
        await pilot.pause()
        assert session.annotations == before
        assert "fewer than two" in text(pilot)


async def test_looking_marks_the_members_and_comes_back(opened, shown):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await shown(pilot, screen)
        await pilot.press("tab", "enter")
        await pilot.pause()
        assert pilot.app.screen is screen
        assert tuple(session.marked) == HELD
        assert session.selected == HELD[0]
        await pilot.press("s")
        await pilot.pause()
        again = pilot.app.screen
        assert again._list.chosen is screen._proposals[1]


async def test_the_reason_and_strangers_text_are_shown_as_they_are(opened, shown, text):
    async with opened(dallas_session()) as (pilot, screen):
        await shown(pilot, screen)
        seen = text(pilot)
        assert "say [bold]Austin" in seen
        assert "total effects alike 0.91" in seen
        assert "in [Texas]" in seen


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"supernodes": [{"name": "a"}]}', "nonsense"])
def test_what_is_no_suggestion_is_refused(text):
    with pytest.raises(UsageError, match="no suggestions"):
        read_proposals(text, dallas_document())


def test_nodes_of_another_graph_are_left_out():
    rows = [{"name": "x", "members": ["nowhere", "99_1_1"], "reason": ""}]
    assert read_proposals(json.dumps({"supernodes": rows}), dallas_document()) == []


@settings(max_examples=40, deadline=None)
@given(st.sets(st.integers(0, 7)), st.sets(st.integers(0, 2)))
def test_accepting_takes_exactly_what_is_open_kept_and_free(dropped, rejected):
    session = dallas_session()
    proposals = read_proposals(printed(session.document), session.document)
    members = [key for each in proposals for key in each.members]
    for at in dropped:
        next(each for each in proposals if members[at] in each.members).drop(members[at])
    for at in rejected:
        proposals[at].rejected = True
    before = session.annotations
    waiting = open_ones(proposals, before)
    assert all(not each.rejected for each in waiting)
    free = [[k for k in each.kept if before.supernode_of(k) is None] for each in waiting]
    wanted = [tuple(keys) for keys in free if len(keys) > 1]
    if not wanted:
        if waiting:
            with pytest.raises(UsageError):
                accepting(before, waiting)
        return
    session.do(accepting(before, waiting))
    made = session.annotations.supernodes[len(before.supernodes) :]
    assert [group.members for group in made] == wanted
    session.undo()
    assert session.annotations == before


@pytest.mark.slow
async def test_the_real_command_suggests_and_the_edit_is_stored(opened, tmp_path):
    path = tmp_path / "dallas.json"
    store = Store(tmp_path / "store.db")
    session = dallas_session(path, store)
    async with opened(session) as (pilot, screen):
        await pilot.press("s")
        started = time.monotonic()
        while screen._proposals is None:
            assert screen.job.is_running, list(screen.job.lines)
            assert time.monotonic() - started < 120, list(screen.job.lines)
            await asyncio.sleep(0.05)
        await pilot.pause(0.5)
        assert path.exists()
        assert screen._proposals
        assert all(each.reason for each in screen._proposals)
        n = len(session.annotations.supernodes)
        await pilot.press("A")
        assert len(session.annotations.supernodes) > n
        wanted = session.annotations.supernodes
    store.close()
    again = dallas_session(path, Store(tmp_path / "store.db"))
    assert again.annotations.supernodes == wanted
    again.store.close()


async def test_another_run_is_in_the_way(opened, text, tmp_path):
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        screen.start_run("doctor")
        await pilot.press("s")
        await pilot.pause()
        assert "still running" in text(pilot)
        assert pilot.app.screen is screen
        screen.job.cancel()
        await screen.workers.wait_for_complete()


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_picture(snap_compare, size):
    app = GraphLabelApp(dallas_session())

    async def decide(pilot) -> None:
        pilot.app.screen.take_printed(done(printed()))
        await pilot.pause()
        pilot.app.clear_notifications()
        await pilot.press("s", "tab", "tab", "x", "shift+tab", "down", "down", "space")
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=decide)
