"""The gateway that is used: answers from the cache where it can, all else counted and limited."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from types import TracebackType

import msgspec

from graphlabel.llm.backends.backend import Backend
from graphlabel.llm.batching import BatchSender
from graphlabel.llm.budget import Budget
from graphlabel.llm.claims import Claims
from graphlabel.llm.gateway import Answer, Failure, FailureKind, Query
from graphlabel.llm.journal import Journal, default_journal_path
from graphlabel.llm.requests import Completion, Request
from graphlabel.llm.retrying import Halt
from graphlabel.llm.sending import Desk, Sender
from graphlabel.llm.settings import GatewaySettings
from graphlabel.llm.tally import Plan, Tally
from graphlabel.llm.terms import price_table

Done = Callable[[int, Answer], None]
Say = Callable[[str], None]


class MeteredGateway:
    """Sends queries to one model; a Gateway, and a context manager that closes its journal.

    An answer is on disk before anyone sees it, so that a run that was killed goes on where it
    stood. The first Ctrl-C sends nothing more and waits for what is under way, which is paid for;
    the second one does not wait.
    """

    def __init__(
        self,
        backend: Backend,
        settings: GatewaySettings | None = None,
        say: Say | None = None,
    ) -> None:
        """``say`` is told what a person should know. Raises LanguageModelError."""
        self._settings = settings or GatewaySettings()
        self._backend = backend
        self._say = say or _silent
        self._halt = Halt()
        self._budget = Budget(self._settings.max_usd)
        path = self._settings.journal or default_journal_path()
        self._journal = Journal(path)
        self._claims = Claims(path.with_name(f"{path.name}-asking"))
        self.tally, self.plan = Tally(), Plan()

    def __enter__(self) -> MeteredGateway:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close the journal."""
        self.close()

    def close(self) -> None:
        """Close the journal."""
        self._claims.close()
        self._journal.close()

    @property
    def model(self) -> str:
        """The model's name."""
        return self._backend.name

    @property
    def dry_run(self) -> bool:
        """Whether nothing is sent, and ``plan`` gathers what would be."""
        return self._settings.dry_run

    @property
    def priced_on(self) -> date:
        """The day of the price table."""
        return price_table(self._settings.prices).dated

    @property
    def stopped(self) -> str:
        """Why nothing is sent any more; empty while all is well."""
        return self._halt.reason

    @property
    def interrupted(self) -> bool:
        """Whether Ctrl-C is why."""
        return self._halt.kind is FailureKind.INTERRUPTED

    def ask(self, queries: Sequence[Query], done: Done | None = None) -> list[Answer]:
        """An answer or failure for each query, in order.

        ``done`` is called with a query's place and its answer as each arrives. Queries that are
        alike are sent once.
        """
        keys = [answer_key(self._backend, query.request) for query in queries]
        answers: list[Answer | None] = [None] * len(queries)
        places: dict[str, list[int]] = {}
        for place, key in enumerate(keys):
            places.setdefault(key, []).append(place)

        def take(key: str, answer: Answer) -> None:
            for place in places.pop(key, ()):
                answers[place] = answer
                self.tally.add(answer)
                if done is not None:
                    done(place, answer)
                answer = answer if isinstance(answer, Failure) else _from_cache(answer)

        if self._settings.cache:
            for key, kept in self._journal.answers(list(places)).items():
                self.plan.cached += 1
                take(key, _from_cache(kept))
        waiting = {key: queries[found[0]] for key, found in places.items()}
        if waiting and self._settings.dry_run:
            self._plan(waiting, take)
        elif waiting:
            self._tell()
            _run(self._send(waiting, take))
        return [answer for answer in answers if answer is not None]

    def unusable(self, query: Query, answer: Completion, about: str, why: str) -> None:
        """Keep an answer of which nothing could be made, as it came, and why."""
        key = answer_key(self._backend, query.request)
        self._journal.unusable(key, self._backend.name, query, answer.text, about, why)

    def _plan(self, waiting: dict[str, Query], take: Callable[[str, Answer], None]) -> None:
        batch = self._settings.batch and self._backend.batches is not None
        for key, query in waiting.items():
            self.plan.add(query, self._backend.terms, batch=batch)
            take(key, Failure(FailureKind.UNSENT, "not sent: this is a dry run"))

    def _tell(self) -> None:
        """Say, once a host, that prompts leave this machine."""
        host = self._backend.goes_to
        if host and not self._journal.told_about(host):
            self._say(
                f"note: prompts, with the features' example texts in them, go to {host}; this is "
                "said once (a local model keeps them here: local:FOLDER)"
            )

    async def _send(self, waiting: dict[str, Query], take: Callable[[str, Answer], None]) -> None:
        self._halt.begin()
        desk = Desk(
            self._backend, self._journal, self._budget, self._settings, self._halt, self._claims
        )
        try:
            if (service := self._backend.batches) is not None:
                batches = BatchSender(desk, service, self._say)
                await _finished([self._in_bulk(batches, waiting, take)], self._halt)
            if waiting:
                sender = Sender(desk)
                await _finished(
                    [self._one(sender, key, query, take) for key, query in waiting.items()],
                    self._halt,
                )
        finally:
            await self._backend.close()

    async def _in_bulk(
        self,
        batches: BatchSender,
        waiting: dict[str, Query],
        take: Callable[[str, Answer], None],
    ) -> None:
        """What batches of earlier runs hold, and with ``batch`` everything else."""
        found = await batches.collect_left(waiting)
        for key, answer in found.items():
            del waiting[key]
            take(key, answer)
        if not self._settings.batch:
            return
        found = await batches.send(list(waiting.items()))
        for key in waiting:
            take(key, found.get(key) or _forgotten())
        waiting.clear()

    async def _one(
        self, sender: Sender, key: str, query: Query, take: Callable[[str, Answer], None]
    ) -> None:
        take(key, await sender.send(key, query))


def answer_key(backend: Backend, request: Request) -> str:
    """SHA-256 (hex) of the model's name, the prompt, and the settings as the model takes them."""
    terms = backend.terms
    sent = replace(request, temperature=request.temperature if terms.temperature else None)
    settings = [backend.name, sent, terms.thinking, terms.effort]
    return hashlib.sha256(msgspec.json.encode(settings)).hexdigest()


async def _finished(tasks: Sequence[Coroutine[None, None, None]], halt: Halt) -> None:
    """Wait for tasks; a first Ctrl-C stops what is not sent yet and waits for the rest."""
    running = [asyncio.ensure_future(task) for task in tasks]
    try:
        await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
    except asyncio.CancelledError:
        halt.interrupt()
        await asyncio.wait(running, return_when=asyncio.FIRST_EXCEPTION)
    finally:
        for task in running:
            task.cancel()
        outcomes = await asyncio.gather(*running, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, BaseException) and not isinstance(outcome, asyncio.CancelledError):
            raise outcome


def _run(work: Coroutine[None, None, None]) -> None:
    """Run to the end, in a thread of its own where an event loop runs already (a notebook)."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        asyncio.run(work)
        return
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, work).result()


def _from_cache(answer: Answer) -> Answer:
    assert not isinstance(answer, Failure), "failures are not kept"
    return replace(answer, cached=True)


def _forgotten() -> Failure:
    return Failure(FailureKind.SERVER, "the batch ended without an answer to it; run it again")


def _silent(_: str) -> None:
    pass
