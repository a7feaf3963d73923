"""What is sent and read, a service at a time; names; prices."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from graphlabel.errors import LanguageModelError
from graphlabel.llm import Completion, Query, Request, Role, StopReason, Turn
from graphlabel.llm.backends.backend import Backend
from graphlabel.llm.backends.openai import OpenAIModel
from graphlabel.llm.backends.wire import spoken
from graphlabel.llm.opening import open_backend
from graphlabel.llm.settings import GatewaySettings
from graphlabel.llm.terms import THINKING_TOKENS, PriceTable, Terms, Thinking, price_table
from tests.llm.conftest import Opener, query
from tests.llm.server import CHAT, Reply, Service

TALK = Query(
    Request(
        "You name features.",
        (Turn(Role.USER, "first"), Turn(Role.ASSISTANT, "yes"), Turn(Role.USER, "second")),
        max_tokens=300, temperature=0.7, stop=("END",),
    ),
    "label:baez",
)  # fmt: skip
TURNS = [
    {"role": "user", "content": "first"}, {"role": "assistant", "content": "yes"}, {"role": "user", "content": "second"},
]  # fmt: skip


def only(opener: Opener, name: str, asked: Query = TALK, **settings: object) -> Completion:
    (answer,) = opener(name, **settings).ask([asked])
    assert isinstance(answer, Completion), answer
    return answer


def test_claude_that_takes_a_temperature(service: Service, opener: Opener) -> None:
    answer = only(opener, "anthropic:claude-haiku-4-5-20251001")
    assert service.asked == [{
        "model": "claude-haiku-4-5-20251001", "max_tokens": 300, "system": "You name features.",
        "messages": TURNS, "stop_sequences": ["END"], "temperature": 0.7,
    }]  # fmt: skip
    assert (answer.text, answer.temperature) == ("answer to second", 0.7)
    assert (answer.input_tokens, answer.output_tokens) == (100, 20)
    assert answer.dollars == pytest.approx((100 * 1 + 20 * 5) / 1e6)
    assert answer.model == "claude-haiku-4-5-20251001"


@pytest.mark.parametrize(
    ("model", "settings"),
    [
        ("claude-haiku-5-5", {"thinking": {"type": "disabled"}}),
        ("claude-sonnet-5-5", {"thinking": {"type": "between_tools"}}),
        ("claude-opus-5-5", {"max_tokens": 300 + THINKING_TOKENS, "output_config": {"effort": "low"}}),
        ("claude-opus-4-8", {}),
        ("claude-that-is-new", {"max_tokens": 300 + THINKING_TOKENS}),
    ],
)  # fmt: skip
def test_claude_that_takes_none(service: Service, opener: Opener, model: str, settings: dict[str, object]) -> None:  # fmt: skip
    answer = only(opener, f"anthropic:{model}")
    plain = {"model": model, "max_tokens": 300, "system": "You name features.", "messages": TURNS, "stop_sequences": ["END"]}  # fmt: skip
    assert service.asked == [plain | settings]
    assert answer.temperature is None


def test_tokens_of_the_service_s_own_cache_count(service: Service, opener: Opener) -> None:
    usual = service.message
    service.message = lambda prompt, model: usual(prompt, model) | {"usage": {"input_tokens": 5, "output_tokens": 2, "cache_read_input_tokens": 7, "cache_creation_input_tokens": None}}  # type: ignore[method-assign]  # fmt: skip
    assert only(opener, "anthropic:claude-haiku-5-5").input_tokens == 12


def test_a_chat_completions_server(service: Service, opener: Opener) -> None:
    answer = only(opener, f"openai:qwen3:8b@{service.url}/v1")
    assert service.asked == [{
        "model": "qwen3:8b", "max_tokens": 300, "temperature": 0.7, "stop": ["END"],
        "messages": [{"role": "system", "content": "You name features."}, *TURNS],
    }]  # fmt: skip
    assert (answer.text, answer.model, answer.dollars) == ("answer to second", "qwen3:8b", 0.0)


@pytest.mark.parametrize(
    ("body", "text", "stop"),
    [
        (b'{"choices": [{"message": {"content": "cut"}, "finish_reason": "length"}]}', "cut", StopReason.LENGTH),
        (b'{"choices": [{"message": {"content": null, "refusal": "no"}, "finish_reason": "stop"}]}', "no", StopReason.REFUSAL),
        (b'{"choices": [{"message": {"content": ""}, "finish_reason": "content_filter"}]}', "", StopReason.REFUSAL),
        (b'{"choices": [{"message": {"content": "<think>\\nhm\\n</think>\\n\\ncities"}, "finish_reason": "stop"}]}', "cities", StopReason.END),
        (b'{"choices": [{"message": {}, "finish_reason": null}]}', "", StopReason.END),
    ],
)  # fmt: skip
def test_answers_of_all_kinds_of_servers(service: Service, opener: Opener, body: bytes, text: str, stop: StopReason) -> None:  # fmt: skip
    service.replies[CHAT] = [Reply(body=body)]
    answer = only(opener, f"openai:any@{service.url}/v1")
    assert (answer.text, answer.stop) == (text, stop)


def test_a_service_that_says_what_it_cost(service: Service, opener: Opener) -> None:
    service.replies[CHAT] = [Reply(body=b'{"choices": [{"message": {"content": "x"}}], "usage": {"prompt_tokens": 9, "completion_tokens": 1, "cost": 0.25}}')]  # fmt: skip
    assert only(opener, f"openai:any@{service.url}/v1").dollars == 0.25


def test_openai_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its own name for the limit, its price, and the key that is meant for it."""
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-proj-something")
    model = OpenAIModel("gpt-6-luna", price_table().terms("gpt-6-luna"))
    given = model._parameters(TALK.request)
    assert given["max_completion_tokens"] == 300 + THINKING_TOKENS
    assert given["reasoning_effort"] == "low"
    assert not {"max_tokens", "temperature"} & given.keys()
    assert (model.goes_to, model.terms.input) == ("api.openai.com", 0.1)
    assert isinstance(model, Backend)


def test_thoughts_are_not_spoken() -> None:
    assert spoken("<think>a</think> b") == "b"
    assert spoken("<thinking>\na\n</thinking>\nb") == "b"
    assert spoken("<think>never ended") == ""
    assert spoken("b <think>a</think>") == "b <think>a</think>"


@pytest.mark.parametrize("name", ["", "claude", "gpt-6", "anthropic:", "openai:@http://x", "local:", "ollama:x", "\x1b[31m"])  # fmt: skip
def test_names_that_are_none(name: str) -> None:
    with pytest.raises(LanguageModelError, match="local:FOLDER") as raised:
        open_backend(name, GatewaySettings())
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize("name", ["openai:m@http://", "openai:m@http://[bad", "openai:m@http://h:99999/v1", "local:/x@http://h/v1", "local:/no/such/folder"])  # fmt: skip
def test_addresses_and_folders_that_are_none(name: str) -> None:
    with pytest.raises(LanguageModelError):
        open_backend(name, GatewaySettings())


def test_the_notice_comes_once(service: Service, opener: Opener) -> None:
    said: list[str] = []
    for text in ("a", "b"):
        only(opener, "anthropic:claude-haiku-5-5", query(text), say=said.append)
    assert len(said) == 1
    assert "127.0.0.1" in said[0]
    only(opener, f"openai:any@{service.url}/v1", say=said.append)  # stays on this machine
    opener(dry_run=True, say=said.append).ask([query("c")])
    assert len(said) == 1


def test_prices_are_dated_and_the_longest_name_wins() -> None:
    table = price_table()
    assert table.dated >= date(2026, 11, 1)
    assert table.terms("claude-opus-5-5-20260922").output == 20.0
    assert table.terms("claude-opus-5-20260701").output == 25.0
    assert table.terms("gpt-5.4-mini").input == 0.75
    assert not table.terms("gpt-5.9").priced
    assert table.terms("gpt-5.9").thinking is Thinking.ALWAYS
    assert table.terms("mistral-large") == Terms()
    assert all(terms.batch in (0.5, 1.0) for terms in table.models.values())


def test_one_s_own_prices(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    own = tmp_path / "own.toml"
    own.write_text('dated = 2030-01-01\n[models."meta-llama/"]\ninput = 0.5\noutput = 1.0\n')
    for table in (price_table(own), _from(monkeypatch, own)):
        assert table.terms("meta-llama/llama-5").input == 0.5
        assert table.terms("claude-haiku-5-5").input == 0.1
        assert table.dated == date(2030, 1, 1)
    default = Path(tmp_path / "xdg_config_home" / "graphlabel" / "prices.toml")
    monkeypatch.delenv("GRAPHLABEL_PRICES")
    default.parent.mkdir(parents=True)
    default.write_text("[models.claude-haiku-5-5]\ninput = 9.0\noutput = 9.0\n")
    assert price_table().terms("claude-haiku-5-5").input == 9.0


@pytest.mark.parametrize("text", ["models = 3", "[models.x]\ninput = 'free'", "[models.x]\nprice = 1.0", "]", "[models.x]\nthinking = 'hard'"])  # fmt: skip
def test_price_tables_that_are_none(text: str, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text(text)
    with pytest.raises(LanguageModelError, match="cannot be read"):
        price_table(own)
    with pytest.raises(LanguageModelError, match="cannot be read"):
        price_table(tmp_path / "none.toml")


def _from(monkeypatch: pytest.MonkeyPatch, path: Path) -> PriceTable:
    monkeypatch.setenv("GRAPHLABEL_PRICES", str(path))
    return price_table()
