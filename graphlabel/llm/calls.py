"""Why a call failed, and what follows from it; the same for every service."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import mktime_tz, parsedate_tz

from graphlabel.errors import LanguageModelError
from graphlabel.inert import inert
from graphlabel.llm.gateway import Failure, FailureKind

# refusals that come as rate limits or bad requests, but do not pass with time
_MONEY = ("spend_limit", "insufficient_quota", "credit_balance", "billing", "usage_limit")
_MOST_SAID = 200
_SHORTEST_KEY = 6
"""Shorter ones are words, such as the dummy keys of local servers."""


class CallError(LanguageModelError):
    """A call without an answer."""

    def __init__(
        self,
        kind: FailureKind,
        message: str,
        *,
        passing: bool = False,
        fatal: bool = False,
        perhaps_paid: bool = False,
        retry_after: float | None = None,
    ) -> None:
        """``passing``: the same call may succeed a little later, in ``retry_after`` seconds.

        ``fatal``: no other call to this model will succeed either. ``perhaps_paid``: the service
        may have answered, and charged for it, without the answer arriving here.
        """
        super().__init__(message)
        self.kind, self.passing, self.fatal = kind, passing, fatal
        self.perhaps_paid, self.retry_after = perhaps_paid, retry_after

    @property
    def failure(self) -> Failure:
        """The failure that callers see."""
        return Failure(self.kind, str(self))


@dataclass(frozen=True, slots=True)
class Service:
    """Who is called, as messages name it."""

    name: str
    key_variable: str
    """The environment variable its key is in."""
    key: str = field(default="", repr=False)

    def without_key(self, text: str) -> str:
        """What the service said, without the key, should it repeat it."""
        return text.replace(self.key, "…") if len(self.key) >= _SHORTEST_KEY else text

    def clean(self, text: str) -> str:
        """One short line of what the service said, without the key."""
        return inert(" ".join(self.without_key(text).split()), most=_MOST_SAID)


def refused(
    service: Service, status: int, headers: Mapping[str, str], said: str, code: str = ""
) -> CallError:
    """What an answer with an HTTP status other than success means."""
    reason = f": {service.clean(said)}" if said.strip() else ""
    what = f"{service.name} ({status}){reason}"
    told = f"{code} {said}".lower().replace(" ", "_")
    if status == 402 or any(word in told for word in _MONEY):
        return CallError(
            FailureKind.REFUSED, f"no money left at {what}; see your account there", fatal=True
        )
    if status in (401, 403):
        advice = f"check {service.key_variable}"
        return CallError(FailureKind.REFUSED, f"key refused by {what}; {advice}", fatal=True)
    if status == 404:
        return CallError(FailureKind.REFUSED, f"no such model at {what}; check it", fatal=True)
    told_not_to = headers.get("x-should-retry") == "false"
    passing = (status in (408, 409, 429) or status >= 500) and not told_not_to
    return CallError(
        _kind(status),
        f"{_WORDS[_kind(status)]} {what}; {'try again later' if passing else 'check the settings'}",
        passing=passing,
        retry_after=retry_after(headers) if passing else None,
    )


def timed_out(service: Service, seconds: float) -> CallError:
    """No answer in time."""
    return CallError(
        FailureKind.TIMEOUT,
        f"{service.name} did not answer within {seconds:g} s; try again later",
        passing=True,
        perhaps_paid=True,
    )


def unreachable(service: Service, error: BaseException) -> CallError:
    """No connection, or one that broke."""
    cause = error.__cause__ or error
    never_sent = type(cause).__name__ in ("ConnectError", "ConnectTimeout")
    line = service.clean(str(cause)) or type(cause).__name__
    return CallError(
        FailureKind.UNREACHABLE,
        f"{service.name} cannot be reached ({line}); check the network and the address",
        passing=True,
        perhaps_paid=not never_sent,
    )


def malformed(service: Service) -> CallError:
    """An answer that is no completion."""
    return CallError(
        FailureKind.SERVER,
        f"{service.name} answered something that is no completion; check the address",
        perhaps_paid=True,
    )


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds a service asks to wait, from ``retry-after`` (seconds or a date) or its ms form."""
    for name, unit in (("retry-after-ms", 1e-3), ("retry-after", 1.0)):
        try:
            seconds = float(headers.get(name, "")) * unit
        except ValueError:
            continue
        return seconds if 0 <= seconds < float("inf") else None
    moment = parsedate_tz(headers.get("retry-after", ""))
    return max(mktime_tz(moment) - time.time(), 0.0) if moment else None


def _kind(status: int) -> FailureKind:
    if status == 429:
        return FailureKind.RATE_LIMIT
    if status == 408:
        return FailureKind.TIMEOUT
    return FailureKind.SERVER if status >= 500 or status == 409 else FailureKind.REFUSED


_WORDS = {
    FailureKind.RATE_LIMIT: "too many requests for",
    FailureKind.TIMEOUT: "too slow:",
    FailureKind.SERVER: "trouble at",
    FailureKind.REFUSED: "request refused by",
}
