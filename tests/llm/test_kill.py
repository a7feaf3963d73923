"""A run that is killed, or stopped by Ctrl-C, goes on where it stood; nothing is paid for twice."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graphlabel.llm import Completion, Query, Request, Role, Turn
from graphlabel.llm.journal import Journal, default_journal_path
from tests.llm.conftest import Opener, queries
from tests.llm.server import Service

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[2]


Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def started(service: Service) -> Iterator[Start]:
    """Starts runs in processes of their own, which find the server in the environment."""
    environment = {**os.environ, "PYTHONPATH": f"{ROOT}:{os.environ.get('PYTHONPATH', '')}"}
    runs: list[subprocess.Popen[str]] = []

    def start(count: int, how: str = "single") -> subprocess.Popen[str]:
        runs.append(subprocess.Popen(
            [sys.executable, "-m", "tests.llm.keeping", str(count), how],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=ROOT, env=environment,
        ))  # fmt: skip
        return runs[-1]

    yield start
    for run in runs:
        run.kill()
        run.wait()
        for stream in (run.stdout, run.stderr):
            if stream is not None:
                stream.close()


def lines_until(run: subprocess.Popen[str], count: int) -> list[str]:
    assert run.stdout is not None
    return [run.stdout.readline().strip() for _ in range(count)]


def test_killed_in_the_middle(service: Service, started: Start) -> None:
    """Calls that were under way are held back by the server, and so were never answered."""
    gate = threading.Event()

    def says(prompt: str) -> str:
        if int(prompt.split()[1]) >= 6:
            gate.wait(20)
        return "fine"

    service.says = says
    run = started(12)
    seen = lines_until(run, 8)  # the notice, ready, and the first six
    assert "said once" in " ".join(seen)
    run.send_signal(signal.SIGKILL)
    run.communicate()
    before = dict(service.paid)
    assert before == {f"question {n}": 1 for n in range(6)}
    service.says = lambda _: "fine"
    service.asked.clear()
    again = started(12)
    output, errors = again.communicate(timeout=60)
    gate.set()
    assert "6 more from the cache" in output, errors
    asked_again = {asked["messages"][-1]["content"] for asked in service.asked}
    assert asked_again == {f"question {n}" for n in range(6, 12)}


def test_killed_at_many_moments(service: Service, started: Start) -> None:
    """Whatever was acknowledged by the first run is not asked again by the next ones."""
    service.slow = 0.03
    for acknowledged in (3, 9, 15):
        run = started(20)
        seen = [line for line in lines_until(run, acknowledged + 1) if line.isdigit()]
        run.kill()
        run.communicate()
        done = len(service.asked)
        last = started(20)
        assert last.stdout is not None
        assert last.stdout.readline().strip() == "ready"
        last.communicate(timeout=60)
        asked_again = {asked["messages"][-1]["content"] for asked in service.asked[done:]}
        assert not asked_again & {f"question {place}" for place in seen}
        _forget()
        service.asked.clear()


def test_killed_while_a_batch_is_under_way(service: Service, started: Start) -> None:
    service.looks = 10**6
    run = started(5, "batch")
    seen = lines_until(run, 3)
    assert any("sent 5 requests" in line for line in seen)
    run.kill()
    run.communicate()
    for batch in service.batches.values():
        batch.looks = 1
    output, errors = started(5, "batch").communicate(timeout=60)
    assert "waiting for a batch of an earlier run (msgbatch_01)" in output, errors
    assert "5 answers" in output
    assert len(service.batches) == 1
    assert set(service.paid.values()) == {1}


def test_ctrl_c_while_a_batch_is_under_way(service: Service, started: Start) -> None:
    service.looks = 10**6
    run = started(5, "batch")
    lines_until(run, 3)
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert "batch msgbatch_01 goes on at the service" in output, errors
    service.batches["msgbatch_01"].looks = 1
    output, errors = started(5).communicate(timeout=60)
    assert "5 answers" in output, errors
    assert set(service.paid.values()) == {1}


def test_killed_before_the_batch_has_an_id(service: Service, started: Start) -> None:
    gate, arrived = threading.Event(), threading.Event()
    made = service.made_batch

    def held(requests: list[dict[str, object]]) -> object:
        batch = made(requests)
        arrived.set()
        gate.wait(20)
        return batch

    service.made_batch = held  # type: ignore[assignment, method-assign]
    run = started(5, "batch")
    assert arrived.wait(30)
    run.kill()
    run.communicate()
    gate.set()
    service.made_batch = made  # type: ignore[method-assign]
    output, errors = started(5, "batch").communicate(timeout=60)
    assert "may have arrived as msgbatch_01" in output, errors
    assert "5 answers" in output
    assert len(service.batches) == 1


def test_ctrl_c_keeps_what_is_under_way(service: Service, started: Start) -> None:
    service.slow = 0.4
    run = started(20)
    lines_until(run, 4)  # the notice, ready, two answers: two more are under way
    run.send_signal(signal.SIGINT)
    output, errors = run.communicate(timeout=60)
    assert "× interrupted: not sent: stopped by Ctrl-C" in output, errors
    assert "Traceback" not in errors
    answered = len(service.paid)
    assert answered < 20
    service.slow = 0.0
    _, errors = started(20).communicate(timeout=60)
    assert set(service.paid.values()) == {1}, errors


def test_two_runs_at_a_time(service: Service, started: Start) -> None:
    runs = [started(30) for _ in range(3)]
    for run in runs:
        output, errors = run.communicate(timeout=120)
        assert "answers" in output, errors
    assert len(service.paid) == 30
    done = len(service.asked)
    output, _ = started(30).communicate(timeout=60)
    assert "30 more from the cache" in output
    assert len(service.asked) == done


def _forget() -> None:
    folder = Path(os.environ["XDG_DATA_HOME"]) / "graphlabel"
    for path in folder.glob("language-models.db*"):
        path.unlink()


def test_answers_outlive_their_gateway(service: Service, opener: Opener) -> None:
    """What ``done`` was told is on disk already."""
    kept: list[int] = []

    def done(place: int, answer: object) -> None:
        assert isinstance(answer, Completion)
        journal = Journal(default_journal_path())
        with journal.transaction() as connection:
            kept.append(connection.exec_driver_sql("select count(*) from answers").scalar_one())
        journal.close()

    opener(concurrency=1).ask(queries(4), done)
    assert kept == [1, 2, 3, 4]


def test_two_runs_at_once_pay_once(service: Service, started: Start) -> None:
    service.slow = 0.1
    both = [started(8), started(8)]
    told = [run.communicate(timeout=60)[0] for run in both]
    assert [run.returncode for run in both] == [0, 0]
    assert all(set(map(str, range(8))) <= set(each.split()) for each in told)
    assert set(service.paid.values()) == {1}
    assert len(service.paid) == 8
    assert sum(len(re.findall(r"'(\d+) answers", each)) for each in told) == 2


def test_a_question_that_another_run_asks_is_waited_for(
    service: Service, opener: Opener, started: Start
) -> None:
    """The other run is killed while it asks: its claim ends with it, at once."""
    asked, gate = threading.Event(), threading.Event()

    def says(prompt: str) -> str:
        if not asked.is_set():
            asked.set()
            gate.wait(20)
        return "fine"

    service.says = says
    run = started(1)
    assert asked.wait(60)
    killer = threading.Timer(0.5, run.kill)
    killer.start()
    begun = time.monotonic()
    (answer,) = opener().ask(
        [Query(Request("", (Turn(Role.USER, "question 0"),)), "label:baez", 2)]
    )
    assert time.monotonic() - begun > 0.4
    gate.set()
    assert isinstance(answer, Completion)
    assert (answer.text, answer.cached) == ("fine", False)
