"""Asking a server: timeouts, a pace, retries, a cache on disk, and working offline from it."""

from __future__ import annotations

import threading
import time
import weakref
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

from graphlabel.errors import EvidenceError
from graphlabel.evidence.sources.cache import MISS_EXPIRES, Answer, AnswerCache
from graphlabel.evidence.sources.loose import LARGEST

if TYPE_CHECKING:
    import httpx
    from tenacity import RetryCallState

Item = TypeVar("Item")

ATTEMPTS = 6
WORKERS = 4
"""Requests under way at once."""
LONGEST_WAIT = 120.0
"""Seconds; a server that asks for more is taken at its word, and not waited for."""
TIMEOUT = 30.0
_AGAIN = frozenset({408, 425, 429, 500, 502, 503, 504})


class _TryAgainError(Exception):
    """The server may answer later."""

    def __init__(self, why: str, wait: float | None = None) -> None:
        super().__init__(why)
        self.wait = wait


class Remote:
    """One server (or folder of one) that is asked for parts of it.

    Headers may hold a secret: they are sent to this server alone, redirects are then not followed,
    and they stand in no message and no cache.
    """

    def __init__(
        self,
        base: str,
        *,
        headers: Mapping[str, str] | None = None,
        offline: bool = False,
        cache: AnswerCache | None = None,
        interval: float = 0.0,
        attempts: int = ATTEMPTS,
        timeout: float = TIMEOUT,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        """Ask nothing yet.

        ``interval`` is the least time between two requests in seconds, over all threads.
        """
        self.base = _plain_base(base)
        self.offline = offline
        self.cache = cache or AnswerCache()
        self._headers = dict(headers or {})
        self._attempts = attempts
        self._timeout = timeout
        self._stopped = threading.Event()
        self._sleep = sleep or self._pause
        self._interval = interval
        self._next = 0.0
        self._lock = threading.Lock()
        self._client: httpx.Client | None = None

    def address(self, path: str) -> str:
        """The full address of a part."""
        return f"{self.base}/{path.lstrip('/')}" if path else self.base

    def get(
        self,
        path: str,
        span: tuple[int, int] | None = None,
        check: Callable[[bytes], object] | None = None,
    ) -> bytes | None:
        """The bytes of a part (of its bytes start … stop - 1); None when there is no such part.

        ``check`` is called before an answer is kept, and raises when it makes no sense. Offline,
        None also when the part is not in the cache. Raises EvidenceError.
        """
        address = self.address(path)
        key = address if span is None else f"{address}#{span[0]}-{span[1]}"
        known = self.kept(key)
        if known is not None:
            return known.body
        if self.offline:
            return None
        headers = {} if span is None else _part_of(*span)
        body = self._ask("GET", address, headers=headers)
        if body is not None and span is not None and len(body) != span[1] - span[0]:
            raise EvidenceError(f"{address} does not answer with parts of files; download it")
        if body is not None and check is not None:
            check(body)
        self.cache.put({key: body})
        return body

    def kept(self, key: str) -> Answer | None:
        """What is in the cache and still believed; offline everything is."""
        answer = self.cache.get(key)
        if answer is None or answer.body is not None or self.offline:
            return answer
        return answer if time.time() - answer.time < MISS_EXPIRES else None

    def post(self, path: str, value: object) -> bytes | None:
        """What the server answers to a JSON value; None when it has no such part. Not cached."""
        if self.offline:
            return None
        return self._ask("POST", self.address(path), json=value)

    def at_once(
        self,
        ask: Callable[[Item], object],
        items: Iterable[Item],
        report: Callable[[int, int], None] | None = None,
    ) -> None:
        """Ask for many things, a few at once; the first error stops the rest and is raised."""
        wanted = list(items)
        pool = ThreadPoolExecutor(WORKERS)
        try:
            running = [pool.submit(ask, item) for item in wanted]
            for done, each in enumerate(as_completed(running), 1):
                each.result()
                if report:
                    report(done, len(wanted))
        except BaseException:
            self._stopped.set()  # wakes those that wait to ask again
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
            self._stopped.clear()

    def _ask(self, method: str, address: str, **options: Any) -> bytes | None:
        from tenacity import Retrying, retry_if_exception_type, stop_after_attempt

        tries = Retrying(
            sleep=self._sleep,
            stop=stop_after_attempt(self._attempts),
            wait=_wait,
            retry=retry_if_exception_type(_TryAgainError),
            reraise=True,
        )
        try:
            answered: bytes | None = tries(self._once, method, address, **options)
        except _TryAgainError as error:
            raise EvidenceError(
                f"{address} {error}, {self._attempts} times; try again later, or --offline for "
                "what is already in the cache"
            ) from error
        return answered

    def _once(self, method: str, address: str, **options: Any) -> bytes | None:
        import httpx

        self._keep_pace()
        if self._stopped.is_set():
            raise EvidenceError(f"{address} was not asked: another request had failed")
        try:
            with self._connected().stream(method, address, **options) as response:
                if not response.is_success:
                    _refuse(response, address)
                    return None
                return _body(response, address)
        except (httpx.InvalidURL, httpx.UnsupportedProtocol) as error:
            raise EvidenceError(f"{address} is no web address: {error}") from error
        except httpx.HTTPError as error:
            raise _TryAgainError(
                f"does not answer ({str(error) or type(error).__name__})"
            ) from error

    def _connected(self) -> httpx.Client:
        import httpx

        with self._lock:
            if self._client is None:
                self._client = httpx.Client(
                    headers={"User-Agent": "graphlabel", **self._headers},
                    timeout=self._timeout,
                    follow_redirects=not self._headers,
                )
                weakref.finalize(self, self._client.close)
            return self._client

    def _pause(self, seconds: float) -> None:
        self._stopped.wait(seconds)

    def _keep_pace(self) -> None:
        if self._interval <= 0:
            return
        with self._lock:
            now = time.monotonic()
            turn = max(self._next, now)
            self._next = turn + self._interval
        if turn > now:
            self._sleep(turn - now)


def _plain_base(base: str) -> str:
    """The address without a trailing slash; raises EvidenceError when it is none."""
    try:
        parts = urlsplit(base.strip())
        host = parts.hostname
    except ValueError as error:
        raise EvidenceError(f"“{base[:80]}” is no web address: {error}") from error
    if parts.scheme not in ("http", "https") or not host:
        raise EvidenceError(f"“{base[:80]}” is no web address; write https://…")
    if parts.username or parts.password:
        raise EvidenceError(
            "an address with a password in it would be shown and kept; leave it out"
        )
    return urlunsplit((parts.scheme, parts.netloc, parts.path.rstrip("/"), "", ""))


def _part_of(start: int, stop: int) -> dict[str, str]:
    # compressed on the way, it would no longer be these bytes
    return {"Range": f"bytes={start}-{stop - 1}", "Accept-Encoding": "identity"}


def _refuse(response: httpx.Response, address: str) -> None:
    """Return for “not found”, else raise what the status means."""
    status = response.status_code
    if status in (404, 410):
        return
    if status in _AGAIN:
        wait = _seconds(response.headers.get("retry-after"))
        if wait is not None and wait > LONGEST_WAIT:
            raise EvidenceError(f"{address} asks to wait {wait:.0f} s (status {status}); do so")
        raise _TryAgainError(f"answers with status {status}", wait)
    if status in (401, 403):
        raise EvidenceError(
            f"{address} refuses (status {status}); for Neuronpedia, set NEURONPEDIA_API_KEY to a "
            "valid key"
        )
    if response.is_redirect:
        target = urlsplit(response.headers.get("location", ""))
        raise EvidenceError(f"{address} has moved to {target.netloc or 'elsewhere'}; name that")
    raise EvidenceError(f"{address} answers with status {status}; check the address")


def _body(response: httpx.Response, address: str) -> bytes:
    out = bytearray()
    for part in response.iter_bytes():
        out += part
        if len(out) > LARGEST:
            raise EvidenceError(f"{address} answers with more than {LARGEST >> 20} MiB; not read")
    return bytes(out)


def _seconds(text: str | None) -> float | None:
    """Retry-After in seconds: a number, or the time until an HTTP date (RFC 9110, 10.2.3)."""
    from email.utils import parsedate_to_datetime

    if not text:
        return None
    if text.strip().isdigit():
        return float(text)
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (TypeError, ValueError):
        return None


def _wait(state: RetryCallState) -> float:
    """What the server asked for, else 0.5, 1, 2 … s with up to half of it more at random."""
    from tenacity import wait_exponential, wait_random

    error = state.outcome.exception() if state.outcome else None
    if isinstance(error, _TryAgainError) and error.wait is not None:
        return error.wait
    base = wait_exponential(multiplier=0.5, max=30)(state)
    return base + wait_random(0, base / 2)(state)
