"""Keys, themes, the tour and the clipboard: applied at once, kept, wrong files said."""

from __future__ import annotations

import base64

import pytest
from fixture_graph import dallas_session

from graphlabel.errors import UsageError
from graphlabel.graph import NodeKind
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.commands import BY_ID
from graphlabel_tui.preferences import (
    Preferences,
    load_preferences,
    save_keys,
    save_state,
    with_keys,
)
from graphlabel_tui.screens.keys import KeysScreen
from graphlabel_tui.screens.personal import Desk
from graphlabel_tui.screens.tour import CARDS, TourScreen
from graphlabel_tui.theme import HIGH_CONTRAST, LIGHT


def desk_in(folder) -> Desk:
    def keep(preferences):
        save_keys(preferences, folder)
        save_state(preferences, folder)

    return Desk(load_preferences(folder), keep)


def test_files_that_are_wrong_are_said_and_done_without(tmp_path):
    (tmp_path / "keys.toml").write_text(
        'label = "p"\nnothing = "n"\nundo = 3\nnote = ["w", "ctrl+w"]\n'
    )
    (tmp_path / "workbench.toml").write_text("theme = [")
    found = load_preferences(tmp_path)
    assert found.keys == {"note": ("w", "ctrl+w")}
    words = "\n".join(found.complaints)
    for said in ("no command “nothing”", "undo should be", "both", "workbench.toml cannot be read"):
        assert said in words


def test_conflicts_are_refused():
    with pytest.raises(UsageError, match="is the key of pin already"):
        with_keys(Preferences(), "label", ("p",))
    changed = with_keys(Preferences(), "label", ("W",))
    assert changed.keys_of(BY_ID["label"]) == ("W",)
    assert with_keys(changed, "label", ()).keys == {}


def test_keys_written_as_characters(tmp_path):
    (tmp_path / "keys.toml").write_text('label = "@"\nsave = "^w"\n')
    assert load_preferences(tmp_path).keys == {"label": ("at",), "save": ("ctrl+w",)}


async def test_a_key_is_changed_and_kept(text, tmp_path):
    save_state(Preferences(toured=True), tmp_path)
    session = dallas_session()
    async with GraphLabelApp(session, desk=desk_in(tmp_path)).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("f2")
        await pilot.pause()
        assert isinstance(pilot.app.screen, KeysScreen)
        await pilot.press("enter", "p")
        assert "is the key of pin already" in text(pilot)
        await pilot.press("enter", "W")
        await pilot.press("escape")
        await pilot.pause()
        assert "W label" in text(pilot)
        await pilot.press("W")
        await pilot.pause()
        assert pilot.app.screen.query("EditLine")
    assert load_preferences(tmp_path).keys == {"label": ("W",)}
    async with GraphLabelApp(session, desk=desk_in(tmp_path)).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        await pilot.press("e")
        assert not pilot.app.screen.query("EditLine")
        await pilot.press("question_mark")
        await pilot.pause()
        assert " W  Name the node" in text(pilot)


async def test_the_tour_is_shown_once(text, tmp_path):
    session = dallas_session()
    async with GraphLabelApp(session, desk=desk_in(tmp_path)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app.screen, TourScreen)
        for title, _ in CARDS:
            assert title in text(pilot)
            await pilot.press("enter")
            await pilot.pause()
        assert not isinstance(pilot.app.screen, TourScreen)
    async with GraphLabelApp(session, desk=desk_in(tmp_path)).run_test(size=(80, 24)) as pilot:
        await pilot.pause()
        assert not isinstance(pilot.app.screen, TourScreen)
        await pilot.press("f1")
        await pilot.pause()
        assert isinstance(pilot.app.screen, TourScreen)


async def test_themes_are_remembered(tmp_path):
    save_state(Preferences(toured=True), tmp_path)
    session = dallas_session()
    async with GraphLabelApp(session, desk=desk_in(tmp_path)).run_test() as pilot:
        await pilot.press("T", "T")
        assert pilot.app.theme == HIGH_CONTRAST.name
    assert GraphLabelApp(session, desk=desk_in(tmp_path)).theme == HIGH_CONTRAST.name
    assert set(HIGH_CONTRAST.variables) == set(LIGHT.variables)


async def test_ids_and_labels_go_to_the_clipboard(opened, monkeypatch):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        written = []
        monkeypatch.setattr(pilot.app._driver, "write", written.append)
        await pilot.press("y")
        assert pilot.app.clipboard == session.document.id_of_key[session.selected]
        await pilot.press("Y")
        assert pilot.app.clipboard == session.annotations.label_of(session.selected).text
        encoded = base64.b64encode(pilot.app.clipboard.encode()).decode()
        assert f"\x1b]52;c;{encoded}\a" in written
        session.select(session.graph.nodes[next(iter(session.graph.places(NodeKind.LOGIT)))].key)
        pilot.app._clipboard = ""
        await pilot.press("Y")
        assert pilot.app.clipboard == ""
