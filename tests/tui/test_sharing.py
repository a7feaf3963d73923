"""Two people on one store, and another pruning of the same prompt."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel.annotation import Group, Scope, SetLabel, SetNote
from graphlabel.errors import StoreError
from graphlabel.graph import AttributionGraph, Edges, GraphSource, NodeKind
from graphlabel.store import Store
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.dialogs import ConfirmScreen

HERE = key_of(2, 214, 10)


async def until(pilot, seen) -> float:
    """Wait until the screen shows it; the seconds that took."""
    started = time.monotonic()
    while not seen():
        await asyncio.sleep(0.02)
        await pilot.pause()
        assert time.monotonic() - started < 10, "it never showed"
    return time.monotonic() - started


@pytest.fixture
def two(tmp_path):
    """Two people's sessions on the same graph and store, each with a store of their own."""
    sessions = []
    for author in ("sam", "eve"):
        store = Store(tmp_path / "store.db")
        session = dallas_session(tmp_path / "dallas.json", store)
        sessions.append(replace(session, author=author))
    yield sessions
    for session in sessions:
        session.close()


async def test_anothers_edit_shows_by_itself(opened, text, two):
    mine, theirs = two
    async with opened(mine) as (pilot, _):
        theirs.do(SetLabel((HERE,), "Eve's words", theirs.provenance()))
        await until(pilot, lambda: "Eve's words" in text(pilot))
        assert "eve: label “Eve's words”" in text(pilot)
        assert "undo 0" in text(pilot)


async def test_edits_that_meet_are_shown(opened, text, two):
    mine, theirs = two
    async with opened(mine) as (pilot, screen):
        mine.do(SetLabel((HERE,), "mine", mine.provenance()))
        theirs.do(SetLabel((HERE,), "theirs", theirs.provenance()))
        await until(pilot, lambda: "theirs stands" in text(pilot).replace("\n", " "))
        shown = [each.message for each in pilot.app._notifications]
        assert any("eve wrote “theirs” over your “mine”" in message for message in shown)
        assert screen.session.annotations.label_of(HERE).text == "theirs"


async def test_a_store_that_goes_away_is_said_once(opened, two, monkeypatch):
    mine, _ = two

    def gone():
        raise StoreError("the store cannot be reached")

    async with opened(mine) as (pilot, screen):
        with monkeypatch.context() as patched:
            patched.setattr(mine.history, "has_news", gone)
            await until(pilot, lambda: screen._unreachable)
            await asyncio.sleep(1.2)
            bad = [each for each in pilot.app._notifications if each.severity == "error"]
            assert len(bad) == 1
        await until(pilot, lambda: not screen._unreachable)


def repruned(session):
    """The graph without its least influential features."""
    graph = session.graph
    kept = [
        node for node in graph.nodes if node.key.kind is not NodeKind.FEATURE or node.key == HERE
    ]
    smaller = AttributionGraph(
        graph.prompt, graph.tokens, tuple(kept), Edges.of([], [], []), graph.n_layers, graph.source
    )
    ids = tuple(session.document.id_of_key[node.key] for node in kept)
    empty = replace(session.document.annotations, supernodes=(), labels={}, pinned=(), notes={})
    return replace(session.document, graph=smaller, node_ids=ids, annotations=empty)


@pytest.mark.parametrize("answer", ["c", "l", "escape"])
async def test_another_prunings_annotations_are_offered(text, two, answer):
    first, _ = two
    other = key_of(2, 33, 9)
    first.do(SetLabel((HERE, other), "kept", first.provenance()))
    first.do(SetNote(other, "pruned away"))
    first.do(Group("both", (HERE, other)))
    document = repruned(first)
    again = type(first)(document, first.path, first.store, author="sam")
    async with GraphLabelApp(again).run_test(size=(120, 40), notifications=True) as pilot:
        await until(pilot, lambda: "another pruning of this prompt" in text(pilot))
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press(answer)
        await pilot.pause()
        if answer == "c":
            await until(pilot, lambda: "note on L2 #33 @9: pruned away" in text(pilot))
            await pilot.press("o")
            assert again.annotations.label_of(HERE).text == "kept"
            assert [group.members for group in again.annotations.supernodes] == [(HERE,)]
            assert again.undo()
            assert again.annotations.label_of(HERE) is None
        else:
            assert again.annotations.label_of(HERE) is None
    later = type(first)(document, first.path, first.store, author="sam")
    assert bool(later.offers()) is (answer == "escape")


async def test_without_transcoders_a_label_is_for_here_only(opened, text, tmp_path):
    session = dallas_session(tmp_path / "dallas.json")
    nameless = replace(session.graph, source=GraphSource("gemma"))
    session.document = replace(session.document, graph=nameless)
    async with opened(session) as (pilot, screen):
        screen._asked = (HERE,)
        screen.post_message(LineEntered("label", "x", Scope.FEATURE))
        await pilot.pause()
        assert "does not name its transcoders" in text(pilot).replace("\n", " ")
        assert session.annotations.labels[HERE].text == "x"
