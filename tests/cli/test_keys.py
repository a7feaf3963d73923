"""The list of the workbench's keys."""

from __future__ import annotations

import json

import pytest
from typer.testing import CliRunner

from graphlabel.cli.main import app
from graphlabel_tui.commands import COMMANDS
from graphlabel_tui.preferences import FOLDER_VARIABLE


@pytest.fixture
def config(tmp_path, monkeypatch):
    """An empty folder for preferences."""
    monkeypatch.setenv(FOLDER_VARIABLE, str(tmp_path))
    return tmp_path


def test_every_command_is_listed_with_its_keys(config):
    printed = CliRunner().invoke(app, ["keys"])
    assert printed.exit_code == 0
    lines = printed.stdout.splitlines()
    assert len(lines) == len(COMMANDS)
    assert next(line for line in lines if " suggest " in line).split()[:2] == ["s", "suggest"]


def test_changed_keys_are_listed_as_changed(config):
    (config / "keys.toml").write_text('suggest = "f5"\n')
    printed = CliRunner().invoke(app, ["keys", "--json"])
    rows = {row["command"]: row for row in json.loads(printed.stdout)}
    assert rows["suggest"]["keys"] == ["f5"]
    assert rows["suggest"]["changed"]
    assert not rows["label"]["changed"]
