"""Merging, splitting, pasting, notes of several lines, completion from the store."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_document, dallas_session, key_of
from textual import events

from graphlabel.annotation import MAX_LABEL_LENGTH, SetLabel, SetNote, clean_label
from graphlabel.store import Store
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.edit_line import Completion

HERE = key_of(2, 214, 10)
TEXAS = (key_of(2, 33, 9), key_of(3, 33, 10))


def members(session: Session) -> dict[str, tuple]:
    """Supernodes as a mapping."""
    return {group.name: group.members for group in session.annotations.supernodes}


async def test_merge_the_selected_supernode_into_another(opened):
    session = dallas_session()
    session.selected = TEXAS[0]
    before = session.annotations
    async with opened(session) as (pilot, _):
        await pilot.press("M", "down", "enter")
        assert members(session)["Dallas"] == (key_of(0, 312, 9), key_of(1, 312, 9), *TEXAS)
        assert "Texas" not in members(session)
        await pilot.press("u")
        assert session.annotations == before


async def test_merge_the_supernodes_of_marked_nodes(opened, text):
    session = dallas_session()
    session.mark([TEXAS[0], key_of(0, 44, 4)])
    async with opened(session) as (pilot, _):
        await pilot.press("M")
        assert "merge [Texas] [capital] into" in text(pilot)
        await pilot.press("enter")
        assert members(session)["Texas"] == (*TEXAS, key_of(0, 44, 4), key_of(1, 44, 4))
        assert not session.marked


async def test_merging_what_is_in_no_supernode_or_into_itself(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await pilot.press("M")
        await pilot.pause()
        assert "is in no supernode" in text(pilot)
        session.selected = TEXAS[0]
        await pilot.press("M", *"Texas", "enter")
        await pilot.pause()
        assert "merging needs two supernodes" in text(pilot)
        assert not session.history.done


async def test_split(opened, text):
    session = dallas_session()
    session.selected = TEXAS[1]
    before = session.annotations
    async with opened(session) as (pilot, _):
        await pilot.press("S", *"new", "enter")
        assert members(session)["Texas"] == TEXAS[:1]
        assert members(session)["new"] == TEXAS[1:]
        await pilot.press("u")
        assert session.annotations == before
        session.mark(TEXAS)
        await pilot.press("S", *"all", "enter")
        await pilot.pause()
        assert "needs some of its nodes, not all" in text(pilot)
        await pilot.press("escape")
        session.mark([key_of(0, 44, 4)])
        await pilot.press("S")
        await pilot.pause()
        assert "Splitting takes nodes out of one supernode" in text(pilot)
        session.marked.clear()
        session.selected = key_of(3, 97, 10)
        await pilot.press("S")
        await pilot.pause()
        assert "None of these nodes is in a supernode" in text(pilot)


async def paste(pilot, words: str) -> None:
    """A bracketed paste, as the terminal sends it."""
    pilot.app.post_message(events.Paste(words))
    await pilot.pause()


async def test_a_paste_of_a_megabyte(opened, text):
    session = dallas_session()
    words = "word \n" * 170_000
    async with opened(session) as (pilot, screen):
        await paste(pilot, words)  # nothing is asked: nothing happens
        assert not session.history.done
        await pilot.press("e")
        await paste(pilot, words)
        assert "✂ cut: there is room for 200 characters" in text(pilot)
        assert len(screen.focused.value) == MAX_LABEL_LENGTH
        await pilot.press("enter")
        label = session.annotations.label_of(HERE).text
        assert label == clean_label(label)
        assert 180 < len(label) <= MAX_LABEL_LENGTH
        await pilot.press("t")
        await paste(pilot, words)
        await pilot.press("enter")
        note = session.annotations.notes[HERE]
        assert note.startswith("word \nword \n")
        assert 9_000 < len(note) <= 10_000
        await pilot.press("slash")
        await paste(pilot, words)
        await pilot.pause()
        assert "1 of 42" in text(pilot)  # the note that has the word
        await pilot.press("escape")
        assert pilot.app.is_running


async def test_a_paste_replaces_what_is_selected(opened):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press("e")
        screen.focused.select_all()
        await paste(pilot, "capital")
        await pilot.press("enter")
        assert session.annotations.label_of(HERE).text == "capital"


WIDE = [
    "漢字",
    "🙂👩‍👩‍👧‍👦",
    "e\u0301a\u0308",
    "עברית",
    "العربية",
    "﷽",
    "𝕬𝖚𝖘",
    "ｆｕｌｌ",
    "\u200dx",
    "tab\there",
]


@pytest.mark.parametrize("words", WIDE, ids=range(len(WIDE)))
async def test_unicode_of_every_width_is_kept(opened, words):
    session = dallas_session()
    session.selected = key_of(3, 97, 10)
    async with opened(session) as (pilot, _):
        await pilot.press("e")
        await paste(pilot, words)
        await pilot.press("enter")
        kept = session.annotations.label_of(key_of(3, 97, 10)).text
        assert kept == clean_label(words.replace("\t", "→"))
        await pilot.press("e", "end", "x", "enter")
        assert session.annotations.label_of(key_of(3, 97, 10)).text == kept + "x"


async def test_a_note_keeps_its_lines(opened, text):
    session = dallas_session()
    session.do(SetNote(HERE, "one\ntwo\tthree"))
    async with opened(session) as (pilot, _):
        await pilot.press("t", "enter")
        assert session.annotations.notes[HERE] == "one\ntwo\tthree"
        assert len(session.history.done) == 1
        await pilot.press("t", "end", "!", "enter")
        assert session.annotations.notes[HERE] == "one\ntwo→three!"


async def test_a_note_longer_than_there_is_room_for_is_not_cut(opened):
    session = dallas_session()
    session.do(SetNote(HERE, "x" * 12_000))
    async with opened(session) as (pilot, _):
        await pilot.press("t", "end", "backspace", "home", "delete", "enter")
        assert len(session.annotations.notes[HERE]) == 11_998


async def test_labels_of_other_graphs_complete(opened, text, tmp_path):
    with Store(tmp_path / "store.db") as store:
        other = dallas_document()
        elsewhere = Session(other, tmp_path / "a.json", store, author="ada")
        elsewhere.do(SetLabel((key_of(3, 97, 10),), "zebra crossing", elsewhere.provenance()))
        session = dallas_session(tmp_path / "b.json", store)
        assert session.known_labels() == ["zebra crossing"]
        session.history.undo()
        async with opened(session) as (pilot, screen):
            await screen.workers.wait_for_complete(
                [w for w in screen.workers if w.group == "known labels"]
            )
            await pilot.pause()
            await pilot.press("e", "ctrl+u", *"zeb")
            assert "↓ zebra crossing" in text(pilot)
            await pilot.press("down", "enter")
            assert session.annotations.label_of(HERE).text == "zebra crossing"


def test_thousands_of_completions_are_no_work():
    texts = [f"label {number}" for number in range(20_000)]
    completion = Completion([*texts, *texts])
    assert completion.matches("") == texts
    assert completion.matches("19999") == ["label 19999"]


@pytest.mark.slow
async def test_undo_has_no_limit(opened, fast):
    session = dallas_session()
    before = session.annotations
    async with opened(session) as (pilot, _):
        for _ in range(30):
            await fast(pilot, *["p"] * 10)
        assert len(session.history.done) == 300
        for _ in range(31):
            await fast(pilot, *["u"] * 10)
        assert session.annotations == before
        await fast(pilot, *["U"] * 3)
        assert HERE in session.annotations.pinned
