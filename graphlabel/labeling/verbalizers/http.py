"""Asking a verbalizer's server: JSON over HTTP, a few tries, failures in one line."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec
from tenacity import RetryCallState, Retrying, retry_if_exception, stop_after_attempt

from graphlabel.errors import VerbalizerError

if TYPE_CHECKING:
    import httpx

_TRIES = 4
_LONGEST_WAIT = 60.0
_PASSING = (429, 500, 502, 503, 504)


class _PassingError(VerbalizerError):
    """A failure after which the same request may well succeed."""

    wait: float | None = None
    """Seconds the server asks to wait."""


class Server:
    """A server at one address; a secret goes into one header and nowhere else."""

    def __init__(
        self,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        timeout: float = 300.0,
        pause: float = 1.0,
    ) -> None:
        """``timeout`` and ``pause`` (before the second try, then doubled) in seconds.

        Raises VerbalizerError when the address is no http address.
        """
        import httpx

        try:
            parts = urlsplit(url)
            sound = parts.scheme in ("http", "https") and bool(parts.hostname)
        except ValueError:
            sound = False
        if not sound:
            raise VerbalizerError(
                f"“{url[:80]}” is no web address; write one like http://host:5009"
            )
        self.url, self._pause = url.rstrip("/"), pause
        self._http = httpx.Client(
            timeout=timeout, follow_redirects=False, headers=dict(headers or {})
        )

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str) -> Any:
        """The JSON answer to a GET request; raises VerbalizerError."""
        return self._ask("GET", path, None)

    def post(self, path: str, body: Mapping[str, Any]) -> Any:
        """The JSON answer to a POST request; raises VerbalizerError."""
        return self._ask("POST", path, msgspec.json.encode(body))

    def _ask(self, method: str, path: str, body: bytes | None) -> Any:
        retrying = Retrying(
            retry=retry_if_exception(lambda error: isinstance(error, _PassingError)),
            stop=stop_after_attempt(_TRIES),
            wait=self._wait,
            reraise=True,
        )
        return retrying(self._once, method, path, body)

    def _wait(self, state: RetryCallState) -> float:
        error = state.outcome.exception() if state.outcome else None
        asked = error.wait if isinstance(error, _PassingError) else None
        return min(asked if asked is not None else self._backoff(state), _LONGEST_WAIT)

    def _backoff(self, state: RetryCallState) -> float:
        return float(self._pause * 2 ** (state.attempt_number - 1))

    def _once(self, method: str, path: str, body: bytes | None) -> Any:
        import httpx

        try:
            answer = self._http.request(
                method,
                f"{self.url}{path}",
                content=body,
                headers={"content-type": "application/json"} if body is not None else {},
            )
        except httpx.TimeoutException as error:
            raise VerbalizerError(f"{self.url} did not answer in time; try fewer nodes") from error
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            why = " ".join(str(error).split())[:120] or type(error).__name__
            raise VerbalizerError(
                f"{self.url} cannot be reached ({why}); is it running?"
            ) from error
        if answer.status_code in _PASSING:
            busy = _PassingError(self._refusal(answer, path))
            busy.wait = _seconds(answer.headers.get("retry-after", ""))
            raise busy
        if not 200 <= answer.status_code < 300:
            raise VerbalizerError(self._refusal(answer, path))
        try:
            return msgspec.json.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise VerbalizerError(f"{self.url}{path} did not answer in JSON; check it") from error

    def _refusal(self, answer: httpx.Response, path: str) -> str:
        said = " ".join(answer.text.split())[:200]
        return f"{self.url}{path} refused ({answer.status_code}){f': {said}' if said else ''}"


def _seconds(value: str) -> float | None:
    return float(value) if value.isdecimal() else None
