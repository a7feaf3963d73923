"""The limit is checked before a call is sent, against the most that the call can cost."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.errors import LanguageModelError
from graphlabel.llm import Completion, Failure, FailureKind, Request, Role, Turn
from graphlabel.llm.budget import Budget
from graphlabel.llm.terms import FREE, Terms, most_input, price_table
from tests.llm.conftest import Opener, queries, query
from tests.llm.server import MESSAGES, Reply, Service

TERMS = price_table().terms("claude-haiku-5-5")


def test_nothing_is_sent_that_could_pass_the_limit(service: Service, opener: Opener) -> None:
    bound = TERMS.bound(query("question 0").request)
    assert bound is not None
    gateway = opener(max_usd=bound * 0.99)
    answers = gateway.ask(queries(3))
    assert [answer.kind for answer in answers if isinstance(answer, Failure)] == [FailureKind.BUDGET] * 3  # fmt: skip
    assert service.asked == []
    assert "raise --max-usd" in gateway.tally.lines[1]


def test_the_limit_holds_in_the_middle_of_a_run(service: Service, opener: Opener) -> None:
    bound, real = TERMS.bound(query("question 00").request), TERMS.dollars(100, 20)
    assert bound is not None
    assert real is not None
    limit = 5 * real + bound
    answers = opener(max_usd=limit).ask(queries(30))
    sent = [answer for answer in answers if isinstance(answer, Completion)]
    assert 5 <= len(sent) <= 6
    assert sum(answer.dollars or 0.0 for answer in sent) <= limit
    resumed = opener(max_usd=1.0).ask(queries(30))
    assert all(isinstance(answer, Completion) for answer in resumed)
    assert set(service.paid.values()) == {1}


def test_calls_that_may_have_been_paid_count(service: Service, opener: Opener) -> None:
    service.replies[MESSAGES] = [Reply(after=0.3)]
    bound = TERMS.bound(query("hello").request)
    assert bound is not None
    (answer,) = opener(max_usd=bound * 1.5, timeout=0.1).ask([query("hello")])
    assert isinstance(answer, Failure)
    assert answer.kind is FailureKind.BUDGET


def test_a_budget_needs_a_price(service: Service, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    with pytest.raises(LanguageModelError, match="price of openai:unheard-of is unknown"):
        opener("openai:unheard-of", max_usd=1.0)
    for nonsense in (-1.0, float("nan"), float("inf")):
        with pytest.raises(LanguageModelError, match="--max-usd is"):
            opener(max_usd=nonsense)


def test_a_server_here_is_free(service: Service, opener: Opener) -> None:
    gateway = opener(f"openai:any@{service.url}/v1", max_usd=0.0)
    (answer,) = gateway.ask([query("hello")])
    assert isinstance(answer, Completion)
    assert answer.dollars == 0.0


texts = st.text(max_size=200)


@given(texts, texts, st.integers(1, 5000), st.integers(0, 10**6), st.integers(0, 10**6))
def test_the_bound_is_one(system: str, prompt: str, most: int, read: int, wrote: int) -> None:
    request = Request(system, (Turn(Role.USER, prompt),), most)
    # byte-level tokenizers: at most one token a byte
    read = min(read, len(prompt.encode(errors="surrogatepass")) + len(system.encode(errors="surrogatepass")))  # fmt: skip
    for terms in (TERMS, price_table().terms("claude-opus-5-5"), FREE):
        bound = terms.bound(request)
        paid = terms.dollars(read, min(wrote, terms.most_output(request)))
        assert bound is not None
        assert paid is not None
        assert paid <= bound
    assert most_input(request) >= read


def test_long_prompts_cost_more() -> None:
    assert TERMS.dollars(100_000, 0) == pytest.approx(0.01)
    assert TERMS.dollars(100_001, 0) == pytest.approx(0.0500005)
    assert TERMS.dollars(1_000_000, 0, batch=True) == pytest.approx(0.25)
    assert Terms().dollars(1, 1) is None


@given(st.lists(st.tuples(st.floats(0, 2), st.floats(0, 1)), max_size=30), st.floats(0, 5))
def test_no_order_of_calls_passes_the_limit(calls: list[tuple[float, float]], limit: float) -> None:
    budget = Budget(limit)

    async def call(bound: float, share: float) -> None:
        if await budget.reserve(bound):
            assert budget.left >= -1e-9
            await asyncio.sleep(0)
            budget.settle(bound, bound * share)

    async def run() -> None:
        await asyncio.gather(*(call(bound, share) for bound, share in calls))

    asyncio.run(run())
    assert budget.spent <= limit + 1e-9
