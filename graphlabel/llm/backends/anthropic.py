"""Claude, through Anthropic's Messages API."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from graphlabel.errors import NoKeyError
from graphlabel.llm.backends.anthropic_batches import AnthropicBatches
from graphlabel.llm.backends.backend import BatchService
from graphlabel.llm.backends.wire import read
from graphlabel.llm.calls import Service, malformed, refused, timed_out, unreachable
from graphlabel.llm.requests import Completion, Request, StopReason
from graphlabel.llm.terms import Terms, Thinking

if TYPE_CHECKING:
    from anthropic import AsyncAnthropic

KEY_VARIABLE = "ANTHROPIC_API_KEY"
URL_VARIABLE = "ANTHROPIC_BASE_URL"
BASE_URL = "https://api.anthropic.com"

_STOPS = {
    "max_tokens": StopReason.LENGTH,
    "model_context_window_exceeded": StopReason.LENGTH,
    "refusal": StopReason.REFUSAL,
}


class _Block(msgspec.Struct):
    type: str
    text: str = ""


class _Usage(msgspec.Struct):
    input_tokens: int
    output_tokens: int
    cache_creation_input_tokens: int | None = None
    cache_read_input_tokens: int | None = None


class _Message(msgspec.Struct):
    content: list[_Block]
    model: str
    usage: _Usage
    stop_reason: str | None = None


class _Problem(msgspec.Struct, frozen=True):
    message: str = ""
    details: dict[str, Any] | None = None


class _ErrorBody(msgspec.Struct, frozen=True):
    error: _Problem = _Problem()


class AnthropicModel:
    """A Claude model; the key comes from ANTHROPIC_API_KEY and from nowhere else."""

    most_at_once: int | None = None

    def __init__(
        self,
        model: str,
        terms: Terms,
        *,
        base_url: str | None = None,
        timeout: float = 120.0,
        silent: bool = False,
    ) -> None:
        """``timeout`` in seconds a call; raises LanguageModelError without a key.

        ``silent``: it will not be called, and needs none.
        """
        key = os.environ.get(KEY_VARIABLE, "").strip()
        if not key and not silent:
            raise NoKeyError(
                f"Claude needs an API key; set {KEY_VARIABLE}, or use a local model: local:FOLDER"
            )
        self.model, self.terms, self._timeout = model, terms, timeout
        self._url = base_url or os.environ.get(URL_VARIABLE) or BASE_URL
        self.goes_to = urlsplit(self._url).hostname or ""
        self.name = f"anthropic:{model}" + ("" if self._url == BASE_URL else f"@{self._url}")
        self.service = Service(f"{model} at {self.goes_to}", KEY_VARIABLE, key)
        self._client: AsyncAnthropic | None = None

    @property
    def batches(self) -> BatchService:
        """Anthropic's Message Batches."""
        return AnthropicBatches(self)

    async def complete(self, request: Request) -> Completion:
        """One call of the Messages API, never repeated here; raises CallError."""
        started = time.monotonic()
        body = self.body(request)
        # the SDK has no argument for it any more, but some models still take it
        extra = {"temperature": body.pop("temperature")} if "temperature" in body else None
        with self.explained():
            answer = await self.client().messages.create(**body, extra_body=extra)
        return self.completion(answer, time.monotonic() - started)

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def client(self) -> AsyncAnthropic:
        """The SDK's client; it does not retry, the gateway does, which counts every attempt."""
        if self._client is None:
            from anthropic import AsyncAnthropic

            self._client = AsyncAnthropic(
                api_key=self.service.key,
                base_url=self._url,
                timeout=self._timeout,
                max_retries=0,
            )
        return self._client

    def body(self, request: Request) -> dict[str, Any]:
        """The body of a call."""
        body: dict[str, Any] = {
            "model": self.model,
            "max_tokens": self.terms.most_output(request),
            "messages": [{"role": turn.role.value, "content": turn.text} for turn in request.turns],
        }
        if request.system:
            body["system"] = request.system
        if request.stop:
            body["stop_sequences"] = list(request.stop)
        if request.temperature is not None and self.terms.temperature:
            body["temperature"] = request.temperature
        if self.terms.thinking in (Thinking.DISABLED, Thinking.BETWEEN_TOOLS):
            body["thinking"] = {"type": self.terms.thinking.value}
        if self.terms.effort:
            body["output_config"] = {"effort": self.terms.effort}
        return body

    def completion(self, answer: object, seconds: float) -> Completion:
        """What a message says; raises CallError when it is none."""
        message = read(answer, _Message)
        if message is None:
            raise malformed(self.service)
        text = "".join(block.text for block in message.content if block.type == "text")
        usage = message.usage
        kept = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
        return Completion(
            text=self.service.without_key(text),
            model=self.service.without_key(message.model),
            stop=_STOPS.get(message.stop_reason or "", StopReason.END),
            input_tokens=usage.input_tokens + kept,
            output_tokens=usage.output_tokens,
            seconds=seconds,
        )

    @contextmanager
    def explained(self) -> Iterator[None]:
        """Turn what the SDK raises into CallError, without its requests, which hold the key."""
        import anthropic

        try:
            yield
        except anthropic.APIStatusError as error:
            problem = read(error.body, _ErrorBody) or _ErrorBody()
            said, code = problem.error.message, str(problem.error.details)
            headers = error.response.headers
            raise refused(self.service, error.status_code, headers, said, code) from None
        except anthropic.APITimeoutError:
            raise timed_out(self.service, self._timeout) from None
        except anthropic.APIConnectionError as error:
            raise unreachable(self.service, error) from None
        except (anthropic.AnthropicError, ValueError):
            raise malformed(self.service) from None
        except Exception as error:
            # the SDK does not wrap what its HTTP library raises while results stream in
            if type(error).__module__.partition(".")[0] not in ("httpx", "httpx2"):
                raise
            raise unreachable(self.service, error) from None
