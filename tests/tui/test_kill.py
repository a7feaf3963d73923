"""kill -9 in the middle of the work: what the screen showed as done is in the store."""

from __future__ import annotations

import os
import pty
import signal
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from fcntl import ioctl
from pathlib import Path
from select import select
from termios import TIOCSWINSZ
from time import monotonic

import pytest
from fixture_graph import dallas_document, key_of

from graphlabel.files import read_graph, write_graph
from graphlabel.store import Store
from graphlabel_tui.session import Session

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
PATIENCE_SECONDS = 60
AUSTIN = key_of(3, 97, 10)


class Terminal:
    """The program in a terminal of its own; what it paints is only read, never drawn."""

    def __init__(self, graph: Path, store: Path) -> None:
        """Open a graph."""
        self.screen, inside = pty.openpty()
        ioctl(inside, TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "graphlabel", "open", str(graph), "--store", str(store)],
            stdin=inside, stdout=inside, stderr=inside, close_fds=True,
            env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tui'}",
                 "TERM": "xterm-256color", "GRAPHLABEL_CONFIG_FOLDER": str(store.parent)},
        )  # fmt: skip
        os.close(inside)

    def wait_for(self, words: str) -> None:
        """Read until these words were painted."""
        painted, deadline = b"", monotonic() + PATIENCE_SECONDS
        while words.encode() not in painted:  # the cursor blinks: there is always something painted
            ready, _, _ = select([self.screen], [], [], 1)
            assert monotonic() < deadline, f"“{words}” never came; the last was {painted[-500:]!r}"
            if not ready:
                continue
            painted += os.read(self.screen, 1 << 16)

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self.screen, keys.encode())

    def kill(self) -> None:
        """End it as ``kill -9`` does."""
        self.process.send_signal(signal.SIGKILL)
        assert self.process.wait() == -signal.SIGKILL


@contextmanager
def terminal(graph: Path, store: Path) -> Iterator[Terminal]:
    """A terminal that leaves no process behind."""
    opened = Terminal(graph, store)
    try:
        yield opened
    finally:
        opened.process.kill()
        opened.process.wait()
        os.close(opened.screen)


def test_edits_survive_kill_9_and_can_be_undone_afterwards(tmp_path):
    path, kept = tmp_path / "dallas.json", tmp_path / "store.db"
    write_graph(dallas_document(), path)
    (tmp_path / "workbench.toml").write_text("toured = true\n")
    with terminal(path, kept) as opened:
        opened.wait_for("await you")
        opened.press("v")  # the review goes to the most influential obscure feature
        opened.wait_for("review")
        opened.press("e")
        opened.wait_for("this occurrence")
        opened.press("brought back 漢字\r")
        opened.wait_for("brought back")
        opened.press("p")
        opened.press("t")
        opened.wait_for("note on")
        opened.press("half a note")
        opened.wait_for("half")
        opened.kill()
    with Store(kept) as store:
        session = Session(read_graph(path), path, store)
        assert session.annotations.label_of(AUSTIN).text == "brought back 漢字"
        assert len(session.annotations.pinned) == 10
        assert len(session.annotations.notes) == 1  # the unfinished note was never entered
        session.undo()
        session.undo()
        assert session.annotations == session.document.annotations
        session.redo()
    with terminal(path, kept) as opened:
        opened.wait_for("undo 1")
        opened.press("u")
        opened.wait_for("undo 0")
        opened.kill()
    with Store(kept) as store:
        session = Session(read_graph(path), path, store)
        assert session.annotations.label_of(AUSTIN) is None
        assert session.annotations == session.document.annotations
