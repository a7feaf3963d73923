"""The options of language models, on a command made for the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import typer
from typer.testing import CliRunner

from graphlabel.cli.llm_options import LanguageModelOptions, language_model_options, print_outcome
from graphlabel.llm import Query, Request, Role, Turn
from tests.llm.server import KEY, MESSAGES, Service, error, serving

app = typer.Typer()


@app.command()
@language_model_options
def ask(text: str, language_model: LanguageModelOptions, times: int = 2) -> None:
    """Ask something."""
    queries = [
        Query(Request("Be brief.", (Turn(Role.USER, f"{text} {n}"),)), "label:baez", 2)
        for n in range(times)
    ]
    with language_model.open("anthropic:claude-haiku-5-5") as gateway:
        gateway.ask(queries)
        print_outcome(gateway)


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    monkeypatch.delenv("GRAPHLABEL_PRICES", raising=False)
    with serving() as running:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield running


def said(*arguments: str) -> str:
    done = CliRunner().invoke(app, list(arguments))
    assert done.exception is None, done.output
    return done.output


def test_a_run_says_what_happened(service: Service) -> None:
    first = said("hello")
    assert "said once" in first
    assert "2 answers, 240 tokens, $0.0000" in first
    again = said("hello", "--times", "3")
    assert "1 answers, 2 more from the cache" in again
    assert "said once" not in again
    assert "2 answers, 240 tokens" in said("hello", "--no-answer-cache")


def test_a_dry_run_shows_prompt_and_price(service: Service) -> None:
    shown = said("hello\x1b[31m", "--dry-run", "--batch")
    assert "dry run: 2 calls to anthropic:claude-haiku-5-5@" in shown
    assert "tier 2, label:baez: 2 calls, about" in shown
    assert "at most $0.000" in shown
    assert "  | Be brief." in shown
    assert "user> hello␛[31m 0" in shown
    assert "\x1b" not in shown
    assert service.asked == []


def test_a_run_that_stops_says_how_to_go_on(service: Service) -> None:
    service.replies[MESSAGES] = [error(401, "authentication_error", "expired")] * 9
    shown = said("hello", "--concurrency", "1")
    assert "1 × refused: key refused by" in shown
    assert "1 × unsent" in shown
    assert "run the same command again" in shown
    assert "raise --max-usd and run again" in said("hello", "--max-usd", "0")


def test_amounts_that_are_none(service: Service) -> None:
    for amount in ("nan", "-1", "inf"):
        done = CliRunner().invoke(app, ["hello", f"--max-usd={amount}"])
        assert "--max-usd is" in str(done.exception)
