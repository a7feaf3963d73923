"""Help, palette, footer and bindings come from one registry; themes; no colours in code."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from fixture_graph import dallas_session

import graphlabel_tui
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.commands import COMMANDS, REGIONS, footer_commands
from graphlabel_tui.screens.help import HelpScreen, help_lines
from graphlabel_tui.screens.workbench import Workbench
from graphlabel_tui.theme import DARK, LIGHT, THEMES
from graphlabel_tui.widgets.feature_panel import FeaturePanel
from graphlabel_tui.widgets.link_graph import LinkGraph
from graphlabel_tui.widgets.node_table import NodeTable
from graphlabel_tui.widgets.supernode_panel import SupernodePanel

PACKAGE = Path(graphlabel_tui.__file__).parent
WIDGETS = dict(zip(REGIONS, (LinkGraph, FeaturePanel, NodeTable, SupernodePanel), strict=True))


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command.id)
def test_every_command_has_an_action_where_it_works(command):
    for region in command.regions:
        assert callable(getattr(WIDGETS[region], f"go_{command.id}"))
    if not command.regions:
        assert callable(getattr(Workbench, f"action_{command.id}"))


def test_ids_and_keys_are_unique_where_they_work():
    assert len({command.id for command in COMMANDS}) == len(COMMANDS)
    for region in REGIONS:
        keys = [key for c in COMMANDS if not c.regions or region in c.regions for key in c.keys]
        assert len(keys) == len(set(keys))


def test_the_help_lists_every_command_and_class():
    words = "\n".join(line.text for line in help_lines(80))
    for command in COMMANDS:
        assert command.help in words
    for name in ("input", "output", "cross", "obscure", "error", "token", "logit"):
        assert re.search(rf"\S {{2}}{name} ", words)


async def test_help_opens_and_closes(opened, text):
    async with opened(dallas_session()) as (pilot, _):
        await pilot.press("question_mark")
        assert "Editing (undoable, kept at once)" in text(pilot)
        await pilot.press("end")
        assert "Words match label, note, token" in text(pilot)
        await pilot.press("escape")
        assert not isinstance(pilot.app.screen, HelpScreen)


@pytest.mark.parametrize("key", ["colon", "ctrl+p"])
async def test_the_palette_runs_a_command(opened, text, key):
    session = dallas_session()
    async with opened(session) as (pilot, screen):
        await pilot.press(key)
        await pilot.pause(0.3)
        assert "label" in text(pilot)
        await pilot.press(*"errors")
        await pilot.pause(0.5)
        await pilot.press("enter")
        await pilot.pause(0.3)
        assert screen.view.hide_errors


async def test_the_palette_runs_a_regions_command(opened):
    session = dallas_session()
    before = session.selected
    async with opened(session) as (pilot, screen):
        await screen.action_run_command("left")
        await pilot.pause()
        assert session.selected != before


async def test_the_footer_shows_what_works_and_can_be_clicked(opened, text):
    session = dallas_session()
    async with opened(session) as (pilot, _):
        footer = text(pilot).split("\n")[-1]
        for word in ("? help", "e label", "g group", "n next for review", "/ filter"):
            assert word in footer
        await pilot.click("#key-line", offset=(footer.index("p pin"), 0))
        await pilot.pause()
        assert session.selected in session.annotations.pinned
    assert {c.id for c in footer_commands("graph")} <= {c.id for c in COMMANDS}


async def test_theme_switches(opened):
    async with opened(dallas_session()) as (pilot, _):
        assert pilot.app.theme == DARK.name
        await pilot.press("T")
        assert pilot.app.theme == LIGHT.name


def test_both_themes_define_the_same_variables():
    assert set(DARK.variables) == set(LIGHT.variables)
    used = set(re.findall(r"\$(gl-[a-z0-9-]+)", (PACKAGE / "app.tcss").read_text()))
    assert used <= set(DARK.variables)


def test_colours_stand_only_in_the_theme():
    for path in [*PACKAGE.rglob("*.py"), *PACKAGE.rglob("*.tcss")]:
        if path.name != "theme.py":
            assert not re.search(r"#[0-9a-fA-F]{6}\b", path.read_text()), path
    assert len(THEMES) == 3


async def test_no_color_keeps_the_glyphs(monkeypatch, text):
    monkeypatch.setenv("NO_COLOR", "1")
    app = GraphLabelApp(dallas_session())
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()
        shown = text(pilot)
        assert app.no_color
        for glyph in "▼▲◆○·■★●":
            assert glyph in shown
        assert "+◆" in shown
        assert "[is]" in shown


def test_the_app_module_is_small_and_rooms_import_downwards():
    assert len((PACKAGE / "app.py").read_text().splitlines()) < 150
    for path in (PACKAGE / "widgets").glob("*.py"):
        assert "graphlabel_tui.screens" not in path.read_text()
        assert "graphlabel_tui.app" not in path.read_text()
    for path in PACKAGE.rglob("*.py"):
        assert len(path.read_text().splitlines()) <= 400, path
        assert not re.search(r"^\s*(import|from) (torch|transformers)", path.read_text(), re.M)


async def test_enter_waits_for_what_was_typed(opened, fast):
    """Not the first command that the first letter found."""
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("ctrl+p")
        await fast(pilot, *"errors", "enter")
        await pilot.pause()
        await pilot.pause(0.3)
        assert pilot.app.is_running
        assert screen.view.hide_errors
