"""Typing ahead: a key is acted on only when the one before it has been, and its prompt is open.

Textual forwards keys to whatever has the focus at that moment; typed faster than the screen
changes, they would reach what had it before and be lost, or run commands.
"""

from __future__ import annotations

from collections import deque

from textual import events
from textual.app import App
from textual.await_complete import AwaitComplete
from textual.message import Message
from textual.widget import AwaitMount, Widget
from textual.widgets import Input

LOOK_SECONDS = 0.02
"""How often to look whether the widget that a key was sent to is still there to handle it."""
PATIENCE_SECONDS = 0.5
"""How long keys wait for one whose end is never heard of."""

FIELD_ROUNDS = 3
"""Enter becomes a message of the field's, and that one of the prompt's, before it is acted on."""


class KeyHandled(Message):
    """Follows a key through the same queues: after some rounds the key has been acted on."""

    def __init__(self, number: int, target: Widget, rounds: int) -> None:
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
        self._target: Widget | None = None
        self._opening: list[AwaitMount | AwaitComplete] = []

    @property
    def keys_are_held(self) -> bool:
        """Whether something typed has not been acted on."""
        return bool(self._waiting) or (self._under_way and self._target_is_there)

    @property
    def _target_is_there(self) -> bool:
        return self._target is not None and self._target.is_attached

    def hold_keys_until(self, opening: AwaitMount | AwaitComplete) -> None:
        """Keep what is typed next until a prompt has opened, so that it gets it."""
        self._opening.append(opening)

    async def on_event(self, event: events.Event) -> None:
        """Hold a key or a paste back while another is acted on."""
        typed = isinstance(event, (events.Key, events.Paste)) and not event.is_forwarded
        if not typed:
            await super().on_event(event)
        elif self.keys_are_held:
            self._waiting.append(event)
            if len(self._waiting) == 1:
                self._lose_patience()
        else:
            await self._hand_on(event)

    async def _hand_on(self, event: events.Event) -> None:
        self._under_way = True
        self._number += 1
        target = self._target = self.focused or self.screen
        await super().on_event(event)
        rounds = FIELD_ROUNDS if isinstance(target, Input) else 1
        if not KeyHandled(self._number, target, rounds).follow():
            await self._go_on()
        elif self._waiting:
            self._lose_patience()

    async def on_key_handled(self, message: KeyHandled) -> None:
        """Hand on what was typed meanwhile."""
        message.stop()
        if message.number == self._number and not message.follow():
            await self._go_on()

    def _lose_patience(self, waited: float = 0.0) -> None:
        number = self._number

        async def look() -> None:
            if number != self._number:
                return
            if self._target_is_there and waited < PATIENCE_SECONDS:
                self._lose_patience(waited + LOOK_SECONDS)
            else:
                await self._go_on()

        self.set_timer(LOOK_SECONDS, look)

    async def _go_on(self) -> None:
        while self._opening:
            await self._opening.pop()
        self._under_way = False
        if self._waiting and self.screen_stack:  # none is left while the app closes
            await self._hand_on(self._waiting.popleft())
