"""What labelers and scorers talk to: many questions in, one answer or failure for each out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, runtime_checkable

from graphlabel.llm.requests import Completion, Request


@dataclass(frozen=True, slots=True)
class Query:
    """A request and what it is for."""

    request: Request
    purpose: str
    """The method it serves, such as ``label:np_max-act`` or ``score:detection``."""
    tier: int | None = None
    """The protocol's tier it serves, for the ledger."""


class FailureKind(StrEnum):
    """Why a query has no answer."""

    BUDGET = "budget"
    """The next call could pass the hard limit; it was not sent."""
    RATE_LIMIT = "rate limit"
    REFUSED = "refused"
    """The service refused the key, the model or the request."""
    UNREACHABLE = "unreachable"
    TIMEOUT = "timeout"
    SERVER = "server error"
    UNSENT = "unsent"
    """Not tried: a failure before it ended the run, or it is a dry run."""
    INTERRUPTED = "interrupted"
    """Not tried: Ctrl-C came first."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A query without an answer."""

    kind: FailureKind
    message: str
    """One line, fit to be shown; never holds a key."""


Answer = Completion | Failure


@runtime_checkable
class Gateway(Protocol):
    """Sends queries to one model: from the cache where it can, within the budget, in parallel."""

    @property
    def model(self) -> str:
        """The model's name."""
        ...

    def ask(
        self, queries: Sequence[Query], done: Callable[[int, Answer], None] | None = None
    ) -> list[Answer]:
        """An answer or failure for each query, in order.

        ``done`` is called with a query's place and its answer as each arrives.
        """
        ...

    def unusable(self, query: Query, answer: Completion, about: str, why: str) -> None:
        """Keep an answer of which nothing could be made, as it came.

        ``about`` names the feature, ``why`` says what was wrong.
        """
        ...
