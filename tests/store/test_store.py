"""The annotation store: what is acknowledged survives anything."""

from __future__ import annotations

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from graphlabel.annotation import Annotations, Group, Origin, Provenance, SetLabel
from graphlabel.errors import StoreError
from graphlabel.graph import AttributionGraph, Edges, Node, NodeKey, NodeKind, graph_key
from graphlabel.store import Store

KEYS = [NodeKey(NodeKind.FEATURE, 0, i, 1) for i in range(5)]
GRAPH = AttributionGraph("p", ("a", "b"), tuple(Node(key) for key in KEYS), Edges.of([], [], []), 1)
ME = Provenance(Origin.PERSON, "ada")
KILLS = 12

WRITER = """
import sys
from graphlabel.annotation import Annotations, Origin, Provenance, SetLabel
from tests_store import GRAPH, KEYS, ME
from graphlabel.graph import graph_key
from graphlabel.store import Store
from pathlib import Path
store = Store(Path(sys.argv[1]))
history = store.history(GRAPH, Annotations(), "s")
n = len(history.done)
while True:
    edit = history.do(SetLabel((KEYS[n % 5],), f"label {n}", ME))
    store.record(graph_key(GRAPH), edit, "ada")
    n += 1
    print(n, flush=True)
"""


def test_edits_and_undo_survive_a_restart(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db")
    history = store.history(GRAPH, Annotations(), "slug")
    key = graph_key(GRAPH)
    for command in (SetLabel((KEYS[0],), "one", ME), Group("g", (KEYS[1],)), SetLabel((KEYS[0],), "two", ME)):  # fmt: skip
        edit = history.do(command)
        assert edit
        store.record(key, edit, "ada")
    history.undo()
    store.record_undo(key)
    store.close()

    store = Store(tmp_path / "a.db")
    again = store.history(GRAPH, Annotations(), "slug")
    assert again.annotations == history.annotations
    assert again.done == history.done
    assert again.redo() == history.redo()
    store.record_redo(key)
    assert store.history(GRAPH, Annotations(), "slug").annotations == history.annotations
    assert again.undo()
    store.record_undo(key)
    edit = again.do(SetLabel((KEYS[2],), "other", ME))
    assert edit
    store.record(key, edit, "ada")
    assert store.history(GRAPH, Annotations(), "slug").undone == []
    store.close()


def test_an_edit_undone_after_the_file_was_saved_stays_undone(tmp_path: Path) -> None:
    store = Store(tmp_path / "a.db")
    history = store.history(GRAPH, Annotations(), "slug")
    edit = history.do(SetLabel((KEYS[0],), "one", ME))
    assert edit
    store.record(graph_key(GRAPH), edit, "ada")
    saved = history.annotations
    history.undo()
    store.record_undo(graph_key(GRAPH))
    assert store.history(GRAPH, saved, "slug").annotations == Annotations()
    store.close()


def test_kill_9_loses_nothing_acknowledged(tmp_path: Path) -> None:
    """A writer is killed at random moments; every edit it reported must be there."""
    (tmp_path / "tests_store.py").write_text(Path(__file__).read_text())
    random.seed(0)
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{os.environ.get('PYTHONPATH', '')}"}
    path = tmp_path / "kill.db"
    acknowledged = 0
    for _ in range(KILLS):
        writer = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)],
            stdout=subprocess.PIPE,
            env=environment,
            text=True,
        )
        assert writer.stdout
        acknowledged = int(writer.stdout.readline())
        time.sleep(random.random() * 0.05)
        writer.send_signal(signal.SIGKILL)
        for line in writer.stdout:
            if line.strip().isdecimal():
                acknowledged = int(line)
        writer.wait()
        writer.stdout.close()
        store = Store(path)
        assert len(store.history(GRAPH, Annotations(), "s").done) >= acknowledged
        store.close()
    with sqlite3.connect(path) as connection:
        assert connection.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    connection.close()
    assert acknowledged >= KILLS


def test_a_newer_store_is_refused_politely(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    Store(path).close()
    with sqlite3.connect(path) as connection:
        connection.execute("INSERT INTO migrations VALUES ('9999_future', 'now')")
    connection.close()
    with pytest.raises(StoreError, match="newer graphlabel"):
        Store(path)


def test_what_is_no_store_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.db"
    path.write_bytes(b"this is not a database at all, not even nearly" * 50)
    with pytest.raises(StoreError, match="cannot be used"):
        Store(path)
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="folder"):
        Store(tmp_path / "file" / "a.db")
