"""Tier 2 from inside: the estimate comes first, nothing is sent unasked."""

from __future__ import annotations

import asyncio

import pytest
from fixture_graph import dallas_session

from graphlabel import atlas
from graphlabel.errors import UsageError
from graphlabel.files import read_graph
from graphlabel_tui.jobs import Job, JobState
from graphlabel_tui.runs import tier_two_arguments
from graphlabel_tui.screens.asking_models import estimate_of
from graphlabel_tui.session import Session


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
