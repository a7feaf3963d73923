"""Sending single calls: within the budget, noted before and after, tried again where it helps."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace

from graphlabel.errors import LanguageModelError
from graphlabel.llm.backends.backend import Backend
from graphlabel.llm.budget import Budget
from graphlabel.llm.calls import CallError
from graphlabel.llm.claims import Claims
from graphlabel.llm.gateway import Answer, Failure, FailureKind, Query
from graphlabel.llm.journal import Journal
from graphlabel.llm.requests import Completion, Request
from graphlabel.llm.retrying import Halt, Pace, retrying
from graphlabel.llm.settings import GatewaySettings
from graphlabel.llm.terms import Terms

_NOT_SENT = (FailureKind.BUDGET, FailureKind.UNSENT, FailureKind.INTERRUPTED)
_LOOK_AGAIN = 0.2
"""Seconds between looks at a question that another run is asking."""


@dataclass(frozen=True, slots=True)
class Desk:
    """What every way of sending needs."""

    backend: Backend
    journal: Journal
    budget: Budget
    settings: GatewaySettings
    halt: Halt
    claims: Claims


class Sender:
    """Sends calls one by one, several at a time; lives in one event loop."""

    def __init__(self, desk: Desk) -> None:
        """A sender for the running event loop."""
        self._desk = desk
        most = desk.backend.most_at_once or desk.settings.concurrency
        self._slots = asyncio.Semaphore(min(most, desk.settings.concurrency))
        self._pace = Pace(desk.halt)

    async def send(self, key: str, query: Query) -> Answer:
        """A query's answer, or why it has none; another run's that asks the same just now."""
        async with self._slots:
            if not self._desk.settings.cache:
                return await self._asked(key, query)
            try:
                await self._claimed(key)
            except CallError as error:
                return error.failure
            try:
                kept = self._desk.journal.answers([key]).get(key)
                if kept is not None:
                    return replace(kept, cached=True)
                return await self._asked(key, query)
            finally:
                self._desk.claims.drop(key)

    async def _claimed(self, key: str) -> None:
        """Wait until no other run asks the question; raises CallError when all is stopped."""
        while not self._desk.claims.take(key):
            self._desk.halt.check()
            await self._desk.halt.pause(_LOOK_AGAIN)

    async def _asked(self, key: str, query: Query) -> Answer:
        """The model's answer, after as many tries as it takes."""
        desk = self._desk
        try:
            answer: Completion = await retrying(desk.settings, desk.halt)(self._attempt, key, query)
        except CallError as error:
            if error.kind not in _NOT_SENT:
                desk.halt.lost(error)
            return error.failure
        desk.halt.answered()
        return answer

    async def _attempt(self, key: str, query: Query) -> Completion:
        """One call; raises CallError."""
        desk, bound = self._desk, self._desk.backend.terms.bound(query.request)
        await self._pace.turn()
        if not await desk.budget.reserve(bound):
            raise CallError(FailureKind.BUDGET, beyond_budget(desk.budget, bound).message)
        cost: float | None = 0.0
        try:
            desk.halt.check()
            call = desk.journal.sending(key, desk.backend.name, query, bound)
            cost = bound  # until it is known to be less
            try:
                said = await desk.backend.complete(query.request)
            except CallError as error:
                cost = bound if error.perhaps_paid else 0.0
                desk.journal.failed(call, error.kind.value, perhaps_paid=error.perhaps_paid)
                if error.retry_after and error.retry_after <= desk.settings.patience:
                    self._pace.hold(error.retry_after)
                raise
            except LanguageModelError:  # a local model that cannot be loaded
                cost = 0.0
                desk.journal.failed(call, "not loaded", perhaps_paid=False)
                raise
            answer = priced(said, query.request, desk.backend.terms)
            desk.journal.answered(call, key, desk.backend.name, answer)
            cost = answer.dollars
            return answer
        finally:
            desk.budget.settle(bound, cost)


def priced(
    answer: Completion, request: Request, terms: Terms, *, batch: bool = False
) -> Completion:
    """A completion with its price and the temperature that was sent.

    A service that does not say how much it read is taken at the call's highest price.
    """
    dollars = answer.dollars
    if dollars is None and answer.input_tokens:
        dollars = terms.dollars(answer.input_tokens, answer.output_tokens, batch=batch)
    elif dollars is None:
        dollars = terms.bound(request, batch=batch)
    temperature = request.temperature if terms.temperature else None
    return replace(answer, dollars=dollars, temperature=temperature)


def beyond_budget(budget: Budget, bound: float | None) -> Failure:
    """A call that could pass the limit."""
    price = "an unknown price" if bound is None else f"up to ${bound:.4f}"
    return Failure(
        FailureKind.BUDGET,
        f"not sent: it costs {price}, and ${max(budget.left, 0.0):.4f} of "
        f"${budget.most or 0.0:.4f} are left; raise --max-usd and run again",
    )
