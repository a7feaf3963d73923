"""Claude in bulk, through Anthropic's Message Batches: half the price, within a day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from graphlabel.llm.backends.backend import BatchState
from graphlabel.llm.backends.wire import read
from graphlabel.llm.calls import CallError, malformed
from graphlabel.llm.gateway import Failure, FailureKind
from graphlabel.llm.requests import Completion, Request

if TYPE_CHECKING:
    from graphlabel.llm.backends.anthropic import AnthropicModel

_REFUSALS = ("invalid_request_error", "authentication_error", "permission_error")


class _Batch(msgspec.Struct):
    id: str
    processing_status: str
    created_at: datetime
    request_counts: dict[str, int]


class _Problem(msgspec.Struct, frozen=True):
    type: str = "unknown"
    message: str = ""


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Problem = _Problem()


class _Result(msgspec.Struct):
    type: str
    message: dict[str, Any] | None = None
    error: _ErrorBody | None = None


class _Line(msgspec.Struct):
    custom_id: str
    result: _Result


class AnthropicBatches:
    """The message batches of a Claude model."""

    def __init__(self, model: AnthropicModel) -> None:
        """Batches that use the model's connection."""
        self._model = model

    async def submit(self, requests: Mapping[str, Request]) -> str:
        """Send a message batch."""
        body = self._model.body
        calls: Any = [{"custom_id": key, "params": body(each)} for key, each in requests.items()]
        with self._model.explained():
            batch = await self._model.client().messages.batches.create(requests=calls)
        return self._state(batch).id

    async def state(self, batch: str) -> BatchState | None:
        """How far a message batch is."""
        import anthropic

        with self._model.explained():
            try:
                found = await self._model.client().messages.batches.retrieve(batch)
            except anthropic.NotFoundError:
                return None
        return self._state(found)

    async def recent(self, since: datetime) -> Sequence[BatchState]:
        """The message batches of the key's workspace."""
        found = []
        with self._model.explained():
            async for batch in self._model.client().messages.batches.list(limit=100):
                state = self._state(batch)
                if state.made < since:
                    break
                found.append(state)
        return found

    async def results(self, batch: str) -> Mapping[str, Completion | Failure]:
        """What became of each request of a message batch."""
        found: dict[str, Completion | Failure] = {}
        with self._model.explained():
            async for raw in await self._model.client().messages.batches.results(batch):
                line = read(raw, _Line)
                if line is None:
                    raise malformed(self._model.service)
                found[line.custom_id] = self._outcome(line.result)
        return found

    def _state(self, answer: object) -> BatchState:
        batch = read(answer, _Batch)
        if batch is None:
            raise malformed(self._model.service)
        size = sum(batch.request_counts.values())
        return BatchState(batch.id, batch.processing_status == "ended", size, batch.created_at)

    def _outcome(self, result: _Result) -> Completion | Failure:
        name = self._model.service.name
        if result.type == "succeeded":
            try:
                return self._model.completion(result.message, 0.0)
            except CallError as error:
                return error.failure
        if result.type == "errored":
            problem = (result.error or _ErrorBody()).error
            said = self._model.service.clean(f"{problem.type}: {problem.message}")
            kind = FailureKind.REFUSED if problem.type in _REFUSALS else FailureKind.SERVER
            return Failure(kind, f"an error in a batch of {name}: {said}; run it again")
        return Failure(
            FailureKind.SERVER, f"left unanswered in a batch of {name} ({result.type}); run again"
        )
