"""Sending in bulk, so that a batch is never paid for twice.

A batch is noted before it is sent and its id as soon as it arrives. Batches that an earlier run
left are collected before anything is sent; one whose id never arrived is looked for among the
service's own, and known by the ids of its requests.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar, cast

from graphlabel.llm.backends.backend import BatchService, BatchState
from graphlabel.llm.calls import CallError
from graphlabel.llm.gateway import Answer, Failure, FailureKind, Query
from graphlabel.llm.journal import KeptBatch
from graphlabel.llm.requests import Completion, Request
from graphlabel.llm.retrying import retrying
from graphlabel.llm.sending import Desk, beyond_budget, priced

MOST_REQUESTS = 10_000
"""A batch holds at most so many requests; the service's own limit is ten times that."""
_MOST_BYTES = 100 * 1024**2
_CLOCKS_APART = timedelta(hours=1)
_GROWTH = 1.5

_A = TypeVar("_A")
_B = TypeVar("_B")

Say = Callable[[str], None]
Waiting = Sequence[tuple[str, Query]]
Part = Sequence[tuple[str, Query, float | None]]
"""Key, query and highest price of what goes into one batch."""


@dataclass(frozen=True, slots=True)
class BatchSender:
    """Sends and collects batches; lives in one event loop."""

    desk: Desk
    service: BatchService
    say: Say

    async def collect_left(self, waiting: Mapping[str, Query]) -> dict[str, Answer]:
        """The answers to waiting queries that batches of earlier runs hold.

        Failures are there for queries whose batch is not to be had now; those that a batch has
        left without an answer are not, and may be sent again.
        """
        found: dict[str, Answer] = {}
        for batch in self.desk.journal.open_batches(self.desk.backend.name):
            if not waiting.keys() & set(batch.keys):
                continue
            try:
                remote = batch.remote or await self._look_for(batch)
                if remote:
                    self.say(f"waiting for a batch of an earlier run ({remote})")
                    collected = await self._collect(batch, remote, waiting)
                    found |= {k: a for k, a in collected.items() if isinstance(a, Completion)}
                else:
                    self.desk.journal.lost_batch(batch.id, perhaps_paid=False)
            except CallError as error:
                found |= dict.fromkeys(waiting.keys() & set(batch.keys), error.failure)
        return found

    async def send(self, waiting: Waiting) -> dict[str, Answer]:
        """Answers to queries, by their keys, through as many batches as it takes."""
        found: dict[str, Answer] = {}
        terms, budget = self.desk.backend.terms, self.desk.budget
        part: list[tuple[str, Query, float | None]] = []
        parts, size = [part], 0
        for key, query in waiting:
            bound = terms.bound(query.request, batch=True)
            if not budget.reserve_now(bound):
                found[key] = beyond_budget(budget, bound)
                continue
            size += len(query.request.system) + sum(len(turn.text) for turn in query.request.turns)
            if len(part) == MOST_REQUESTS or (part and size > _MOST_BYTES):
                part, size = [], 0
                parts.append(part)
            part.append((key, query, bound))
        sent = [(each, await self._submit(each)) for each in parts if each]
        for each, batch in sent:
            found |= await self._finish(each, batch)
        return found

    async def _finish(self, part: Part, batch: KeptBatch | Failure) -> dict[str, Answer]:
        """Wait for a batch, and settle what it cost: in full, while that is not known."""
        queries = {key: query for key, query, _ in part}
        under_way = isinstance(batch, KeptBatch)
        found: dict[str, Answer] = {}
        try:
            if isinstance(batch, Failure):
                found = dict.fromkeys(queries, batch)
            else:
                found = await self._collect(batch, batch.remote, queries)
                under_way = False
        except CallError as error:
            found = dict.fromkeys(queries, error.failure)
        finally:
            for key, _, bound in part:
                answer = found.get(key)
                paid = answer.dollars if isinstance(answer, Completion) else 0.0
                self.desk.budget.settle(bound, bound if under_way else paid)
        return found

    async def _submit(self, part: Part) -> KeptBatch | Failure:
        """Send one batch."""
        desk = self.desk
        batch = desk.journal.intend_batch(desk.backend.name, part)
        arrived = _Arrival()
        try:
            remote: str = await retrying(desk.settings, desk.halt)(
                self._attempt, batch, {key: query.request for key, query, _ in part}, arrived
            )
        except CallError as error:
            if not arrived.perhaps:
                desk.journal.lost_batch(batch.id, perhaps_paid=False)
            desk.halt.lost(error)
            return error.failure
        desk.journal.sent_batch(batch.id, remote)
        self.say(f"sent {len(part)} requests as batch {remote}; this may take up to a day")
        return replace(batch, remote=remote)

    async def _attempt(
        self, batch: KeptBatch, requests: Mapping[str, Request], arrived: _Arrival
    ) -> str:
        """Send a batch, unless it turns out that an earlier attempt arrived after all."""
        self.desk.halt.check()
        if arrived.perhaps and (remote := await self._look_for(batch)):
            return remote
        arrived.perhaps = True
        try:
            return await self.service.submit(requests)
        except CallError as error:
            arrived.perhaps = error.kind not in (FailureKind.RATE_LIMIT, FailureKind.REFUSED)
            raise

    async def _collect(
        self, batch: KeptBatch, remote: str, waiting: Mapping[str, Query]
    ) -> dict[str, Answer]:
        """Wait for a batch and keep all its answers; those that were waited for."""
        desk = self.desk
        if not await self._ended(remote):
            desk.journal.lost_batch(batch.id, perhaps_paid=True)
            return {}
        answers: dict[str, Completion] = {}
        failures: dict[str, Failure] = {}
        for key, outcome in (await self._asked(self.service.results, remote)).items():
            if isinstance(outcome, Failure):
                failures[key] = outcome
            elif key in waiting:
                request = waiting[key].request
                answers[key] = priced(outcome, request, desk.backend.terms, batch=True)
            else:
                answers[key] = self._priced_alone(outcome)
        why = {key: failure.message for key, failure in failures.items()}
        desk.journal.collected(batch.id, remote, desk.backend.name, answers, why)
        found: dict[str, Answer] = {**failures, **answers}
        return {key: answer for key, answer in found.items() if key in waiting}

    def _priced_alone(self, answer: Completion) -> Completion:
        """An answer nobody waits for in this run; its request is not known any more."""
        terms = self.desk.backend.terms
        dollars = terms.dollars(answer.input_tokens, answer.output_tokens, batch=True)
        return replace(answer, dollars=dollars)

    async def _look_for(self, batch: KeptBatch) -> str:
        """The service's id of a batch whose id never arrived; empty when it has no such batch."""
        recent = await self._asked(self.service.recent, batch.time - _CLOCKS_APART)
        known = self.desk.journal.known_batches(self.desk.backend.name)
        for state in recent:
            if state.id in known or state.size != len(batch.keys):
                continue
            self.say(f"a batch of an earlier run may have arrived as {state.id}; waiting for it")
            if await self._ended(state.id):
                ids = await self._asked(self.service.results, state.id)
                if set(ids) == set(batch.keys):
                    return state.id
        return ""

    async def _ended(self, remote: str) -> bool:
        """Wait until a batch has ended; False when the service has no such batch.

        Raises CallError when the run is stopped before.
        """
        pause = self.desk.settings.poll
        while True:
            state: BatchState | None = await self._asked(self.service.state, remote)
            if state is None or state.ended:
                return state is not None
            await self.desk.halt.pause(pause)
            if self.desk.halt.reason:
                raise CallError(
                    self.desk.halt.kind,
                    f"batch {remote} goes on at the service; the same command collects it",
                )
            pause = min(pause * _GROWTH, self.desk.settings.longest_pause)

    async def _asked(self, question: Callable[[_A], Awaitable[_B]], about: _A) -> _B:
        """What the service says, asked again while failures are passing ones."""
        return cast(_B, await retrying(self.desk.settings, self.desk.halt)(question, about))


@dataclass
class _Arrival:
    """Whether a batch may have arrived without its id being known."""

    perhaps: bool = False
