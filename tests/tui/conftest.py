"""Fixtures of the workbench's tests: the Dallas graph, and an app on it at a size."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from textual import events
from textual.pilot import Pilot

from graphlabel_tui.app import GraphLabelApp
from graphlabel_tui.screens.workbench import Workbench
from graphlabel_tui.session import Session


def _load(name: str) -> ModuleType:
    """A helper module beside this file; the tests are no package."""
    spec = importlib.util.spec_from_file_location(name, Path(__file__).with_name(f"{name}.py"))
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


_load("fixture_graph")

Opened = tuple[Pilot[None], Workbench]
Open = Callable[..., AbstractAsyncContextManager[Opened]]


async def _settled(pilot: Pilot[None]) -> None:
    """Wait until the app has acted on the keys it held back."""
    for _ in range(1000):
        app = pilot.app
        if not isinstance(app, GraphLabelApp) or not app.keys_are_held or app._exit:
            return
        await pilot.pause(0.001)


@pytest.fixture(autouse=True)
def _presses_are_acted_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot's press returns when the app has acted on the keys, those it held back included."""
    press = Pilot.press

    async def and_wait(self: Pilot[None], *keys: str) -> None:
        await press(self, *keys)
        await _settled(self)

    monkeypatch.setattr(Pilot, "press", and_wait)


@pytest.fixture
def session() -> Session:
    """The Dallas graph without a store."""
    from fixture_graph import dallas_session

    return dallas_session()


@pytest.fixture
def opened() -> Open:
    """Opens a session in the app at a size, and closes it."""

    @asynccontextmanager
    async def open_app(
        session: Session, size: tuple[int, int] = (120, 40)
    ) -> AsyncIterator[Opened]:
        app = GraphLabelApp(session)
        async with app.run_test(size=size, notifications=True) as pilot:
            await pilot.pause()
            screen = app.screen
            assert isinstance(screen, Workbench)
            yield pilot, screen

    return open_app


async def press_fast(pilot: Pilot[None], *keys: str) -> None:
    """Press keys as fast as a terminal can send them, then wait once."""
    for key in keys:
        pilot.app.post_message(events.Key(key, key if len(key) == 1 else None))
    await pilot.pause()
    await _settled(pilot)
    await pilot.pause()


@pytest.fixture
def fast() -> Callable[..., Coroutine[None, None, None]]:
    """Presses keys without waiting between them."""
    return press_fast


def screen_text(pilot: Pilot[None]) -> str:
    """What is on the screen, as lines of text."""
    lines = pilot.app.screen._compositor.render_strips()
    return "\n".join("".join(segment.text for segment in strip) for strip in lines)


@pytest.fixture
def text() -> Callable[[Pilot[None]], str]:
    """Reads the screen."""
    return screen_text
