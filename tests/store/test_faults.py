"""What is acknowledged survives kills, full disks, crowds and servers that go away."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from postgres_server import PostgresServer
from small_graphs import ADA, GRAPH, KEYS

from graphlabel.annotation import Annotations, SetLabel, SetNote
from graphlabel.errors import StoreError
from graphlabel.store import LabelFilter, Store

pytestmark = pytest.mark.slow

KILLS = int(os.environ.get("GRAPHLABEL_TEST_KILLS", "6"))
"""How often the writer is killed; `GRAPHLABEL_TEST_KILLS=200` for the count in the notes."""
WRITERS = 8
EDITS = 8
NOBODY = 65534


def writer(what: str, place: str, author: str, count: int, **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(Path(__file__).with_name("writers.py")), what, place, author, str(count)],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options,
    )  # fmt: skip


def ended(process: subprocess.Popen[str]) -> tuple[str, str]:
    """What a writer still says; ``communicate`` would miss what is behind the lines read before."""
    assert process.stdout
    assert process.stderr
    with process:
        return process.stdout.read(), process.stderr.read()


def acknowledged(output: str) -> int:
    """The last whole number; a line that was cut was not acknowledged."""
    whole = output.rpartition("\n")[0].split()
    return int(whole[-1]) if whole else 0


def is_sound(path: Path) -> bool:
    connection = sqlite3.connect(path)
    try:
        return connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    finally:
        connection.close()


def edits_of(place: str, author: str = "ada") -> int:
    store = Store(place)
    try:
        return len(store.history(GRAPH, Annotations(), "slug", author).done)
    finally:
        store.close()


def test_kill_9_loses_nothing_acknowledged(place: str, tmp_path: Path) -> None:
    """A writer is killed at random moments; every edit it reported must be there."""
    chance = random.Random(0)
    total = 0
    for _ in range(KILLS):
        process = writer("labels", place, "ada", 10**6)
        assert process.stdout
        first = process.stdout.readline()
        assert first, process.communicate()[1]
        time.sleep(chance.random() * 0.08)
        process.send_signal(signal.SIGKILL)
        rest, _ = ended(process)
        total = acknowledged(first + rest)
        assert edits_of(place) in (total, total + 1), "at most the edit in flight is there as well"
        if "://" not in place:
            assert is_sound(Path(place))
    assert total >= KILLS
    print(f"{KILLS} kills of the writer on {place}: {total} edits acknowledged, none lost")


def test_many_processes_write_at_once(place: str) -> None:
    names = [f"person{number}" for number in range(WRITERS)]
    processes = [writer("labels", place, name, EDITS) for name in names]
    for process in processes:
        output, errors = process.communicate(timeout=300)
        assert (process.returncode, errors) == (0, "")
        assert acknowledged(output) == EDITS
    assert [edits_of(place, name) for name in names] == [EDITS] * WRITERS
    store = Store(place)
    given = store.label_history(LabelFilter())
    assert len(given) == WRITERS * EDITS
    current = list(store.labels())
    assert len(current) == len(KEYS)
    store.close()


def test_a_full_disk_is_one_line_and_harms_nothing(tmp_path: Path) -> None:
    path = tmp_path / "annotations.db"
    assert edits_of(str(path)) == 0

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (400_000, 400_000))

    process = writer("notes", str(path), "ada", 10**6, preexec_fn=limit)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert len(errors.strip().splitlines()) == 1
    assert "is the disk full" in errors
    assert is_sound(path)
    done = acknowledged(output)
    assert done > 5
    assert edits_of(str(path)) == done
    assert acknowledged(writer("labels", str(path), "ada", 1).communicate()[0]) == done + 1


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of a megabyte."""
    folder = Path(tempfile.mkdtemp(prefix="graphlabel-disk-"))
    mounted = shutil.which("mount") and subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(folder)],
        check=False, capture_output=True,
    )  # fmt: skip
    if not mounted or mounted.returncode:
        folder.rmdir()
        pytest.skip("a small file system can be mounted by the administrator alone")
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)
    folder.rmdir()


def test_a_file_system_without_room(small_disk: Path) -> None:
    path = small_disk / "annotations.db"
    process = writer("notes", str(path), "ada", 10**6)
    output, errors = process.communicate(timeout=120)
    assert process.returncode == 2
    assert len(errors.strip().splitlines()) == 1
    assert "the disk is full" in errors
    assert is_sound(path)
    assert edits_of(str(path)) == acknowledged(output) > 5


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder others can see into; pytest's own cannot be."""
    folder = Path(tempfile.mkdtemp(prefix="graphlabel-store-"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


def as_nobody(action: Callable[[], object]) -> str:
    """What an action says when it fails, done by a user without rights; empty when it succeeds."""
    receiving, sending = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            if os.geteuid() == 0:
                os.setgroups([])
                os.setgid(NOBODY)
                os.setuid(NOBODY)
            action()
        except StoreError as error:
            os.write(sending, str(error).encode())
        except BaseException as error:
            os.write(sending, repr(error).encode())
        finally:
            os._exit(0)
    os.close(sending)
    with os.fdopen(receiving, "rb") as answer:
        said = answer.read().decode()
    os.waitpid(child, 0)
    return said


@pytest.mark.parametrize("read_only", ["file", "folder"])
def test_a_read_only_store_is_one_line(open_folder: Path, read_only: str) -> None:
    path = open_folder / "annotations.db"
    store = Store(path)
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    assert history.do(SetNote(KEYS[0], "kept"))
    store.close()
    before = path.read_bytes()
    path.chmod(0o444 if read_only == "file" else 0o666)
    open_folder.chmod(0o777 if read_only == "file" else 0o555)

    def edit() -> None:
        other = Store(path)
        other.history(GRAPH, Annotations(), "slug", "ada").do(SetNote(KEYS[0], "lost"))

    said = as_nobody(edit)
    open_folder.chmod(0o755)
    assert said.startswith(f"the annotation store {path} "), said
    assert "read-only" in said or "is its folder there, readable and writable" in said
    assert "\n" not in said
    assert path.read_bytes() == before
    assert edits_of(str(path)) == 1


def test_a_store_in_use_is_waited_for(tmp_path: Path) -> None:
    path = tmp_path / "annotations.db"
    store = Store(path)
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    timer = threading.Timer(0.3, other.execute, ["COMMIT"])
    timer.start()
    assert history.do(SetLabel(KEYS[:1], "after a while", ADA))
    timer.join()
    other.close()
    store.close()


def test_the_server_restarts_under_a_writer(postgres: PostgresServer) -> None:
    place = postgres.new_database()
    process = writer("labels", place, "ada", 400)
    assert process.stdout
    lines: list[str] = [process.stdout.readline() for _ in range(5)]
    for _ in range(2):
        postgres.down("immediate")
        postgres.up()
        lines += [process.stdout.readline() for _ in range(3)]
    rest, errors = ended(process)
    done = acknowledged("".join(lines) + rest)
    assert (errors, process.returncode, done, edits_of(place)) == ("", 0, 400, 400)


def test_a_server_that_stays_away_is_said_so(postgres: PostgresServer) -> None:
    place = postgres.new_database()
    store = Store(place, patience=0.2)
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    assert history.do(SetNote(KEYS[0], "kept"))
    postgres.down("fast")
    try:
        for call in (lambda: history.do(SetNote(KEYS[0], "lost")), history.undo, history.has_news):
            with pytest.raises(StoreError, match="cannot be reached") as told:
                call()
            assert "secret" not in str(told.value)
            assert "\n" not in str(told.value)
        assert history.annotations.notes == {KEYS[0]: "kept"}
    finally:
        postgres.up()
    assert history.do(SetNote(KEYS[1], "back"))
    store.close()
    store = Store(place)
    assert store.history(GRAPH, Annotations(), "slug", "ada").annotations == history.annotations
    store.close()


def test_a_commit_whose_answer_is_lost_is_made_once(postgres: PostgresServer) -> None:
    """The connection breaks when the commit is on disk already: the edit is found, not repeated."""
    from sqlalchemy import event, text

    store = Store(postgres.new_database())
    history = store.history(GRAPH, Annotations(), "slug", "ada")
    broken = []

    @event.listens_for(store.engine, "commit")
    def _break(connection: Any) -> None:
        if broken or connection.get_execution_options().get("isolation_level") is not None:
            return
        broken.append(True)
        connection.connection.dbapi_connection.commit()
        with store.engine.connect() as other:
            own = connection.connection.dbapi_connection.info.backend_pid
            other.execute(text("SELECT pg_terminate_backend(:own)"), {"own": own})
        time.sleep(0.1)

    assert history.do(SetNote(KEYS[0], "once"))
    assert broken
    assert len(history.done) == 1
    assert len(store.history(GRAPH, Annotations(), "slug", "ada").done) == 1
    store.close()
