"""What the gateway asks of whoever answers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from graphlabel.llm.gateway import Failure
from graphlabel.llm.requests import Completion, Request
from graphlabel.llm.terms import Terms


@runtime_checkable
class Backend(Protocol):
    """A model behind a service, or one that runs here."""

    @property
    def name(self) -> str:
        """The model's name, as it is asked for; its answers are kept under it."""
        ...

    @property
    def goes_to(self) -> str:
        """The host that prompts are sent to; empty when they stay on this machine."""
        ...

    @property
    def terms(self) -> Terms:
        """What it costs and which settings it takes."""
        ...

    @property
    def most_at_once(self) -> int | None:
        """The most calls it can take at a time; None for no limit of its own."""
        ...

    @property
    def batches(self) -> BatchService | None:
        """Where many requests are sent at once; None when there is no such service."""
        ...

    async def complete(self, request: Request) -> Completion:
        """One call, never repeated here; raises CallError."""
        ...

    async def close(self) -> None:
        """Let go of connections; the next call opens them again."""
        ...


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a service is with a batch."""

    id: str
    ended: bool
    size: int
    """How many requests it holds."""
    made: datetime


@runtime_checkable
class BatchService(Protocol):
    """Takes many requests at once and answers within a day. Everything raises CallError."""

    async def submit(self, requests: Mapping[str, Request]) -> str:
        """Send requests by their ids, at most 64 letters and digits each; the batch's id."""
        ...

    async def state(self, batch: str) -> BatchState | None:
        """How far a batch is; None when the service has no such batch (any more)."""
        ...

    async def recent(self, since: datetime) -> Sequence[BatchState]:
        """The batches made since then, newest first."""
        ...

    async def results(self, batch: str) -> Mapping[str, Completion | Failure]:
        """What became of each request of a batch that has ended, by its id."""
        ...
