"""Two graphs side by side: aligned features, labels copied both ways."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from fixture_graph import dallas_document, dallas_session, key_of

from graphlabel.annotation import SetLabel
from graphlabel.errors import UsageError
from graphlabel.files import write_graph
from graphlabel.store import Store
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.comparing import SideBySide
from graphlabel_tui.runs import beside
from graphlabel_tui.screens.compare import CompareScreen, SharedList

HERE = key_of(2, 214, 10)


def other_document(*, model: str = "atlas"):
    """The same features in another prompt's graph, one without and one with another label."""
    document = dallas_document()
    graph = replace(
        document.graph, prompt="Another prompt", source=replace(document.graph.source, model=model)
    )
    written = document.annotations
    labels = {
        key: label
        for key, label in written.labels.items()
        if key != HERE and key != HERE.feature_key
    }
    return replace(document, graph=graph, slug="other").annotated(replace(written, labels=labels))


@pytest.fixture
def pair(tmp_path):
    left = dallas_session(tmp_path / "dallas.json")
    return SideBySide(left, beside(left, other_document(), tmp_path / "other.json"))


def shared_at(pair: SideBySide, key=HERE):
    return next(each for each in pair.found.shared if each.key == key.feature_key)


def test_a_label_goes_over_and_comes_back(pair):
    assert shared_at(pair).agree is None
    said = pair.copy(shared_at(pair), pair.left, pair.right)
    assert "other" in said
    copied = pair.right.annotations.label_of(HERE)
    original = pair.left.annotations.label_of(HERE)
    assert copied.text == original.text
    assert copied.provenance == original.provenance
    assert shared_at(pair).agree is True
    assert pair.copy(shared_at(pair), pair.left, pair.right) == "both call it that already"
    assert pair.undo().startswith("copy label")
    assert shared_at(pair).agree is None
    assert pair.undo() is None


def test_graphs_of_other_transcoders_are_refused(tmp_path):
    left = dallas_session(tmp_path / "dallas.json")
    right = beside(left, other_document(model="gpt2"), tmp_path / "other.json")
    with pytest.raises(UsageError, match="features differ"):
        SideBySide(left, right)
    assert SideBySide(left, right, any_set=True).found.shared


def test_a_label_of_the_feature_holds_in_both_graphs_of_a_store(tmp_path):
    from graphlabel.annotation import Scope

    store = Store(tmp_path / "store.db")
    left = dallas_session(tmp_path / "dallas.json", store)
    pair = SideBySide(left, beside(left, other_document(), tmp_path / "other.json"))
    left.do(SetLabel((HERE,), "everywhere", left.provenance(), Scope.FEATURE))
    pair.right.refresh()
    pair.refresh()
    assert shared_at(pair).right.labels == ("everywhere",)
    store.close()


async def test_the_screen_copies_with_arrows(opened, text, pair):
    async with opened(pair.left) as (pilot, screen):
        screen.show_pair(pair)
        await pilot.pause()
        shown = pilot.app.screen
        assert isinstance(shown, CompareScreen)
        assert "dallas" in text(pilot)
        assert "other" in text(pilot)
        rows = shown.query_one(SharedList)
        while rows.chosen.key != HERE.feature_key:
            await pilot.press("down")
        await pilot.press("right")
        assert pair.right.annotations.label_of(HERE)
        await pilot.press("u")
        assert pair.right.annotations.label_of(HERE) is None
        await pilot.press("d")
        assert [each.key for each in rows.rows()] == [HERE.feature_key]
        await pilot.press("right", "ctrl+s")
        assert pair.right.path.exists()
        await pilot.press("d", "end", "home", "pagedown", "pageup", "enter")
        await pilot.pause()
        assert not isinstance(pilot.app.screen, CompareScreen)
        assert pair.left.selected.kind.name == "FEATURE"


async def test_the_command_asks_for_a_file(opened, text, tmp_path):
    path = tmp_path / "other.json"
    write_graph(other_document(), path)
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, _):
        await pilot.press("C")
        await pilot.pause()
        assert "compare with" in text(pilot)
        await pilot.press("enter")
        for _ in range(50):
            await pilot.pause(0.05)
            if isinstance(pilot.app.screen, CompareScreen):
                break
        assert isinstance(pilot.app.screen, CompareScreen)


async def test_the_app_starts_with_a_comparison(pair, text):
    async with GraphLabelApp(pair.left, pair).run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        assert isinstance(pilot.app.screen, CompareScreen)
        await pilot.press("escape")
        assert Path(pair.left.path).name == "dallas.json"
