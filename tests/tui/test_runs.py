"""Running graphlabel from inside: real child processes, their progress, their results."""

from __future__ import annotations

import asyncio
import time

import pytest
from fixture_graph import dallas_session, key_of

from graphlabel import atlas
from graphlabel.annotation import Scope, SetLabel
from graphlabel.errors import UsageError
from graphlabel.files import read_graph
from graphlabel.store import Store
from graphlabel_tui.jobs import Job, JobState, parse_progress
from graphlabel_tui.runs import output_of, parse_line, take_up, templates
from graphlabel_tui.screens.jobs import JobsScreen, state_line
from graphlabel_tui.session import Session

pytestmark = pytest.mark.slow

PROMPT = "The capital of Texas is"


async def finished(pilot, screen, seconds: float = 120.0) -> Job:
    """Wait for the run's end."""
    started = time.monotonic()
    while screen.job.is_running:
        await asyncio.sleep(0.05)
        assert time.monotonic() - started < seconds, list(screen.job.lines)
    await asyncio.sleep(0.3)
    await pilot.pause()
    return screen.job


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "nothing to run"),
        ("open x.json", "terminal of its own"),
        ('trace "a', "not complete"),
        ("route g.json --features … -o g.json", "replace it first"),
    ],
)
def test_lines_that_cannot_run(line, why):
    with pytest.raises(UsageError, match=why):
        parse_line(line)


def test_lines_are_split_like_a_shell_does():
    assert parse_line('graphlabel trace "a b" -o x.json') == ("trace", "a b", "-o", "x.json")
    assert output_of(("trace", "--output=y.json")).name == "y.json"


def test_templates_know_the_graph():
    session = dallas_session()
    session.places = ("some index",)
    lines = {each.id: each.line for each in templates(session)}
    assert lines["route"] == "route dallas.json --features 'some index' -o dallas.json"
    assert lines["trace"] == 'trace "…" --model … --transcoders … -o traced.json'


def test_progress_lines():
    line = 'graphlabel-progress {"what": "route: features", "done": 3, "total": 4}'
    progress = parse_progress(line)
    assert (progress.share, progress.what) == (0.75, "route: features")
    assert parse_progress("graphlabel-progress nonsense") is None
    assert parse_progress("wrote x.json") is None


async def test_a_run_says_what_went_wrong_in_one_line(opened, text, tmp_path):
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        await pilot.press("exclamation_mark")
        assert isinstance(pilot.app.screen, JobsScreen)
        screen.start_run("info missing.json")
        job = await finished(pilot, screen)
        assert job.state is JobState.FAILED
        assert job.last_line.startswith("graphlabel: ")
        assert "✗ info: graphlabel:" in text(pilot)
        assert state_line(job) in text(pilot) or "missing.json" in text(pilot)


async def test_a_run_can_be_stopped(opened, tmp_path):
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        corpus = tmp_path / "corpus.txt"
        corpus.write_text("Texas is a state. " * 200_000)
        await pilot.press("exclamation_mark")
        screen.start_run(
            f"features build --model {atlas.MODEL_FOLDER} --transcoders "
            f"{atlas.TRANSCODERS_FOLDER} --corpus {corpus} -o {tmp_path / 'index'}"
        )
        with pytest.raises(UsageError, match="still running"):
            screen.start_run("doctor")
        await asyncio.sleep(1.0)
        await pilot.press("f9")
        job = await finished(pilot, screen)
        assert job.state is JobState.CANCELLED
        assert job._process.returncode != 0
        assert not (tmp_path / "index" / "manifest.json").exists()


async def test_quitting_asks_about_a_run(opened, text, tmp_path):
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        screen.start_run("doctor")
        process = None
        await pilot.press("q")
        await pilot.pause()
        assert "doctor is still running" in text(pilot)
        await pilot.press("s")
        while screen.job._process is None or screen.job._process.returncode is None:
            await asyncio.sleep(0.05)
        process = screen.job._process
        assert process.returncode != 0


async def test_trace_route_and_label_from_inside(opened, text, tmp_path):
    store = Store(tmp_path / "store.db")
    path = tmp_path / "new.json"
    first = dallas_session(tmp_path / "dallas.json", store)
    async with opened(first) as (pilot, screen):
        screen.start_run(
            f'trace "{PROMPT}" --model {atlas.MODEL_FOLDER} --transcoders '
            f"{atlas.TRANSCODERS_FOLDER} --max-feature-nodes 20 -o {path}"
        )
        job = await finished(pilot, screen)
        assert job.state is JobState.DONE, list(job.lines)
        assert job.progress is not None
        await asyncio.sleep(0.5)
        assert "new.json is there" in text(pilot)
        await pilot.press("o")
        await pilot.pause()
        again = pilot.app.screen
        assert again.session.path == path
        key = next(n.key for n in again.session.graph.nodes if n.key.kind.name == "FEATURE")
        mine = SetLabel((key,), "my words", again.session.provenance(), Scope.OCCURRENCE)
        again.session.do(mine)
        index = atlas.INDEX_FOLDER
        for command in ("route", "label"):
            again.start_run(f"{command} {path} --features {index} -o {path}")
            job = await finished(pilot, again)
            assert job.state is JobState.DONE, list(job.lines)
        session = again.session
        assert session.annotations.routings
        assert session.annotations.label_of(key).text == "my words"
        counted = [x for x in session.annotations.labels.values() if x.text != "my words"]
        assert counted
        assert session.is_saved
        await pilot.press("u")
        assert all(label.text == "my words" for label in session.annotations.labels.values())
    kept = Session(read_graph(path), path, Store(tmp_path / "store.db"), author=session.author)
    assert kept.annotations.label_of(key).text == "my words"
    kept.close()
    store.close()


def test_what_people_did_meanwhile_stays(tmp_path):
    session = dallas_session(tmp_path / "dallas.json")
    before = session.annotations
    one, two = key_of(2, 214, 10), key_of(2, 33, 9)
    machine = dallas_session(tmp_path / "other.json")
    for key in (one, two):
        machine.do(SetLabel((key,), "counted", machine.provenance()))
    session.do(SetLabel((one,), "meanwhile", session.provenance()))
    take_up(session, before, machine.document.annotated(machine.annotations), "label")
    assert session.annotations.labels[one].text == "meanwhile"
    assert session.annotations.labels[two].text == "counted"
    session.save()
    assert read_graph(session.path).annotations.label_of(two).text == "counted"
    session.undo()
    assert session.annotations.labels.get(two) == before.labels.get(two)
