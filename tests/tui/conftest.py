"""Fixtures of the workbench's tests: the Dallas graph, and an app on it at a size."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from types import ModuleType

import pytest
from textual import events
from textual.app import App
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


MOST_SECONDS = 5.0
"""A pilot waits no longer for the app to come to rest."""


def _is_waiting(app: App[None]) -> bool:
    """Whether keys are held back, or something has yet to be laid out or painted."""
    if isinstance(app, GraphLabelApp) and app.keys_are_held:
        return True
    screen = app.screen
    # what Textual's own update timer looks at
    return bool(
        screen._layout_required
        or screen._scroll_required
        or screen._repaint_required
        or screen._recompose_required
        or screen._dirty_widgets
        or screen._callbacks
    )


async def _settled(pilot: Pilot[None]) -> None:
    """Wait until every message was handled, no key is held back and all is painted.

    Textual's own wait sleeps until the process uses no CPU, 20 ms at the least and twice a key,
    and for as long as anything else in the process works.
    """
    loop, app = asyncio.get_running_loop(), pilot.app
    end = loop.time() + MOST_SECONDS
    await pilot._wait_for_screen()
    while loop.time() < end and not app._exit and app._exception is None:
        await asyncio.sleep(0)
        if loop._ready:  # type: ignore[attr-defined]
            continue
        if not app._animator._complete_event.is_set():
            await app._animator.wait_until_complete()
            continue
        if not app.screen_stack or not _is_waiting(app):
            return
        app.screen._on_timer_update()
        await asyncio.sleep(0.001)


@pytest.fixture(autouse=True)
def _pilots_wait_for_the_app(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pilot's press, pause and click return as soon as the app has come to rest."""

    async def at_once(min_sleep: float = 0.0, max_sleep: float = 1.0) -> None:
        await asyncio.sleep(0)

    pause = Pilot.pause

    async def press_and_wait(self: Pilot[None], *keys: str) -> None:
        for key in keys:
            await self.app._press_keys([key])
            await _settled(self)

    async def pause_and_wait(self: Pilot[None], delay: float | None = None) -> None:
        if delay is None:
            await _settled(self)
        else:
            await pause(self, delay)

    monkeypatch.setattr("textual.app.wait_for_idle", at_once)
    monkeypatch.setattr("textual.pilot.wait_for_idle", at_once)
    monkeypatch.setattr(Pilot, "press", press_and_wait)
    monkeypatch.setattr(Pilot, "pause", pause_and_wait)


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
