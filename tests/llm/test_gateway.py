"""What callers get: answers in order, from the cache where they can be, each paid for once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.errors import LanguageModelError, NoKeyError
from graphlabel.llm import Completion, Failure, FailureKind, Gateway, Role, StopReason, Turn
from graphlabel.llm.journal import Journal, default_journal_path
from graphlabel.llm.ledger import read_unusable
from tests.llm.conftest import Opener, queries, query
from tests.llm.server import Service


def test_answers_come_in_order_and_are_reported_as_they_arrive(
    service: Service, opener: Opener
) -> None:
    seen: dict[int, object] = {}
    gateway = opener()
    answers = gateway.ask(queries(20), seen.__setitem__)
    assert isinstance(gateway, Gateway)
    assert [answer.text for answer in answers if isinstance(answer, Completion)] == [f"answer to question {n}" for n in range(20)]  # fmt: skip
    assert seen == dict(enumerate(answers))
    assert gateway.tally.lines == ["20 answers, 2,400 tokens, $0.0004"]


def test_a_rerun_is_free(service: Service, opener: Opener) -> None:
    first = opener().ask(queries(5))
    again = opener()
    second = again.ask(queries(5))
    assert set(service.paid.values()) == {1}
    assert len(service.asked) == 5
    for before, after in zip(first, second, strict=True):
        assert isinstance(before, Completion)
        assert isinstance(after, Completion)
        assert (after.text, after.cached, after.dollars) == (before.text, True, before.dollars)
        assert after.dollars
    assert again.tally.lines == ["0 answers, 5 more from the cache"]
    assert again.tally.dollars == 0


def test_other_settings_are_another_question(service: Service, opener: Opener) -> None:
    gateway = opener("anthropic:claude-haiku-4-5")
    for settings in ({}, {"max_tokens": 100}, {"temperature": 0.5}, {"stop": ("x",)}, {}):
        gateway.ask([query("same", **settings)])
    assert len(service.asked) == 4
    opener("anthropic:claude-opus-4-5").ask([query("same")])
    assert len(service.asked) == 5


def test_alike_questions_are_sent_once(service: Service, opener: Opener) -> None:
    answers = opener().ask([query("same"), query("other"), query("same")])
    assert service.paid == {"same": 1, "other": 1}
    first, _, third = answers
    assert isinstance(first, Completion)
    assert isinstance(third, Completion)
    assert (first.cached, third.cached, third.dollars) == (False, True, first.dollars)


def test_no_more_calls_at_a_time_than_allowed(service: Service, opener: Opener) -> None:
    service.slow = 0.02
    opener(concurrency=3).ask(queries(12))
    assert service.most_at_once == 3


def test_cut_and_refused_answers_say_so(service: Service, opener: Opener) -> None:
    service.stop = "max_tokens"
    (cut,) = opener().ask([query("long")])
    service.stop = "refusal"
    (refusal,) = opener().ask([query("bad")])
    assert isinstance(cut, Completion)
    assert isinstance(refusal, Completion)
    assert (cut.stop, refusal.stop) == (StopReason.LENGTH, StopReason.REFUSAL)


def test_without_cache_everything_is_asked_again(service: Service, opener: Opener) -> None:
    opener().ask([query("same")])
    opener(cache=False).ask([query("same")])
    assert service.paid == {"same": 2}


def test_a_dry_run_sends_nothing(service: Service, opener: Opener) -> None:
    opener().ask(queries(2))
    gateway = opener(dry_run=True)
    answers = gateway.ask([*queries(5), query("score", purpose="score:detection")])
    assert len(service.asked) == 2
    assert [isinstance(answer, Failure) for answer in answers] == [False] * 2 + [True] * 4
    assert {answer.kind for answer in answers if isinstance(answer, Failure)} == {FailureKind.UNSENT}  # fmt: skip
    assert (gateway.plan.calls, gateway.plan.cached) == (4, 2)
    assert [planned.calls for planned in gateway.plan.purposes.values()] == [3, 1]
    planned = gateway.plan.purposes[2, "label:np_max-act"]
    assert planned.bound is not None
    assert planned.dollars is not None
    assert 0 < planned.dollars < planned.bound


async def test_it_can_be_asked_where_an_event_loop_runs(service: Service, opener: Opener) -> None:
    """As in a notebook."""
    assert all(isinstance(answer, Completion) for answer in opener().ask(queries(3)))


def test_a_journal_that_cannot_be_used(tmp_path: Path, opener: Opener) -> None:
    broken = tmp_path / "broken.db"
    broken.write_bytes(b"this is no database at all" * 100)
    for place in (broken, tmp_path, broken / "below.db"):
        with pytest.raises(LanguageModelError, match="GRAPHLABEL_LEDGER") as raised:
            opener(journal=place)
        assert "\n" not in str(raised.value)
    assert broken.read_bytes().startswith(b"this is no")


def test_a_journal_of_a_newer_program(tmp_path: Path, opener: Opener) -> None:
    place = tmp_path / "newer.db"
    journal = Journal(place)
    with journal.transaction() as connection:
        connection.exec_driver_sql("insert into migrations values ('9999_from_the_future')")
    journal.close()
    with pytest.raises(LanguageModelError, match="newer graphlabel"):
        opener(journal=place)


def test_broken_answers_in_the_journal_are_asked_again(service: Service, opener: Opener) -> None:
    opener().ask([query("same")])
    journal = Journal(default_journal_path())
    with journal.transaction() as connection:
        connection.exec_driver_sql("update answers set answer = '{\"text\": 5}'")
    journal.close()
    (answer,) = opener().ask([query("same")])
    assert isinstance(answer, Completion)
    assert not answer.cached


def test_texts_of_any_kind_can_be_sent(service: Service, opener: Opener) -> None:
    odd = "a\ud800b \x00 \u202e 🙂 \udfff"
    for gateway in (opener(), opener(batch=True), opener(f"openai:any@{service.url}/v1")):
        (answer,) = gateway.ask([query(odd)])
        assert isinstance(answer, Completion)
    sent = {asked["messages"][-1]["content"] for asked in service.asked}
    assert sent == {"a\ufffdb \x00 \u202e 🙂 \ufffd"}
    assert len(query(odd).request.prompt_hash) == 64


@given(st.text(st.characters(exclude_categories=())))
def test_only_lone_surrogates_are_replaced(text: str) -> None:
    kept = Turn(Role.USER, text).text
    kept.encode()
    if not any("\ud800" <= char <= "\udfff" for char in text):
        assert kept == text


def test_unusable_answers_are_kept_as_they_came(service: Service, opener: Opener) -> None:
    question = query("what?")
    gateway = opener()
    for why in ("no label", "still none"):
        (answer,) = gateway.ask([question])
        assert isinstance(answer, Completion)
        gateway.unusable(question, answer, "L2 #7", why)
    (kept,) = read_unusable()
    assert (kept.about, kept.why, kept.raw) == ("L2 #7", "still none", "answer to what?")
    assert (kept.purpose, kept.tier, kept.model) == ("label:np_max-act", 2, gateway.model)
    assert read_unusable(since=datetime.now(UTC) + timedelta(days=1)) == []


def test_a_dry_run_needs_no_key(opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("ANTHROPIC_API_KEY")
    for name in ("anthropic:claude-haiku-5-5", "openai:gpt-5"):
        gateway = opener(name, dry_run=True)
        (answer,) = gateway.ask([query("hello")])
        assert isinstance(answer, Failure)
        assert (gateway.plan.calls, answer.kind) == (1, FailureKind.UNSENT)
        with pytest.raises(NoKeyError):
            opener(name)
