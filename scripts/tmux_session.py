"""A whole session in a real terminal, driven through tmux and recorded.

Opens a graph, reviews ten nodes, groups three, saves, exports, quits, opens the graph again and
checks that everything is there. ``python scripts/tmux_session.py GRAPH FOLDER`` leaves every screen
in FOLDER/recording.txt, beside the saved graph and the export.
"""

from __future__ import annotations

import os
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

SIZE = (120, 40)
PATIENCE_SECONDS = 25.0
REVIEWED = 10


class Terminal:
    """A terminal of tmux's, on a server of its own."""

    def __init__(self, folder: Path) -> None:
        """Start an empty shell; screens are recorded in ``folder``."""
        self._tmux = ["tmux", "-S", str(folder / "tmux.socket"), "-f", os.devnull]
        self._recording = folder / "recording.txt"
        self._recording.write_text("")
        width, height = map(str, SIZE)
        self._call("new-session", "-d", "-x", width, "-y", height, "env", "PS1=ready$ ", "sh")

    def _call(self, *arguments: str) -> str:
        done = subprocess.run([*self._tmux, *arguments], capture_output=True, text=True, check=True)
        return done.stdout

    def screen(self) -> str:
        """What the terminal shows."""
        return self._call("capture-pane", "-p")

    def keys(self, *names: str) -> None:
        """Press keys, by tmux's names of them."""
        self._call("send-keys", *names)

    def type(self, text: str) -> None:
        """Type text as it is."""
        self._call("send-keys", "-l", text)

    def until(self, what: str, seen: Callable[[str], bool]) -> str:
        """Wait until the screen shows something, and record it; it never does: SystemExit."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not seen(screen := self.screen()):
            if time.monotonic() > deadline:
                self.record(f"NOT SEEN: {what}", screen)
                raise SystemExit(f"never saw {what}:\n{screen}")
            time.sleep(0.05)
        self.record(what, screen)
        return screen

    def record(self, what: str, screen: str) -> None:
        """Write a screen down."""
        with self._recording.open("a") as file:
            file.write(f"═══ {what}\n{screen}\n")

    def close(self) -> None:
        """End the server."""
        subprocess.run([*self._tmux, "kill-server"], capture_output=True, check=False)


def shows(*words: str) -> Callable[[str], bool]:
    """Whether a screen has all these words."""
    return lambda screen: all(word in screen for word in words)


def open_graph(terminal: Terminal, graph: Path, folder: Path) -> None:
    """Open a graph in the workbench, with a store and preferences of the run's own."""
    command = shlex.join(
        ["env", f"GRAPHLABEL_CONFIG_FOLDER={folder / 'config'}", sys.executable, "-m", "graphlabel",
         "open", str(graph), "--store", str(folder / "store.db"), "--author", "sam"]
    )  # fmt: skip
    terminal.type(f"clear; {command}")
    terminal.keys("Enter")
    terminal.until("the workbench", shows("link graph", "help"))


def review(terminal: Terminal, at: int) -> None:
    """Go to the next node that needs somebody, name it and accept it."""
    terminal.keys("n", "e")
    terminal.until(f"the question {at}", shows("label L", "⇥ "))
    terminal.type(f"reviewed {at}")
    terminal.until(f"the words {at}", shows("label L", "⇥ ", f"reviewed {at}"))
    terminal.keys("Enter")
    terminal.until(f"label {at}", shows(f"reviewed {at}", f"undo {2 * at - 1}"))
    terminal.keys("a")
    terminal.until(f"accepted {at}", shows(f"undo {2 * at}"))


def group(terminal: Terminal) -> None:
    """Make a supernode of what was reviewed last and the nodes before it."""
    terminal.keys("Space", "[", "Space", "[", "Space", "g")
    terminal.until("the question of the group", shows("group 3 marked nodes into"))
    terminal.type("my circuit")
    terminal.until("the group's name", shows("marked nodes into", "my circuit"))
    terminal.keys("Enter")
    terminal.until("the supernode", shows("my circuit", f"undo {2 * REVIEWED + 1}"))


def save_and_export(terminal: Terminal) -> None:
    """Write the graph file, and the first export format that is offered."""
    terminal.keys("C-s")
    terminal.until("saved", shows("saved "))
    terminal.keys("X")
    terminal.until("the formats", shows("Export the annotated graph as"))
    terminal.keys("Tab", "Enter")
    terminal.until("exported", lambda screen: "Export the" not in screen and "exported" in screen)
    terminal.keys("q")
    terminal.until("the shell", shows("ready$"))


def check(terminal: Terminal, graph: Path, folder: Path) -> None:
    """Open the graph again: every label, the supernode and the reviews are there."""
    from graphlabel.annotation import Review
    from graphlabel.files import read_graph

    open_graph(terminal, graph, folder)
    terminal.keys("3", "/")
    terminal.until("the filter", shows("filter nodes"))
    terminal.type("reviewed")
    terminal.keys("Enter")
    terminal.until("the matches", lambda screen: "filter nodes" not in screen)
    terminal.keys("z")
    terminal.until("all labels again", shows(*(f"reviewed {at}" for at in range(1, REVIEWED + 1))))
    terminal.keys("q")
    terminal.until("the shell again", shows("ready$"))
    found = read_graph(graph).annotations
    texts = {label.text for label in found.labels.values()}
    assert {f"reviewed {at}" for at in range(1, REVIEWED + 1)} <= texts
    assert sum(each is Review.ACCEPTED for each in found.reviews.values()) >= REVIEWED
    circuit = found.supernode("my circuit")
    assert circuit is not None
    assert len(circuit.members) == 3


def record(source: Path, folder: Path) -> None:
    """The whole session on a copy of a graph."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config").mkdir(exist_ok=True)
    (folder / "config" / "workbench.toml").write_text("toured = true\n")
    graph = folder / "graph.json"
    shutil.copy(source, graph)
    terminal = Terminal(folder)
    try:
        terminal.until("the shell", shows("ready$"))
        open_graph(terminal, graph, folder)
        for at in range(1, REVIEWED + 1):
            review(terminal, at)
        group(terminal)
        save_and_export(terminal)
        check(terminal, graph, folder)
    finally:
        terminal.close()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    record(Path(sys.argv[1]), Path(sys.argv[2]))
