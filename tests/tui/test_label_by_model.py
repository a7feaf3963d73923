"""Tier 2 from inside: the estimate comes first, nothing is sent unasked."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from fixture_graph import dallas_session

from graphlabel import atlas
from graphlabel.annotation import Scope, SetLabel, Tier
from graphlabel.errors import UsageError
from graphlabel.files import read_graph
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.jobs import Job, JobState
from graphlabel_tui.runs import tier_two_arguments
from graphlabel_tui.screens.asking_models import estimate_of
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.edit_line import EditLine
from tests.llm.server import KEY, serving

SAMPLES = Path(__file__).parents[2] / "sample_graphs"


def test_the_command():
    session = dallas_session()
    session.places = ("index", "more")
    assert tier_two_arguments(session, "anthropic:m $2.5", dry_run=True) == (
        "label", "dallas.json", "--features", "index", "--features", "more",
        "--tier2-model=anthropic:m", "--max-usd=2.5", "--dry-run", "-o", "dallas.json",
    )  # fmt: skip
    assert "--dry-run" not in tier_two_arguments(session, "m", dry_run=False)


@pytest.mark.parametrize("text", ["", "m $x", "m 1 2", "m $-1", "m $"])
def test_what_is_no_model_and_budget(text):
    with pytest.raises(UsageError, match="no model and budget"):
        tier_two_arguments(dallas_session(), text, dry_run=True)


def test_the_estimate_leaves_the_prompt_out():
    job = Job(("label",), JobState.DONE)
    job.lines += ["dry run: 3 calls", "  tier 2: $0.01", "the first of them (x):", "  | secret"]
    assert estimate_of(job) == "dry run: 3 calls\n  tier 2: $0.01\nSend it?"


async def test_without_evidence_there_is_nothing_to_show_a_model(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("m")
        await pilot.pause()
        assert "No evidence to show a model" in text(pilot)
        assert screen.job is None


@pytest.mark.slow
async def test_the_price_is_shown_and_nothing_is_sent(opened, text, tmp_path, monkeypatch):
    monkeypatch.setenv("ANTHROPIC_API_KEY", "none")
    path = tmp_path / "new.json"

    async def ended(screen) -> Job:
        async with asyncio.timeout(150):
            await screen.workers.wait_for_complete()
        return screen.job

    async with opened(dallas_session(tmp_path / "dallas.json")) as (_, screen):
        for line in (
            f'trace "The capital of Texas is" --model {atlas.MODEL_FOLDER} --transcoders '
            f"{atlas.TRANSCODERS_FOLDER} --max-feature-nodes 20 -o {path}",
            f"route {path} --features {atlas.INDEX_FOLDER} -o {path}",
        ):
            screen.start_run(line)
            job = await ended(screen)
            assert job.state is JobState.DONE, list(job.lines)
            if len(pilot_screens := screen.app.screen_stack) > 2:
                pilot_screens[-1].dismiss("")
    session = Session(read_graph(path), path, places=(str(atlas.INDEX_FOLDER),))
    before = path.read_bytes()
    async with opened(session) as (pilot, screen):
        await pilot.press("m", *"anthropic:claude-haiku-4-5", "space", *"$1", "enter")
        job = await ended(screen)
        assert job.state is JobState.DONE, list(job.lines)
        assert "--dry-run" in job.arguments
        await pilot.pause()
        assert "Send it?" in text(pilot)
        assert "dry run:" in text(pilot)
        await pilot.press("c")
        assert pilot.app.screen is screen
        assert screen.job is job
    assert path.read_bytes() == before


async def test_with_nothing_of_tier_two_no_model_is_asked_for(opened, text):
    session = dallas_session()
    session.places = ("index",)
    waiting = [
        node.key
        for node in session.graph.nodes
        if node.is_feature and session.annotations.label_of(node.key) is None
    ]
    session.do(SetLabel(tuple(waiting), "named", session.provenance(), Scope.OCCURRENCE))
    async with opened(session) as (pilot, screen):
        await pilot.press("m")
        assert "No feature awaits a model" in text(pilot)
        assert not screen.query(EditLine)


async def test_a_local_model_labels_tier_two_from_inside(opened, text, tmp_path, monkeypatch):
    path = tmp_path / "france.json"
    shutil.copy(SAMPLES / "france.json", path)
    session = Session(read_graph(path), path, places=(str(SAMPLES / "features"),))
    waiting = [
        node.key
        for node in session.graph.nodes
        if node.is_feature
        and (routing := session.annotations.routing_of(node.key))
        and routing.tier is Tier.MODEL
        and session.annotations.label_of(node.key) is None
    ]
    assert waiting
    with serving() as service:
        service.says = lambda _prompt: "Explanation: words the test made up"
        monkeypatch.setenv("GRAPHLABEL_LLM_KEY", KEY)
        monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
        async with opened(session) as (pilot, screen):
            await pilot.press("m", *f"openai:little@{service.url}/v1", "enter")
            job = await ended(screen)
            assert job.state is JobState.DONE, list(job.lines)
            await pilot.pause()
            assert "Send it?" in text(pilot)
            assert not service.asked
            await pilot.press("s")
            job = await ended(screen)
            assert job.state is JobState.DONE, list(job.lines)
            assert "--dry-run" not in job.arguments
            assert service.asked
            for key in waiting:
                label = session.annotations.label_of(key)
                assert label is not None, list(job.lines)
                assert label.text == "words the test made up"
                assert label.provenance.model == "little"
            await pilot.pause()
            assert "◆0 await a model" in text(pilot)


async def ended(screen) -> Job:
    """Wait for the run and what follows it."""
    async with asyncio.timeout(150):
        await screen.workers.wait_for_complete()
    return screen.job


@pytest.mark.parametrize("size", [(80, 24), (120, 40), (200, 60)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_picture_of_the_prompt(snap_compare, size):
    session = dallas_session()
    session.places = ("index",)
    app = GraphLabelApp(session)
    app.animation_level = "none"

    async def still(pilot) -> None:
        await pilot.press("m", *"openai:qwen3")
        pilot.app.screen.focused.cursor_blink = False
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=still)


@pytest.mark.parametrize("size", [(80, 24), (120, 40)], ids=lambda s: f"{s[0]}x{s[1]}")
def test_picture_of_the_estimate(snap_compare, size):
    app = GraphLabelApp(dallas_session())

    async def estimated(pilot) -> None:
        job = Job(("label", "--dry-run"), JobState.DONE)
        job.lines += [
            "dry run: 2 features of tier 2, 2 questions to anthropic:claude-haiku-5-5",
            "  about $0.0031, at most $0.0064 with answers of full length",
            "the first of them (L1 #30):",
        ]
        pilot.app.screen._estimate = job
        pilot.app.screen.take_printed(job)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=estimated)
