"""OpenAI's chat completions, and every server that speaks them: vLLM, Ollama, llama.cpp, …"""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from graphlabel.errors import LanguageModelError, NoKeyError
from graphlabel.llm.backends.backend import BatchService
from graphlabel.llm.backends.wire import read, spoken
from graphlabel.llm.calls import Service, malformed, refused, timed_out, unreachable
from graphlabel.llm.requests import Completion, Request, StopReason
from graphlabel.llm.terms import FREE, Terms

if TYPE_CHECKING:
    from openai import AsyncOpenAI

KEY_VARIABLE = "OPENAI_API_KEY"
URL_VARIABLE = "OPENAI_BASE_URL"
BASE_URL = "https://api.openai.com/v1"
OTHER_KEY_VARIABLE = "GRAPHLABEL_LLM_KEY"
"""The key of a server that is named by its address: OpenAI's never goes there."""
NO_KEY = "none"

_LOOPBACK = ("localhost", "127.0.0.1", "0.0.0.0", "::1")
_STOPS = {"length": StopReason.LENGTH, "content_filter": StopReason.REFUSAL}


class _Said(msgspec.Struct):
    content: str | None = None
    refusal: str | None = None


class _Choice(msgspec.Struct):
    message: _Said
    finish_reason: str | None = None


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost: float | None = None
    """Dollars; some services say."""


class _Chat(msgspec.Struct):
    choices: list[_Choice]
    model: str | None = None
    usage: _Usage | None = None


class OpenAIModel:
    """A model behind a chat completions server; one on this machine is free and needs no key."""

    most_at_once: int | None = None
    batches: BatchService | None = None

    def __init__(
        self,
        model: str,
        terms: Terms,
        *,
        base_url: str | None = None,
        timeout: float = 120.0,
        silent: bool = False,
    ) -> None:
        """``timeout`` in seconds a call; raises LanguageModelError without key or SDK.

        ``silent``: it will not be called, and needs neither.
        """
        self.model, self._timeout = model, timeout
        self._url = base_url or os.environ.get(URL_VARIABLE) or BASE_URL
        host = urlsplit(self._url).hostname or ""
        here = host in _LOOPBACK
        self._is_openai = f".{host}".endswith(".openai.com")
        self.goes_to = "" if here else host
        self.terms = FREE if here else terms
        self.name = f"openai:{model}" + ("" if self._url == BASE_URL else f"@{self._url}")
        variable = OTHER_KEY_VARIABLE if base_url and not self._is_openai else KEY_VARIABLE
        key = os.environ.get(variable, "").strip()
        if not key and self._is_openai and not silent:
            raise NoKeyError(
                f"{model} at {host} needs an API key; set {variable}, or name a server of yours: "
                f"openai:{model}@http://localhost:8000/v1"
            )
        self._service = Service(f"{model} at {host}", variable, key)
        self._client: AsyncOpenAI | None = None
        if not silent:
            _check_installed()

    async def complete(self, request: Request) -> Completion:
        """One call, never repeated here; raises CallError."""
        started = time.monotonic()
        with self._explained():
            answer = await self._open().chat.completions.create(**self._parameters(request))
        chat = read(answer, _Chat)
        if chat is None or not chat.choices:
            raise malformed(self._service)
        choice, usage = chat.choices[0], chat.usage or _Usage()
        refusal, hide = choice.message.refusal, self._service.without_key
        stop = _STOPS.get(choice.finish_reason or "", StopReason.END)
        return Completion(
            text=hide(refusal or spoken(choice.message.content or "")),
            model=hide(chat.model or self.model),
            stop=StopReason.REFUSAL if refusal else stop,
            input_tokens=usage.prompt_tokens,
            output_tokens=usage.completion_tokens,
            dollars=usage.cost,
            seconds=time.monotonic() - started,
        )

    async def close(self) -> None:
        """Let go of connections."""
        client, self._client = self._client, None
        if client is not None:
            await client.close()

    def _open(self) -> AsyncOpenAI:
        if self._client is None:
            from openai import AsyncOpenAI

            # retries are the gateway's, which counts every attempt
            self._client = AsyncOpenAI(
                api_key=self._service.key or NO_KEY,
                base_url=self._url,
                timeout=self._timeout,
                max_retries=0,
            )
        return self._client

    def _parameters(self, request: Request) -> dict[str, Any]:
        messages = [{"role": turn.role.value, "content": turn.text} for turn in request.turns]
        if request.system:
            messages.insert(0, {"role": "system", "content": request.system})
        # OpenAI has a new name for the limit, which other servers need not know
        limit = "max_completion_tokens" if self._is_openai else "max_tokens"
        given: dict[str, Any] = {
            "model": self.model, "messages": messages, limit: self.terms.most_output(request),
        }  # fmt: skip
        if request.stop:
            given["stop"] = list(request.stop)
        if request.temperature is not None and self.terms.temperature:
            given["temperature"] = request.temperature
        if self.terms.effort:
            given["reasoning_effort"] = self.terms.effort
        return given

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the SDK raises into CallError, without its requests, which hold the key."""
        import openai

        try:
            yield
        except openai.APIStatusError as error:
            body = error.body if isinstance(error.body, dict) else {}
            said, code = str(body.get("message") or ""), f"{error.type} {error.code}"
            headers = error.response.headers
            raise refused(self._service, error.status_code, headers, said, code) from None
        except openai.APITimeoutError:
            raise timed_out(self._service, self._timeout) from None
        except openai.APIConnectionError as error:
            raise unreachable(self._service, error) from None
        except (openai.OpenAIError, ValueError):
            raise malformed(self._service) from None


def _check_installed() -> None:
    from importlib.util import find_spec

    if find_spec("openai") is None:
        raise LanguageModelError(
            "OpenAI-compatible servers need the openai package; install it with: "
            "pip install 'graphlabel[openai]'"
        )
