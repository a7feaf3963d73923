"""Fixtures shared by all tests."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# read once, when the hub's client is imported: tests never wait for a network
os.environ["HF_HUB_OFFLINE"] = "1"

ROOT = Path(__file__).resolve().parent.parent
REAL_DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(autouse=True)
def _own_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep every test away from the person's own store, cache and configuration."""
    for variable in ("XDG_DATA_HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.setenv(variable, str(tmp_path / variable.lower()))
    monkeypatch.setenv("GRAPHLABEL_STORE", str(tmp_path / "store" / "annotations.db"))
    for variable in ("CONFIG", "CACHE", "LEDGER", "PRICES"):
        monkeypatch.delenv(f"GRAPHLABEL_{variable}", raising=False)


def real(path: str) -> Path:
    """A file of the real data beside the repository; the test is skipped where it is absent."""
    found = REAL_DATA / path
    if not found.exists():
        pytest.skip(f"the real data ({path}) is not on this machine")
    return found


@pytest.fixture
def real_data() -> object:
    """The ``real`` function, as a fixture."""
    return real


def real_graphs() -> list[Path]:
    """Every real graph file there is."""
    return sorted((REAL_DATA / "graphs").glob("*/*.json"))
