"""Typing ahead: a key is acted on only when the one before it has been, and its prompt is open.

Textual forwards keys to whatever has the focus at that moment; typed faster than the screen
changes, they would reach what had it before and be lost, or run commands.
"""

from __future__ import annotations

import asyncio
from collections import deque
from time import monotonic

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.widget import AwaitMount, Widget

PATIENCE_SECONDS = 0.5
"""How long keys wait for one whose end is never heard of."""

LOOK_SECONDS = 0.02
"""How often it is looked whether the widget a key was sent to is still there."""

ROUNDS = 3
"""A key becomes a message of the field's, and that one of the prompt's, before it is acted on."""


class KeyHandled(Message):
    """Follows a key through the same queues: after some rounds the key has been acted on."""

    def __init__(self, number: int, target: Widget, rounds: int = ROUNDS) -> None:
        """The key's number, where it was sent, and how often this has yet to follow it."""
        super().__init__()
        self.number, self.target, self.rounds = number, target, rounds

    def follow(self) -> bool:
        """Go another round; False where there is none, or the widget is gone."""
        again = KeyHandled(self.number, self.target, self.rounds - 1)
        return self.rounds > 0 and self.target.post_message(again)


class TypeAhead(App[None]):
    """An app that hands keys and pastes on one by one."""

    def __init__(self) -> None:
        """Nothing was typed."""
        super().__init__()
        self._waiting: deque[events.Event] = deque()
        self._number = 0
        self._under_way = False
        self._opening: list[AwaitMount | AwaitComplete] = []

    @property
    def holds_keys(self) -> bool:
        """Whether a key is under way or waits for its turn."""
        return self._under_way or bool(self._waiting)

    def hold_keys_until(self, opening: AwaitMount | AwaitComplete) -> None:
        """Keep what is typed next until a prompt has opened, so that it gets it."""
        self._opening.append(opening)

    async def on_event(self, event: events.Event) -> None:
        """Hold a key or a paste back while another is acted on."""
        typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if not typed:
            await super().on_event(event)
        elif self._under_way:
            self._waiting.append(event)
        else:
            await self._hand_on(event)

    async def _hand_on(self, event: events.Event) -> None:
        if self._exit or not self._screen_stack:
            self._waiting.clear()  # typed while the app closes
            return
        self._under_way = True
        self._number += 1
        target = self.focused or self.screen
        await super().on_event(event)
        if KeyHandled(self._number, target).follow():
            self._watch(self._number, target, monotonic() + PATIENCE_SECONDS)
        else:
            await self._go_on()

    async def on_key_handled(self, message: KeyHandled) -> None:
        """Hand on what was typed meanwhile."""
        message.stop()
        if message.number == self._number and not message.follow():
            await self._go_on()

    def _watch(self, number: int, target: Widget, until: float) -> None:
        """A widget that was removed, by its own key often, takes what followed the key along."""

        async def give_up() -> None:
            if self._under_way and number == self._number:
                await self._go_on()

        if not self._under_way or number != self._number:
            return
        if target.is_attached and monotonic() < until:
            loop = asyncio.get_running_loop()
            loop.call_later(LOOK_SECONDS, self._watch, number, target, until)
        else:
            self.call_next(give_up)

    async def _go_on(self) -> None:
        while self._opening:
            await self._opening.pop()
        self._under_way = False
        if self._waiting:
            await self._hand_on(self._waiting.popleft())
