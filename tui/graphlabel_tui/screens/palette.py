"""What the command palette offers: every command of the registry, with its key."""

from __future__ import annotations

from asyncio import wait_for
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from textual import on
from textual.command import CommandList, CommandPalette, DiscoveryHit, Hit, Hits, Provider
from textual.content import Content
from textual.widgets import Button, Input
from textual.worker import WorkerError

from graphlabel_tui.commands import COMMANDS, Command
from graphlabel_tui.view import View

SEARCH_SECONDS = 2.0
"""Enter waits no longer for a search."""


def shown(command: Command) -> Content:
    """A command as the palette lists it."""
    return Content(f"{command.title:<18} {command.shown_keys}")


class RegistryCommands(Provider):
    """Finds commands by what they do."""

    async def discover(self) -> Hits:
        """Every command, before anything is typed."""
        for command in self._commands:
            yield DiscoveryHit(shown(command), self._call(command), command.title, command.help)

    async def search(self, query: str) -> Hits:
        """Commands whose name or help fits what was typed."""
        matcher = self.matcher(query)
        for command in self._commands:
            score = max(matcher.match(command.title), matcher.match(command.help) * 0.8)
            if score > 0:
                yield Hit(score, shown(command), self._call(command), command.title, command.help)

    @property
    def _commands(self) -> Sequence[Command]:
        view = getattr(self.screen, "view", None)
        return view.commands if isinstance(view, View) else COMMANDS

    def _call(self, command: Command) -> Callable[[], Coroutine[Any, Any, None]]:
        return partial(self.screen.run_action, f"run_command('{command.id}')")


class Palette(CommandPalette):
    """Textual's command palette; it bears paging an empty list, and keys typed after it closed.

    Enter waits for the search: it chooses from what was found for all that was typed, never from
    what an earlier letter found.
    """

    def _action_command_list(self, action: str) -> None:
        """Move in the list; in an empty one, or without room for one, there is nowhere to go."""
        listed = self.query_one(CommandList)
        if listed.option_count and (action == "select" or listed.scrollable_content_region.area):
            super()._action_command_list(action)

    def _action_escape(self) -> None:
        """Close, once."""
        if self.is_current:
            super()._action_escape()

    def _select_or_command(self, event: Input.Submitted | Button.Pressed | None = None) -> None:
        """Choose a command, once."""
        if self.is_current:
            super()._select_or_command(event)

    @on(Input.Submitted)
    async def _submit_once(self, event: Input.Submitted) -> None:
        """What is typed after a command was chosen chooses none."""
        if self.is_current:
            await self._searched()
        if not self.is_current:
            event.prevent_default()

    async def _searched(self) -> None:
        """Wait until the list holds what was found for the text as it is."""
        running = [
            worker
            for worker in self.workers
            if worker.group == self._GATHER_COMMANDS_GROUP and not worker.is_finished
        ]
        for worker in running:
            with suppress(WorkerError, TimeoutError):
                await wait_for(worker.wait(), SEARCH_SECONDS)
