"""Message batches: half the price, picked up again after anything, never paid for twice."""

from __future__ import annotations

import json

import pytest

from graphlabel.llm import Completion, Failure, FailureKind, StopReason
from graphlabel.llm.journal import Journal, default_journal_path
from graphlabel.llm.metered import answer_key
from graphlabel.llm.opening import open_backend
from graphlabel.llm.settings import GatewaySettings
from tests.llm.conftest import CLAUDE, Opener, queries, query
from tests.llm.server import BATCHES, Reply, Service, error


def texts(answers: list[object]) -> list[str]:
    return [answer.text for answer in answers if isinstance(answer, Completion)]


def test_a_batch_is_sent_waited_for_and_kept(service: Service, opener: Opener) -> None:
    said: list[str] = []
    gateway = opener(say=said.append, batch=True)
    answers = gateway.ask(queries(7))
    assert texts(list(answers)) == [f"answer to question {n}" for n in range(7)]
    assert len(service.batches) == 1
    assert gateway.tally.dollars == pytest.approx(7 * (100 * 0.1 + 20 * 0.5) / 1e6 / 2)
    assert any("msgbatch_01" in line for line in said)
    assert opener().ask(queries(7))[3] == opener(batch=True).ask(queries(7))[3]
    assert set(service.paid.values()) == {1}


def test_requests_are_whole_and_have_ids_of_their_own(service: Service, opener: Opener) -> None:
    opener("anthropic:claude-haiku-4-5", batch=True).ask([query("a", temperature=0.5, stop=("x",)), query("b")])  # fmt: skip
    (batch,) = service.batches.values()
    ids = [each["custom_id"] for each in batch.requests]
    assert len(set(ids)) == 2
    assert all(len(name) <= 64 and name.isalnum() for name in ids)
    assert batch.requests[0]["params"] == {
        "model": "claude-haiku-4-5", "max_tokens": 512, "system": "You name features.", "temperature": 0.5,
        "stop_sequences": ["x"], "messages": [{"role": "user", "content": "a"}],
    }  # fmt: skip


def test_errored_expired_and_canceled_requests_are_failures_and_sent_again(service: Service, opener: Opener) -> None:  # fmt: skip
    service.outcomes = {
        "question 0": {"type": "errored", "error": {"type": "error", "error": {"type": "invalid_request_error", "message": "bad"}}},
        "question 1": {"type": "errored", "error": {"type": "error", "error": {"type": "api_error", "message": "oops"}}},
        "question 2": {"type": "expired"},
        "question 3": {"type": "canceled"},
        "question 4": {"type": "succeeded", "message": {"content": "nonsense"}},
        "question 5": {"type": "succeeded", "message": service.message("x", "m") | {"stop_reason": "refusal"}},
    }  # fmt: skip
    gateway = opener(batch=True)
    answers = gateway.ask(queries(7))
    kinds = [answer.kind if isinstance(answer, Failure) else answer.stop for answer in answers]
    assert kinds == [FailureKind.REFUSED] + [FailureKind.SERVER] * 4 + [StopReason.REFUSAL, StopReason.END]  # fmt: skip
    service.outcomes = {}
    again = opener(batch=True).ask(queries(7))
    assert all(isinstance(answer, Completion) for answer in again)
    assert [len(batch.requests) for batch in service.batches.values()] == [7, 5]


def test_a_batch_left_by_an_earlier_run_is_collected(service: Service, opener: Opener) -> None:
    """Whether the later run sends in bulk or not."""
    for batch, number in ((True, 0), (False, 10)):
        mine = [query(f"left {number + n}") for n in range(5)]
        _leave(service, mine, with_id=True)
        answers = opener(batch=batch).ask([*mine, query(f"new {number}")])
        assert all(isinstance(answer, Completion) for answer in answers)
    assert set(service.paid.values()) == {1}


def test_a_batch_whose_id_never_arrived_is_found(service: Service, opener: Opener) -> None:
    """Among others of the same size, by the ids of its requests."""
    others = [{"custom_id": f"other{n}", "params": {"model": "m", "messages": [{"content": f"other {n}"}]}} for n in range(5)]  # fmt: skip
    service.made_batch(others)
    _leave(service, queries(5), with_id=False)
    service.made_batch(others[:4])
    answers = opener(batch=True).ask(queries(5))
    assert texts(list(answers)) == [f"answer to question {n}" for n in range(5)]
    assert len(service.batches) == 3
    assert {service.paid[f"question {n}"] for n in range(5)} == {1}


def test_a_batch_that_never_arrived_is_sent(service: Service, opener: Opener) -> None:
    backend = open_backend(CLAUDE, GatewaySettings())
    journal = Journal(default_journal_path())
    journal.intend_batch(CLAUDE_HERE(service), [(answer_key(backend, each.request), each, 0.1) for each in queries(3)])  # fmt: skip
    journal.close()
    assert all(isinstance(answer, Completion) for answer in opener(batch=True).ask(queries(3)))
    assert len(service.batches) == 1


def test_an_answer_lost_on_the_way_does_not_send_twice(service: Service, opener: Opener) -> None:
    """The service made the batch, but the connection broke before it said so."""
    usual = service.answer
    broken: list[bool] = []

    def answer(method: str, path: str, body: bytes, headers: dict[str, str]) -> Reply:
        reply = usual(method, path, body, headers)
        if method == "POST" and not broken:
            broken.append(True)
            return Reply(cut=True, body=b"{")
        return reply

    service.answer = answer  # type: ignore[method-assign]
    answers = opener(batch=True).ask(queries(4))
    assert all(isinstance(answer, Completion) for answer in answers)
    assert len(service.batches) == 1
    assert set(service.paid.values()) == {1}


def test_passing_failures_of_the_batch_service_are_tried_again(service: Service, opener: Opener) -> None:  # fmt: skip
    limit = error(429, "rate_limit_error", "slow down")
    service.replies = {
        BATCHES: [limit, error(529, "overloaded_error", "Overloaded")],
        f"{BATCHES}/msgbatch_01": [limit, limit],
        f"{BATCHES}/msgbatch_01/results": [error(500, "api_error", "oops"), Reply(cut=True)],
    }
    answers = opener(batch=True).ask(queries(3))
    assert all(isinstance(answer, Completion) for answer in answers)
    assert len(service.batches) == 1


def test_a_batch_that_the_service_forgot_is_sent_again(service: Service, opener: Opener) -> None:
    _leave(service, queries(3), with_id=True)
    service.batches.clear()
    answers = opener(batch=True).ask(queries(3))
    assert all(isinstance(answer, Completion) for answer in answers)


def test_the_limit_counts_the_whole_batch(service: Service, opener: Opener) -> None:
    backend = open_backend(CLAUDE, GatewaySettings())
    bound = backend.terms.bound(query("question 0").request, batch=True)
    assert bound is not None
    answers = opener(batch=True, max_usd=bound * 3.5).ask(queries(6))
    assert [isinstance(answer, Completion) for answer in answers] == [True] * 3 + [False] * 3
    assert len(service.asked) == 3


def test_a_refused_batch_is_one_failure_each(service: Service, opener: Opener) -> None:
    service.replies[BATCHES] = [error(413, "request_too_large", "too large")]
    gateway = opener(batch=True)
    answers = gateway.ask(queries(3))
    assert {answer.kind for answer in answers if isinstance(answer, Failure)} == {FailureKind.REFUSED}  # fmt: skip
    assert len(gateway.tally.lines) == 2


def CLAUDE_HERE(service: Service) -> str:  # noqa: N802
    """The name under which answers of the local server are kept."""
    return f"{CLAUDE}@{service.url}"


def _leave(service: Service, left: list[object], *, with_id: bool) -> None:
    """What a run leaves that is killed while it waits for its batch, or for the batch's id."""
    backend = open_backend(CLAUDE, GatewaySettings())
    journal = Journal(default_journal_path())
    keyed = [(answer_key(backend, each.request), each, 0.1) for each in left]  # type: ignore[attr-defined]
    batch = journal.intend_batch(backend.name, keyed)
    made = service.made_batch([
        {"custom_id": key, "params": json.loads(json.dumps({"model": "m", "messages": [{"content": each.request.turns[-1].text}]}))}
        for key, each, _ in keyed
    ])  # fmt: skip
    if with_id:
        journal.sent_batch(batch.id, made.id)
    journal.close()
