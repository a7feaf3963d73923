"""Talking to Neuronpedia: requests, and what their failures mean."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import msgspec

from graphlabel.errors import RemoteError

if TYPE_CHECKING:
    import httpx

BASE_URL = "https://www.neuronpedia.org"
BASE_URL_VARIABLE = "NEURONPEDIA_BASE_URL"
KEY_VARIABLE = "NEURONPEDIA_API_KEY"

Progress = Callable[[str, int, int], None]

_LARGEST_DOWNLOAD = 4 * 1024**3
_TRIES = 3
_PAUSE = 1.0  # seconds before the second try; twice that before the third
_PASSING = (502, 503, 504)


def silent(_: str, __: int, ___: int) -> None:
    """Report nothing."""


class Neuronpedia:
    """A connection to Neuronpedia or a server that behaves like it.

    The key goes to the service's own address only: never to storage, never along a redirect.
    """

    def __init__(
        self,
        base_url: str | None = None,
        key: str | None = None,
        *,
        timeout: float = 60.0,
        pause: float = _PAUSE,
    ) -> None:
        """Address and key come from the environment unless given; ``timeout`` in seconds.

        Raises RemoteError when the address is no http address.
        """
        import httpx

        named = base_url or os.environ.get(BASE_URL_VARIABLE) or BASE_URL
        self.base_url = named.rstrip("/")
        if not _is_address(self.base_url):
            raise RemoteError(
                f"“{named[:80]}” is no web address; set {BASE_URL_VARIABLE} to one like {BASE_URL}"
            )
        self._key = key if key is not None else os.environ.get(KEY_VARIABLE, "")
        self._timeout, self._pause = timeout, pause
        self._http = httpx.Client(timeout=timeout, follow_redirects=False)

    def __enter__(self) -> Neuronpedia:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Let go of the connection."""
        self._http.close()

    @property
    def has_key(self) -> bool:
        """Whether there is an API key to send."""
        return bool(self._key)

    def need_key(self, purpose: str) -> None:
        """Raise RemoteError when there is no API key, which ``purpose`` needs."""
        if not self._key:
            raise RemoteError(
                f"{purpose} needs an API key; set {KEY_VARIABLE} (your account page at "
                f"{self.base_url} has it)"
            )

    def get(self, path: str) -> Any:
        """The JSON answer to a GET request of the API; passing failures are tried again."""
        for attempt in range(1, _TRIES):
            try:
                return self._call("GET", path, None, None)
            except RemoteError as error:
                if not error.passing:
                    raise
            time.sleep(self._pause * attempt)
        return self._call("GET", path, None, None)

    def post(self, path: str, body: Mapping[str, Any], *, timeout: float | None = None) -> Any:
        """The JSON answer to a POST request of the API; ``timeout`` in seconds."""
        return self._call("POST", path, body, timeout)

    def _call(
        self, method: str, path: str, body: Mapping[str, Any] | None, timeout: float | None
    ) -> Any:
        import httpx

        headers = {"accept": "application/json"}
        if self._key:
            headers["x-api-key"] = self._key
        try:
            answer = self._http.request(
                method,
                f"{self.base_url}{path}",
                json=None if body is None else dict(body),
                headers=headers,
                timeout=timeout or self._timeout,
            )
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(self.base_url, error) from error
        self._check(answer, path)
        try:
            return msgspec.json.decode(answer.content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise RemoteError(
                f"{self.base_url}{path} answered {_kind(answer.content)} instead of JSON; check "
                f"{BASE_URL_VARIABLE}"
            ) from error

    def download(self, url: str, report: Progress = silent) -> bytes:
        """The content of an address that the service named; no key is sent there."""
        import httpx

        _check_address(url)
        pieces, size = [], 0
        try:
            with self._http.stream("GET", url, follow_redirects=True) as answer:
                if answer.status_code != 200:
                    answer.read()
                self._check(answer, url.partition("?")[0])
                length = answer.headers.get("content-length", "")
                total = int(length) if length.isdecimal() else 0
                for piece in answer.iter_bytes():
                    size += len(piece)
                    if size > _LARGEST_DOWNLOAD:
                        raise RemoteError(f"{url.partition('?')[0]} is beyond all measure (> 4 GB)")
                    pieces.append(piece)
                    report("download", size, max(total, size))
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(url.partition("?")[0], error) from error
        return b"".join(pieces)

    def put(self, url: str, data: bytes, *, timeout: float = 600.0) -> None:
        """Put a file at an address that the service signed; no key is sent there."""
        import httpx

        _check_address(url)
        headers = {"content-type": "application/json"}
        try:
            answer = self._http.put(url, content=data, headers=headers, timeout=timeout)
        except (httpx.HTTPError, httpx.InvalidURL, UnicodeError) as error:
            raise self._unreachable(url.partition("?")[0], error) from error
        self._check(answer, url.partition("?")[0])

    def _check(self, answer: httpx.Response, what: str) -> None:
        """Raise RemoteError, in one line, unless the answer is a success."""
        status = answer.status_code
        if 200 <= status < 300:
            return
        error = RemoteError(f"{self._meaning(answer, what)}{_reason(answer)}")
        error.passing = status in _PASSING
        raise error

    def _meaning(self, answer: httpx.Response, what: str) -> str:
        status = answer.status_code
        match status:
            case 401 | 403:
                state = "refused the key" if self._key else "wants a key"
                return f"{what}: Neuronpedia {state} ({status}); check {KEY_VARIABLE}"
            case 404:
                return f"{what}: there is no such thing at {self.base_url} (404); check the name"
            case 413:
                return f"{what}: the graph is too large for the server (413); prune it further"
            case 429:
                wait = answer.headers.get("retry-after", "")
                when = f"in {wait} s" if wait.isdecimal() else "later"
                return f"{what}: too many requests (429); try again {when}"
            case 503:
                return f"{what}: the server is busy (503); try again in a minute"
        if 300 <= status < 400:
            place = answer.headers.get("location", "another address")[:100]
            return f"{what}: the server points to {place} ({status}); set {BASE_URL_VARIABLE}"
        where = "the server failed" if status >= 500 else "the server refused"
        return f"{what}: {where} ({status})"

    def _unreachable(self, where: str, error: Exception) -> RemoteError:
        import httpx

        failure = RemoteError(f"{where} cannot be reached ({_line(error)}); check the network")
        if isinstance(error, httpx.TimeoutException):
            failure = RemoteError(f"{where} did not answer in time; try again later")
        elif isinstance(error, (httpx.RemoteProtocolError, httpx.DecodingError, httpx.ReadError)):
            failure = RemoteError(f"{where} broke off its answer ({_line(error)}); try again")
        failure.passing = True
        return failure


def _is_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        return False


def _check_address(url: str) -> None:
    if not _is_address(url):
        raise RemoteError(f"the server named “{url[:80]}”, which is no web address; report it")


def _reason(answer: httpx.Response) -> str:
    """What the server's JSON says of a failure, as ``: text``; nothing else is repeated."""
    try:
        said = msgspec.json.decode(answer.content)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    if not isinstance(said, dict):
        return ""
    texts = [said[name] for name in ("error", "message", "details") if said.get(name)]
    flat = [text for text in dict.fromkeys(map(str, texts)) if text]
    return f": {' — '.join(flat)[:300]}" if flat else ""


def _kind(content: bytes) -> str:
    start = content.lstrip()[:1]
    if start == b"<":
        return "a web page"
    return "nothing" if not start else "a broken text"


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:120] or type(error).__name__
