"""Interventions from inside: what is asked, the real model's answer, the bars."""

from __future__ import annotations

import asyncio
import json
import re
import shutil
from pathlib import Path

import pytest
from fixture_graph import dallas_session, key_of
from textual.widgets import Input

from graphlabel import atlas
from graphlabel.annotation import Group
from graphlabel.errors import UsageError
from graphlabel.files import read_graph
from graphlabel.graph import NodeKey, NodeKind
from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.interventions import (
    Amount,
    change_of,
    control_of,
    parse_amount,
    read_outcome,
)
from graphlabel_tui.jobs import Job, JobState
from graphlabel_tui.screens.intervention import InterventionScreen
from graphlabel_tui.session import Session

SAMPLES = Path(__file__).parents[2] / "sample_graphs"
SIZES = [(80, 24), (120, 40), (200, 60)]
TEXAS = key_of(2, 33, 9)


def run(before: float, constrained: float, free: float) -> dict[str, dict[str, float]]:
    """A token's chances; the logits are made to fit the signs."""
    chances = {"before": before, "constrained": constrained, "free": free}
    return {name: {"probability": p, "logit": 10 * p} for name, p in chances.items()}


PRINTED = json.dumps(
    {
        "changed": ["Texas × 0"],
        "tokens": [
            {"id": 1, "token": " Austin", **run(0.984, 0.42, 0.11)},
            {"id": 2, "token": " [red]Sacramento", **run(0.004, 0.02, 0.34)},
            {"id": 3, "token": "\u202e Houston", **run(0.006, 0.1, 0.2)},
        ],
        "supernodes": [
            {"name": "Texas", "constrained": 0.0, "free": 0.0},
            {"name": "say Austin", "constrained": 1.0, "free": 0.37},
        ],
    }
)


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("×0", Amount(0.0)), ("0", Amount(0.0)), ("-1", Amount(-1.0)), ("* −1", Amount(-1.0)),
        ("x2.5", Amount(2.5)), ("=3", Amount(3.0, True)), (" = -.5 ", Amount(-0.5, True)),
    ],
)  # fmt: skip
def test_amounts(text, amount):
    assert parse_amount(text) == amount


@pytest.mark.parametrize("text", ["", "off", "×", "1e999", "nan", "==3", "3 4"])
def test_what_is_no_amount(text):
    with pytest.raises(UsageError, match="is no change"):
        parse_amount(text)


def test_marked_nodes_come_before_the_supernode():
    session = dallas_session()
    session.selected = TEXAS
    assert change_of(session).options == ("--supernode=Texas",)
    session.mark([key_of(3, 97, 10), NodeKey(NodeKind.ERROR, 2, -1, 10)])
    ids = session.document.id_of_key
    change = change_of(session)
    assert change.options == (f"--node={ids[key_of(3, 97, 10)]}",)
    assert change.arguments(session, Amount(-1.0))[:4] == (
        "intervene", "dallas.json", *change.options, "--scale=-1.0"
    )  # fmt: skip


def test_what_is_no_feature_cannot_be_changed():
    session = dallas_session()
    session.selected = NodeKey(NodeKind.ERROR, 2, -1, 10)
    with pytest.raises(UsageError, match="only features"):
        change_of(session)


def test_a_control_is_as_many_other_features_of_the_same_layers():
    session = dallas_session()
    session.selected = TEXAS
    change = change_of(session)
    control = control_of(session, change)
    assert control.words == "control: 2 random features for [Texas]"
    assert len(set(control.keys)) == len(change.keys) == 2
    assert not set(control.keys) & set(change.keys)
    assert sorted(key.layer for key in control.keys) == sorted(key.layer for key in change.keys)
    assert control.options == tuple(
        f"--node={session.document.id_of_key[key]}" for key in control.keys
    )
    assert control_of(session, change) == control
    assert len({control_of(session, change, seed).keys for seed in range(20)}) > 1


def test_a_control_needs_enough_other_features():
    session = dallas_session()
    session.mark([node.key for node in session.graph.nodes if node.is_feature][:20])
    with pytest.raises(UsageError, match="needs 20 other features, and the graph has 4"):
        control_of(session, change_of(session))


@pytest.mark.parametrize("text", ["", "[]", '{"tokens": [{}], "changed": [], "supernodes": []}'])
def test_what_is_no_outcome_is_refused(text):
    with pytest.raises(UsageError, match="no outcome"):
        read_outcome(text)


def test_changes_of_logits_are_against_the_run_before():
    found = read_outcome(PRINTED)
    assert found.regimes == ("constrained", "free")
    chance, change = found.tokens[0].after["free"]
    assert (chance, change) == (0.11, pytest.approx(1.1 - 9.84, abs=1e-12))


async def test_a_bad_amount_is_told_and_nothing_runs(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        await pilot.press("i", "ctrl+u", *"much", "enter")
        await pilot.pause()
        assert "is no change" in text(pilot)
        assert screen.job is None


async def test_the_regimes_are_stepped_through(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        screen.take_printed(Job(("intervene", "x", "--json"), JobState.DONE, result=PRINTED))
        await pilot.pause()
        await pilot.pause()
        assert isinstance(pilot.app.screen, InterventionScreen)
        assert "everything reacts" in text(pilot)
        assert "37%" in text(pilot)
        assert "[red]Sacramento" in text(pilot)
        assert "\u202e" not in text(pilot)
        await pilot.press("tab")
        assert "direct effects only" in text(pilot)
        await pilot.press("escape")
        assert pilot.app.screen is screen


async def test_a_control_needs_a_change(opened, text):
    async with opened(dallas_session()) as (pilot, screen):
        screen.take_printed(Job(("intervene", "x", "--json"), JobState.DONE, result=PRINTED))
        await pilot.press("c")
        await pilot.pause()
        assert "a control needs a change" in text(pilot)
        assert pilot.app.screen is screen


async def test_f9_stops_the_run_and_the_control_waits_for_an_outcome(opened, text, tmp_path):
    async with opened(dallas_session(tmp_path / "dallas.json")) as (pilot, screen):
        screen.session.selected = TEXAS
        await pilot.press("i", "enter")
        assert isinstance(pilot.app.screen, InterventionScreen)
        await pilot.press("c")
        assert isinstance(pilot.app.screen, InterventionScreen)
        await pilot.press("f9")
        job = await ended(screen)
        assert job.state is JobState.CANCELLED
        await pilot.press("escape")
        assert pilot.app.screen is screen
        assert screen._outcome is None
        assert "was stopped" in text(pilot)


async def ended(screen) -> Job:
    """Wait for the run and what follows it."""
    async with asyncio.timeout(150):
        await screen.workers.wait_for_complete()
    return screen.job


@pytest.mark.slow
async def test_the_real_model_with_a_supernode_off(opened, text, tmp_path):
    path = tmp_path / "new.json"
    async with opened(dallas_session(tmp_path / "dallas.json")) as (_, screen):
        screen.start_run(
            f'trace "The capital of Texas is" --model {atlas.MODEL_FOLDER} --transcoders '
            f"{atlas.TRANSCODERS_FOLDER} --max-feature-nodes 20 -o {path}"
        )
        assert (await ended(screen)).state is JobState.DONE
    session = Session(read_graph(path), path)
    features = [node.key for node in session.graph.nodes if node.is_feature]
    session.do(Group("all of them", tuple(features[:12])))
    session.selected = features[0]
    async with opened(session) as (pilot, screen):
        await pilot.press("i", "enter")
        assert isinstance(pilot.app.screen, InterventionScreen)
        job = await ended(screen)
        assert job.state is JobState.DONE, list(job.lines)
        await pilot.pause(0.5)
        found = screen._outcome
        assert found.changed == ("all of them × 0",)
        assert dict(found.supernodes)["all of them"]["free"] == pytest.approx(0.0, abs=1e-6)
        moved = [abs(change) for each in found.tokens for _, change in each.after.values()]
        assert max(moved) > 0.01
        assert "all of them × 0" in text(pilot)
        await pilot.press("c")
        assert (await ended(screen)).state is JobState.DONE
        await pilot.pause(0.5)
        assert len(screen._outcome.changed) == len(features[:12])
        assert "control: as many random features" in text(pilot)
        await pilot.press("c")
        assert screen._outcome is found


@pytest.mark.slow
async def test_the_control_of_the_sample_leaves_the_answer(opened, text, tmp_path):
    path = tmp_path / "atlas-dallas.json"
    shutil.copy(SAMPLES / "atlas-dallas.json", path)
    session = Session(read_graph(path), path)
    texas = session.annotations.supernode("Texas")
    session.selected = texas.members[0]
    async with opened(session) as (pilot, screen):
        await pilot.press("i", "enter")
        assert (await ended(screen)).state is JobState.DONE, list(screen.job.lines)
        await pilot.pause(0.5)
        found = screen._outcome
        assert found.changed == ("Texas × 0",)
        after, change = found.tokens[0].after["free"]
        assert change < -1
        await pilot.press("c")
        assert (await ended(screen)).state is JobState.DONE, list(screen.job.lines)
        await pilot.pause(0.5)
        control = screen._outcome
        assert len(control.changed) == len(texas.members)
        assert "control: as many random features" in text(pilot)
        assert re.match(r"L\d+ #\d+ @ .+ × 0", control.changed[0])
        assert dict(control.supernodes)["Texas"]["free"] == pytest.approx(1, abs=0.05)
        assert control.tokens[0].after["free"][0] > after
        assert abs(control.tokens[0].after["free"][1]) < abs(change) / 2
        await pilot.press("exclamation_mark")
        assert "intervene" in pilot.app.screen.query_one("#jobs-line", Input).value


@pytest.mark.parametrize("size", SIZES, ids=lambda size: f"{size[0]}x{size[1]}")
def test_picture(snap_compare, size):
    app = GraphLabelApp(dallas_session())

    async def outcome(pilot) -> None:
        job = Job(("intervene", "dallas.json", "--json"), JobState.DONE, result=PRINTED)
        pilot.app.screen.take_printed(job)
        await pilot.pause()

    assert snap_compare(app, terminal_size=size, run_before=outcome)
