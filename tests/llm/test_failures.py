"""Errors, rate limits, slow and malformed answers: tried again where it helps, one line each."""

from __future__ import annotations

import time
from email.utils import formatdate

import pytest

from graphlabel.llm import Answer, Completion, Failure, FailureKind
from graphlabel.llm.calls import retry_after
from tests.llm.conftest import Opener, queries, query
from tests.llm.server import CHAT, MESSAGES, Reply, Service, error, openai_error

LIMIT = error(429, "rate_limit_error", "slow down")
OVERLOADED = error(529, "overloaded_error", "Overloaded")
BROKEN = error(500, "api_error", "Internal server error")


def failure(answer: Answer) -> Failure:
    assert isinstance(answer, Failure)
    assert "\n" not in answer.message
    return answer


@pytest.mark.parametrize("reply", [LIMIT, OVERLOADED, BROKEN, error(503, "api_error", "busy"), error(408, "timeout_error", "slow"), Reply(502, b"<html>bad gateway</html>", kind="text/html"), Reply(cut=True, body=b"{")])  # fmt: skip
def test_passing_failures_are_tried_again(service: Service, opener: Opener, reply: Reply) -> None:
    service.replies[MESSAGES] = [reply, reply]
    gateway = opener()
    (answer,) = gateway.ask([query("hello")])
    assert isinstance(answer, Completion)
    assert len(service.headers) == 3
    assert service.paid == {"hello": 1}


def test_retry_after_is_waited_for_by_everyone(service: Service, opener: Opener) -> None:
    service.replies[MESSAGES] = [error(429, "rate_limit_error", "slow down", {"retry-after": "0.4"})]  # fmt: skip
    started = time.monotonic()
    answers = opener(concurrency=1).ask(queries(3))
    assert time.monotonic() - started >= 0.4
    assert all(isinstance(answer, Completion) for answer in answers)
    assert len(service.headers) == 4


def test_a_service_that_asks_for_too_long_a_pause_is_not_waited_for(service: Service, opener: Opener) -> None:  # fmt: skip
    service.replies[MESSAGES] = [error(429, "rate_limit_error", "slow down", {"retry-after": "3600"})]  # fmt: skip
    (answer,) = opener().ask([query("hello")])
    assert failure(answer).kind is FailureKind.RATE_LIMIT
    assert len(service.headers) == 1


def test_retry_after_is_read_as_seconds_date_or_milliseconds() -> None:
    assert retry_after({"retry-after": "12"}) == 12.0
    assert retry_after({"retry-after-ms": "1500", "retry-after": "9"}) == 1.5
    in_a_minute = retry_after({"retry-after": formatdate(time.time() + 60, usegmt=True)})
    assert in_a_minute == pytest.approx(60, abs=2)
    assert retry_after({"retry-after": formatdate(time.time() - 60, usegmt=True)}) == 0.0
    for nonsense in ("soon", "", "-5", "nan", "inf"):
        assert retry_after({"retry-after": nonsense}) is None


def test_a_rate_limit_that_never_ends_stops_the_run(service: Service, opener: Opener) -> None:
    service.replies[MESSAGES] = [LIMIT] * 1000
    gateway = opener(concurrency=2, tries=3)
    answers = [failure(answer) for answer in gateway.ask(queries(50))]
    kinds = [answer.kind for answer in answers]
    assert set(kinds) == {FailureKind.RATE_LIMIT, FailureKind.UNSENT}
    assert kinds.count(FailureKind.RATE_LIMIT) <= 4
    assert len(service.headers) <= 12
    assert "too many requests" in gateway.stopped
    assert len(gateway.tally.lines) == 3
    service.replies.clear()
    later = opener().ask(queries(50))
    assert all(isinstance(answer, Completion) for answer in later)


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (error(401, "authentication_error", "invalid x-api-key"), "check ANTHROPIC_API_KEY"),
        (error(403, "permission_error", "no"), "check ANTHROPIC_API_KEY"),
        (error(404, "not_found_error", "model: claude-none"), "no such model"),
        (error(402, "billing_error", "pay first"), "no money left"),
        (error(429, "rate_limit_error", "no", details={"error_code": "enforced_spend_limit_reached"}), "no money left"),
        (error(400, "invalid_request_error", "Your credit balance is too low to access the API"), "no money left"),
    ],
)  # fmt: skip
def test_what_no_other_call_will_survive_ends_the_run(service: Service, opener: Opener, reply: Reply, said: str) -> None:  # fmt: skip
    service.replies[MESSAGES] = [reply] * 100
    gateway = opener(concurrency=1)
    answers = [failure(answer) for answer in gateway.ask(queries(10))]
    assert [answer.kind for answer in answers] == [FailureKind.REFUSED] + [FailureKind.UNSENT] * 9
    assert said in answers[0].message
    assert len(service.headers) == 1


def test_an_expired_key_in_the_middle_keeps_what_was_answered(service: Service, opener: Opener) -> None:  # fmt: skip
    expiring = error(401, "authentication_error", "API key has expired")

    def says(prompt: str) -> str:
        if prompt == "question 4":
            service.key = "another"
        return "fine"

    service.says = says
    answers = opener(concurrency=1).ask(queries(10))
    assert [isinstance(answer, Completion) for answer in answers] == [True] * 5 + [False] * 5
    assert failure(answers[5]).kind is FailureKind.REFUSED
    assert expiring.status == 401
    service.key = service.headers[0]["authorization"].removeprefix("Bearer ")
    answers = opener(concurrency=1).ask(queries(10))
    assert [answer.cached for answer in answers if isinstance(answer, Completion)] == [True] * 5 + [False] * 5  # fmt: skip
    assert set(service.paid.values()) == {1}


def test_bad_requests_do_not_stop_the_others(service: Service, opener: Opener) -> None:
    service.replies[MESSAGES] = [error(400, "invalid_request_error", "prompt is too long")] * 5
    answers = opener(concurrency=1).ask(queries(7))
    for answer in answers[:5]:
        assert failure(answer).kind is FailureKind.REFUSED
        assert "prompt is too long" in failure(answer).message
    assert all(isinstance(answer, Completion) for answer in answers[5:])


@pytest.mark.parametrize("body", [b"{}", b"not json", b"[]", b'{"content": 5}', b"", b"null", b'{"content": [{"type": "text", "text": 7}], "model": "m", "usage": {"input_tokens": 1, "output_tokens": 1}}'])  # fmt: skip
@pytest.mark.parametrize("kind", ["application/json", "text/html"])
def test_malformed_answers_are_failures(service: Service, opener: Opener, body: bytes, kind: str) -> None:  # fmt: skip
    service.replies[MESSAGES] = [Reply(body=body, kind=kind)]
    service.replies[CHAT] = [Reply(body=body, kind=kind)]
    for name in ("anthropic:claude-haiku-5-5", f"openai:any@{service.url}/v1"):
        (answer,) = opener(name).ask([query("hello")])
        assert failure(answer).kind is FailureKind.SERVER
        assert "no completion" in failure(answer).message


def test_a_slow_service_times_out(service: Service, opener: Opener) -> None:
    service.replies[MESSAGES] = [Reply(after=0.5), Reply(after=0.5)]
    (answer,) = opener(timeout=0.1, tries=2).ask([query("hello")])
    assert failure(answer).kind is FailureKind.TIMEOUT


def test_no_network(service: Service, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANTHROPIC_BASE_URL", "http://127.0.0.1:9")
    gateway = opener(tries=2, concurrency=1)
    answers = [failure(answer) for answer in gateway.ask(queries(6))]
    kinds = [answer.kind for answer in answers]
    assert kinds == [FailureKind.UNREACHABLE] * 3 + [FailureKind.UNSENT] * 3
    assert "cannot be reached" in answers[0].message


def test_openai_errors(service: Service, opener: Opener) -> None:
    name = f"openai:any@{service.url}/v1"
    service.replies[CHAT] = [openai_error(429, "requests", "slow", "rate_limit_exceeded"), openai_error(500, "server_error", "oops")]  # fmt: skip
    (answer,) = opener(name).ask([query("hello")])
    assert isinstance(answer, Completion)
    service.replies[CHAT] = [openai_error(429, "insufficient_quota", "You exceeded your current quota", "insufficient_quota")] * 5  # fmt: skip
    first, second = opener(name, concurrency=1).ask([query("a"), query("b")])
    assert "no money left" in failure(first).message
    assert failure(second).kind is FailureKind.UNSENT
    service.replies[CHAT] = [openai_error(401, "invalid_request_error", "Incorrect API key", "invalid_api_key")]  # fmt: skip
    (answer,) = opener(name).ask([query("c")])
    assert "check GRAPHLABEL_LLM_KEY" in failure(answer).message


def test_what_a_service_says_cannot_act(service: Service, opener: Opener) -> None:
    service.replies[MESSAGES] = [error(400, "invalid_request_error", "bad\n\nline \x1b[31mred" + "x" * 5000)]  # fmt: skip
    (answer,) = opener().ask([query("hello")])
    message = failure(answer).message
    assert len(message) < 400
    assert message.isprintable()


def test_an_error_while_answers_arrive_goes_up(service: Service, opener: Opener) -> None:
    def done(place: int, answer: Answer) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        opener().ask(queries(5), done)
