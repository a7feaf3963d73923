"""Hostile text, every size, random keys, empty and real graphs, no torch."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_graph import dallas_document, dallas_session, hostile_session, key_of

from graphlabel.errors import EvidenceError
from graphlabel.files import new_document, read_graph, write_graph
from graphlabel.graph import AttributionGraph, Edges
from graphlabel_tui.inert import inert
from graphlabel_tui.session import Session

ROOT = Path(__file__).parents[2]
GRAPHS = ROOT.parent / "shared" / "data" / "graphs"

HOSTILE = [
    "[red]not red[/red]",
    "[/]",
    "[@click=app.quit]click[/]",
    "\x1b[31mescape\x1b[0m\x07",
    "line\nbreak\ttab\r",
    "bidi\u202egnorw\u2066x\u2069",
    "zero\u200bwidth\ufeff",
    "\ud800 lone surrogate",
    "漢字 🙂 e\u0301",
    "",
    " ",
    "x" * 5000,
]


@pytest.mark.parametrize("words", HOSTILE, ids=range(len(HOSTILE)))
async def test_hostile_text_never_acts(opened, text, fast, words):
    session = hostile_session(words)
    async with opened(session) as (pilot, _):
        await fast(pilot, "4", "end", "3", "e")
        await fast(pilot, "escape", "r")
        await fast(pilot, "escape", "t")
        await fast(pilot, "enter", "1")
        shown = text(pilot)
        assert not set("\x1b\x07\n\r\t\u202e\u2066\u2069\u200b\ufeff") & set(
            shown.replace("\n", "")
        )
        if words.startswith("["):
            assert words[:6] in shown
        assert pilot.app.is_running


def test_inert_shows_control_characters():
    assert inert("a\n\tb\x1b\x7f\x9b\ud800\u2028") == "a⏎→b␛␡��⏎"
    assert inert("abc\u202e\u200b") == "abc"


SIZES = [(20, 5), (200, 60), (40, 10), (96, 28), (1, 1), (80, 24), (300, 20), (30, 100), (120, 40)]


async def test_every_size_and_back(opened, text, fast):
    async with opened(dallas_session()) as (pilot, screen):
        before = text(pilot)
        for width, height in SIZES:
            await fast(pilot, *"1234")
            await pilot.resize_terminal(width, height)
            small = width < 96 or height < 28
            async with asyncio.timeout(10):
                while screen.is_small is not small:  # a busy machine tells the screen later
                    await pilot.pause()
        await pilot.press("1")
        assert text(pilot).split("\n")[2:20] == before.split("\n")[2:20]


async def test_editing_on_a_small_screen(opened, text):
    session = dallas_session()
    async with opened(session, (80, 24)) as (pilot, _):
        for region in "1234":
            await pilot.press(region, "e", "end", region, "enter")
        assert session.annotations.label_of(key_of(2, 214, 10)).text == "say Austin1234"
        await pilot.click("#tab-line", offset=(14, 0))
        assert "feature everywhere" in text(pilot)


async def test_an_empty_graph_opens(opened):
    graph = AttributionGraph("", (), (), Edges.of([], [], []), 0)
    session = Session(new_document(graph, "empty"), Path("empty.json"), author="sam")
    async with opened(session) as (pilot, _):
        await pilot.press(*"1234", "e", "g", "escape", "n", "up", "enter", "space", "p", "minus")
        assert pilot.app.is_running


async def test_missing_evidence_says_what_to_do(opened, text):
    session = dallas_session()
    session.source = None
    async with opened(session) as (pilot, _):
        assert "No evidence for these features. Name a source:" in text(pilot)
        assert "--features PLACE" in text(pilot)


async def test_broken_evidence_says_what_happened(opened, text):
    class Broken:
        name = "the broken index"
        transcoder_set = None

        def get(self, key):
            raise EvidenceError("layer 2 cannot be read; rebuild the index")

        def keys(self):
            return iter(())

    session = dallas_session()
    session.source = Broken()
    async with opened(session) as (pilot, _):
        assert "rebuild the index" in text(pilot)


async def test_no_supernodes_says_what_to_do(opened, text):
    session = dallas_session()
    session.history.annotations = replace(session.annotations, supernodes=())
    async with opened(session) as (pilot, _):
        assert "No supernodes yet. Mark nodes with space" in text(pilot)


@pytest.mark.skipif(
    not GRAPHS.is_dir(), reason="the shared graph files are not beside the repository"
)
async def test_a_real_graph(opened, text):
    path = GRAPHS / "neuronpedia" / "gemma-small-big-en.json"
    session = Session(read_graph(path), path, author="sam")
    async with opened(session) as (pilot, screen):
        assert "563 features  563 labelled" in text(pilot)
        assert "694 of 694" in text(pilot)
        await pilot.press("n", *["down"] * 5, "e", "o", "k", "enter", "2", "end", "enter")
        await pilot.press("slash", *"small", "enter", "3", "end", "home")
        assert len(session.history.done) == 1
        assert 0 < len(screen.query_one("#nodes").rows) < 694


PROBE = """
import asyncio, sys
from pathlib import Path
from graphlabel.files import read_graph
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.session import Session

async def main():
    path = Path(sys.argv[1])
    app = GraphLabelApp(Session(read_graph(path), path))
    async with app.run_test(size=(120, 40)) as pilot:
        await pilot.pause()

asyncio.run(main())
heavy = {"torch", "transformers", "sentence_transformers", "sae_lens"} & set(sys.modules)
sys.exit(f"imported {heavy}" if heavy else 0)
"""


def test_opening_a_graph_imports_no_torch(tmp_path):
    path = tmp_path / "dallas.json"
    write_graph(dallas_document(), path)
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tui")))
    done = subprocess.run(
        [sys.executable, "-c", PROBE, str(path)],
        env={**os.environ, "PYTHONPATH": paths}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr


def test_the_session_imports_no_textual():
    probe = "import graphlabel_tui.session, sys; sys.exit('textual' in sys.modules)"
    paths = os.pathsep.join((str(ROOT), str(ROOT / "tui")))
    env = {**os.environ, "PYTHONPATH": paths}
    assert subprocess.run([sys.executable, "-c", probe], env=env, check=False).returncode == 0
