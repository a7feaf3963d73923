"""Trying again: when a failure is a passing one, for how long, and when all is given up."""

from __future__ import annotations

import asyncio
import random
from contextlib import suppress
from dataclasses import dataclass, field

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt
from tenacity.wait import wait_exponential, wait_random

from graphlabel.llm.calls import CallError
from graphlabel.llm.gateway import Failure, FailureKind
from graphlabel.llm.settings import GatewaySettings

_HOPELESS = 3
"""So many calls without an answer, one after the other, and no other is sent."""


@dataclass
class Halt:
    """Whether anything is sent any more, for the life of a gateway."""

    reason: str = ""
    """Why nothing is; empty while something may be."""
    kind: FailureKind = FailureKind.UNSENT
    """What that makes of what is not sent."""
    _lost: int = 0
    _bell: asyncio.Event = field(default_factory=asyncio.Event)

    def begin(self) -> None:
        """Belong to the running event loop."""
        self._bell = asyncio.Event()
        if self.reason:
            self._bell.set()

    def stop(self, reason: str) -> None:
        """Send nothing any more; whoever pauses wakes up."""
        self.reason = self.reason or reason
        self._bell.set()

    def interrupt(self) -> None:
        """Send nothing any more, because of Ctrl-C."""
        if not self.reason:
            self.kind = FailureKind.INTERRUPTED
        self.stop("stopped by Ctrl-C")

    def answered(self) -> None:
        """Note that the service works."""
        self._lost = 0

    def lost(self, error: CallError) -> None:
        """Note a call that was given up; one bad request says nothing about the next."""
        self._lost = 0 if error.kind is FailureKind.REFUSED else self._lost + 1
        if error.fatal or self._lost >= _HOPELESS:
            self.stop(str(error))

    def check(self) -> None:
        """Raise CallError when nothing is sent any more."""
        if self.reason:
            raise CallError(self.kind, f"not sent: {self.reason}")

    async def pause(self, seconds: float) -> None:
        """Sleep, unless all is stopped before."""
        with suppress(TimeoutError):
            await asyncio.wait_for(self._bell.wait(), seconds)


@dataclass
class Pace:
    """When the next call may be sent: a service that asks one caller to wait means all."""

    halt: Halt
    _until: float = 0.0

    def hold(self, seconds: float) -> None:
        """Let nothing through for so many seconds."""
        self._until = max(self._until, asyncio.get_running_loop().time() + seconds)

    async def turn(self) -> None:
        """Wait until calls may be sent; raises CallError when they never will be."""
        self.halt.check()
        while (rest := self._until - asyncio.get_running_loop().time()) > 0:
            await self.halt.pause(rest)
            self.halt.check()


def retrying(settings: GatewaySettings, halt: Halt) -> AsyncRetrying:
    """Tries that follow passing failures, with growing pauses that are never the same twice.

    A service's own wish (retry-after) is a pause's lower limit.
    """
    growing = wait_exponential(
        multiplier=settings.first_pause, max=settings.longest_pause
    ) + wait_random(0, settings.first_pause)

    def wait(state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        if isinstance(error, CallError) and error.retry_after is not None:
            return error.retry_after + random.uniform(0, settings.first_pause)
        return growing(state)

    def again(error: BaseException) -> bool:
        patient = isinstance(error, CallError) and (error.retry_after or 0) <= settings.patience
        return isinstance(error, CallError) and error.passing and patient and not halt.reason

    return AsyncRetrying(
        retry=retry_if_exception(again),
        stop=stop_after_attempt(settings.tries),
        wait=wait,
        sleep=halt.pause,
        reraise=True,
    )


def unsent(halt: Halt) -> Failure:
    """A query that is not tried any more."""
    return Failure(halt.kind, f"not sent: {halt.reason}")
