"""Saving, exporting, quitting, and edits that outlive the program."""

from __future__ import annotations

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel.annotation import SetNote
from graphlabel.errors import StoreError
from graphlabel.files import read_graph
from graphlabel.store import Store
from graphlabel_tui.paths import export_path
from graphlabel_tui.screens.dialogs import ConfirmScreen, ExportScreen
from graphlabel_tui.widgets.edit_line import EditLine

HERE = key_of(2, 214, 10)


async def test_save_writes_the_file(opened, text, tmp_path):
    session = dallas_session(tmp_path / "dallas.json")
    async with opened(session) as (pilot, _):
        await pilot.press("p")
        assert "● ^s to file" in text(pilot)
        await pilot.press("ctrl+s")
        assert "saved" in text(pilot)
        assert "^s to file" not in text(pilot)
        assert HERE in read_graph(session.path).annotations.pinned


async def test_a_save_that_fails_is_said_in_a_line(opened, text, tmp_path):
    (tmp_path / "file").touch()
    session = dallas_session(tmp_path / "file" / "dallas.json")
    async with opened(session) as (pilot, _):
        await pilot.press("p", "ctrl+s")
        await pilot.pause()
        assert "● ^s to file" in text(pilot)
        assert len(pilot.app._notifications) == 1


async def test_export_in_a_chosen_format(opened, text, tmp_path):
    session = dallas_session(tmp_path / "dallas.json")
    async with opened(session) as (pilot, _):
        await pilot.press("X")
        assert "opens on Neuronpedia with labels" in text(pilot)
        await pilot.press(*["down"] * 4, "enter", "enter")
        await pilot.pause()
        written = tmp_path / "dallas.csv"
        assert "say Austin" in written.read_text()
        assert "exported" in text(pilot)


async def test_export_asks_before_it_replaces_a_file(opened, text, tmp_path):
    session = dallas_session(tmp_path / "dallas.json")
    taken = tmp_path / "dallas.graphml"
    taken.write_text("mine")
    to_graphml = ["X", *["down"] * 3, "enter", "enter"]
    async with opened(session) as (pilot, _):
        await pilot.press(*to_graphml)
        assert "Enter again replaces it" in text(pilot)
        assert taken.read_text() == "mine"
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, ExportScreen)
        await pilot.press(*to_graphml, "enter")
        while "exported" not in text(pilot):
            await pilot.pause(0.02)
        assert "say Austin" in taken.read_text()


@pytest.mark.parametrize(
    ("graph", "suffix", "proposed"),
    [
        ("fr.json", ".svg", "fr.svg"),
        ("fr.json.gz", ".svg", "fr.svg"),
        ("fr.json.gz", ".json", "fr.json"),
        ("fr.pt", ".json", "fr.json"),
        ("v1.2", ".csv", "v1.2.csv"),
        ("fr.json", ".json", "fr-3.json"),
        ("new.json", ".json", "new-2.json"),
    ],
)
def test_the_proposed_export_is_called_like_the_graph(tmp_path, graph, suffix, proposed):
    (tmp_path / "fr-2.json").touch()
    assert export_path(tmp_path / graph, suffix) == tmp_path / proposed


async def test_the_same_form_is_exported_beside_the_graph(opened, tmp_path):
    session = dallas_session(tmp_path / "dallas.json")
    async with opened(session) as (pilot, _):
        await pilot.press("X", "enter", "enter")
        await pilot.pause()
    written = read_graph(tmp_path / "dallas-2.json")
    assert written.annotations.supernodes == session.annotations.supernodes


async def test_an_export_that_fails_is_said_in_a_line(opened, tmp_path):
    (tmp_path / "file").touch()
    session = dallas_session(tmp_path / "file" / "dallas.json")
    async with opened(session) as (pilot, _):
        await pilot.press("X", *["down"] * 4, "enter", "enter")
        await pilot.pause()
        assert [n.severity for n in pilot.app._notifications] == ["error"]


async def test_quit_at_once_when_saved(opened):
    async with opened(dallas_session()) as (pilot, _):
        await pilot.press("q")
        assert not pilot.app.is_running or pilot.app._exit


@pytest.mark.parametrize(
    ("keys", "leaves", "saves"),
    [
        (("s",), True, True),
        (("enter",), True, True),
        (("d",), True, False),
        (("c",), False, False),
        (("escape",), False, False),
    ],
)
async def test_quit_asks_when_the_file_is_behind(opened, tmp_path, keys, leaves, saves):
    session = dallas_session(tmp_path / "dallas.json")
    async with opened(session) as (pilot, _):
        await pilot.press("p", "q")
        assert isinstance(pilot.app.screen, ConfirmScreen)
        await pilot.press(*keys)
        await pilot.pause()
        assert pilot.app._exit is leaves
        assert session.path.exists() is saves


async def test_the_dialog_says_what_becomes_of_the_edits(opened, text, tmp_path):
    store = Store(tmp_path / "store.db")
    for kept, words in ((store, "your edits stay in the store"), (None, "your edits are lost")):
        async with opened(dallas_session(tmp_path / "d.json", kept)) as (pilot, _):
            await pilot.press("p", "q")
            assert words in text(pilot)
    store.close()


async def test_edits_and_undo_survive_a_restart(opened, text, tmp_path):
    for round_ in range(3):
        store = Store(tmp_path / "store.db")
        session = dallas_session(tmp_path / "dallas.json", store)
        async with opened(session) as (pilot, _):
            if round_ == 0:
                await pilot.press("e", "h", "i", "enter", "p")
            elif round_ == 1:
                assert "undo 2" in text(pilot)
                assert session.annotations.label_of(HERE).text == "hi"
                await pilot.press("u", "u")
                assert session.annotations.label_of(HERE).text == "say Austin"
            else:
                assert "undo 0" in text(pilot)
                await pilot.press("U")
                assert session.annotations.label_of(HERE).text == "hi"
        session.close()


async def test_an_edit_that_cannot_be_kept_is_taken_back(opened, text, tmp_path, monkeypatch):
    store = Store(tmp_path / "store.db")
    session = dallas_session(tmp_path / "dallas.json", store)

    def refuse(*_: object) -> None:
        raise StoreError("the annotation store is full; name another with --store")

    async with opened(session) as (pilot, _):
        await pilot.press("t", "x", "enter")
        monkeypatch.setattr(store._database, "write", refuse)
        await pilot.press("u")
        assert session.annotations.notes[HERE] == "x"
        await pilot.press("p")
        await pilot.pause()
        assert HERE not in session.annotations.pinned
        assert "the annotation store is full" in text(pilot)
    session.close()


async def test_words_that_cannot_be_kept_stay_in_the_prompt(opened, tmp_path, monkeypatch):
    store = Store(tmp_path / "store.db")
    session = dallas_session(tmp_path / "dallas.json", store)
    write = store._database.write

    def refuse(*_: object) -> None:
        raise StoreError("the server is away; try again")

    async with opened(session) as (pilot, screen):
        monkeypatch.setattr(store._database, "write", refuse)
        await pilot.press("t", *"long words", "enter")
        assert screen.query_one(EditLine).entry.value == "long words"
        assert HERE not in session.annotations.notes
        monkeypatch.setattr(store._database, "write", write)
        await pilot.press("enter")
        assert session.annotations.notes[HERE] == "long words"
        assert not screen.query(EditLine)
    session.close()


async def test_two_windows_on_one_store_save_each_others_edits(tmp_path):
    path = tmp_path / "dallas.json"
    stores = [Store(tmp_path / "store.db") for _ in range(2)]
    one, two = (dallas_session(path, store) for store in stores)
    other = key_of(2, 33, 9)
    one.do(SetNote(HERE, "from one"))
    two.do(SetNote(other, "from two"))
    one.save()
    two.save()
    notes = read_graph(path).annotations.notes
    assert (notes[HERE], notes[other]) == ("from one", "from two")
    for store in stores:
        store.close()


async def test_keys_typed_ahead_while_closing_do_nothing(opened, fast):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        await fast(pilot, "q", "e", "e", "e")
        await pilot.pause()
    assert session.is_saved
