"""Shell completion, asked as the shells ask."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")

SCRIPT = """
eval "$(_GRAPHLABEL_COMPLETE=source_bash graphlabel)"
COMP_WORDS=({words}); COMP_CWORD=$((${{#COMP_WORDS[@]}} - 1))
_graphlabel_completion graphlabel
printf '%s\\n' "${{COMPREPLY[@]}}"
"""


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("graphlabel tra", {"trace", "trace-many", "transcoders"}),
        ("graphlabel features s", {"show"}),
        ("graphlabel label --tier2-m", {"--tier2-model"}),
    ],
)
def test_bash_completes_commands_and_options(words: str, completed: set[str]) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    done = subprocess.run(
        ["bash", "-c", SCRIPT.format(words=words)],
        env={**os.environ, "PATH": path},
        capture_output=True,
        text=True,
        check=True,
    )
    assert set(done.stdout.split()) == completed


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish", "powershell"])
def test_every_shell_gets_a_script(shell: str) -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "graphlabel"],
        env={**os.environ, "_GRAPHLABEL_COMPLETE": f"source_{shell}"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "complete_" + shell in done.stdout
