"""The recorded session: open, review ten nodes, group, export, reopen, in a real terminal."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from fixture_graph import dallas_document

from graphlabel.files import write_graph

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]


@pytest.mark.skipif(shutil.which("tmux") is None, reason="tmux is not installed")
def test_a_recorded_session(tmp_path):
    document = dallas_document()
    bare = replace(document.annotations, labels={}, reviews={}, supernodes=(), pinned=(), notes={})
    write_graph(document.annotated(bare), tmp_path / "dallas.json")
    # a socket's path must be short
    folder = Path(
        subprocess.run(["mktemp", "-d"], capture_output=True, text=True, check=True).stdout.strip()
    )
    try:
        done = subprocess.run(
            [sys.executable, ROOT / "scripts" / "tmux_session.py", tmp_path / "dallas.json", folder],
            capture_output=True, text=True, check=False, timeout=300,
            env={**os.environ, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        assert done.returncode == 0, done.stdout + done.stderr
        recording = (folder / "recording.txt").read_text()
        assert "═══ all labels again" in recording
        assert [path for path in folder.glob("graph.*") if path.name != "graph.json"]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
