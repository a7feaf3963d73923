"""Fixtures of the store's tests: a small graph, stores in files and on a real PostgreSQL server."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from graphlabel.store import Store


def _load(name: str) -> None:
    """A helper module beside this file; the tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)


_load("small_graphs")
_load("postgres_server")

from postgres_server import PostgresServer  # noqa: E402

Open = Callable[[], Store]


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A PostgreSQL server of our own on a free port; the test is skipped where there is none."""
    missing = PostgresServer.missing()
    if missing:
        pytest.skip(missing)
    server = PostgresServer.start()
    yield server
    server.remove()


@pytest.fixture(params=["sqlite", "postgresql"])
def place(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store's place, on either database."""
    if request.param == "sqlite":
        return str(tmp_path / "annotations.db")
    server: PostgresServer = request.getfixturevalue("postgres")
    return server.new_database()


@pytest.fixture
def open_store(place: str) -> Iterator[Open]:
    """Opens the store, as often as one likes; all are closed afterwards."""
    opened: list[Store] = []

    def open_() -> Store:
        opened.append(Store(place))
        return opened[-1]

    yield open_
    for store in opened:
        store.close()


@pytest.fixture
def store(open_store: Open) -> Store:
    """The store, open."""
    return open_store()
