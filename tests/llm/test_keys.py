"""Keys are nowhere: not in the journal, the logs, the output, the errors or the answers."""

from __future__ import annotations

import io
import logging
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

import pytest

from graphlabel.errors import LanguageModelError
from graphlabel.llm.backends.openai import OpenAIModel
from graphlabel.llm.terms import Terms
from tests.llm.conftest import Opener, queries, query
from tests.llm.server import BATCHES, CHAT, KEY, MESSAGES, Reply, Service, error, openai_error

OTHER_KEY = "sk-or-v1-another-secret"
OPENAI_KEY = "sk-proj-openai-secret"


@pytest.fixture
def log() -> Iterator[io.StringIO]:
    """Everything anyone logs, at the most talkative level."""
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    root = logging.getLogger()
    level = root.level
    root.addHandler(handler)
    root.setLevel(logging.DEBUG)
    for name in ("anthropic", "openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.DEBUG)
    yield stream
    root.removeHandler(handler)
    root.setLevel(level)
    for name in ("anthropic", "openai", "httpx2", "httpcore2"):
        logging.getLogger(name).setLevel(logging.NOTSET)


def files_below(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob("*") if path.is_file())


def test_keys_stay_in_the_environment(
    service: Service, opener: Opener, log: io.StringIO, tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setenv("GRAPHLABEL_LLM_KEY", OTHER_KEY)
    said: list[str] = []
    leaky, other = (
        f"the key {key} is bad: Authorization: Bearer {key}" for key in (KEY, OTHER_KEY)
    )
    service.replies = {
        MESSAGES: [error(500, "api_error", leaky), error(400, "invalid_request_error", leaky), error(401, "authentication_error", leaky)],
        CHAT: [openai_error(500, "server_error", other), openai_error(400, "invalid", other), openai_error(401, "invalid", other)],
        BATCHES: [error(500, "api_error", leaky), Reply(body=leaky.encode())],
    }  # fmt: skip
    service.says = lambda prompt: f"{prompt}: {leaky}"
    answers = []
    for settings in ({}, {"batch": True}):
        answers += opener(say=said.append, **settings).ask(queries(3))
    service.says = lambda prompt: f"{prompt}: {other}"
    for _ in range(2):
        answers += opener(f"openai:any@{service.url}/v1", say=said.append).ask(queries(3))
    # the server saw both keys, each where it belongs
    sent = {headers.get("authorization") for headers in service.headers}
    assert sent == {f"Bearer {KEY}", f"Bearer {OTHER_KEY}"}
    assert log.getvalue()
    captured = capfd.readouterr()
    shown = "".join([repr(answers), *said, log.getvalue(), captured.out, captured.err])
    everything = shown.encode() + files_below(tmp_path)
    assert b"question 1" in everything
    for key in (KEY, OTHER_KEY):
        assert key.encode() not in everything


def test_what_is_raised_does_not_lead_to_keys(service: Service, opener: Opener) -> None:
    """Not even a traceback with the locals of the gateway's own frames."""
    import asyncio

    from graphlabel.llm.calls import CallError
    from graphlabel.llm.opening import open_backend
    from graphlabel.llm.settings import GatewaySettings

    service.replies[MESSAGES] = [error(400, "invalid_request_error", f"no {KEY}")]
    backend = open_backend("anthropic:claude-haiku-5-5", GatewaySettings())

    async def ask() -> None:
        try:
            await backend.complete(query("hello").request)
        finally:
            await backend.close()

    with pytest.raises(CallError) as raised:
        asyncio.run(ask())
    assert KEY not in "".join(traceback.format_exception(raised.value))
    assert KEY not in repr(backend)
    assert KEY not in repr(backend.service)  # type: ignore[attr-defined]


def test_openai_s_key_goes_to_openai_alone(service: Service, opener: Opener, monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("OPENAI_API_KEY", OPENAI_KEY)
    opener(f"openai:any@{service.url}/v1").ask([query("hello")])
    assert {headers.get("authorization") for headers in service.headers} == {"Bearer none"}
    evil = OpenAIModel("any", Terms(), base_url="https://evilopenai.com/v1")
    assert OPENAI_KEY not in repr(vars(evil)["_service"].key)
    # the person's own environment pairs its address with its key
    monkeypatch.setenv("OPENAI_BASE_URL", f"{service.url}/v1")
    opener("openai:any").ask([query("hello again")])
    assert service.headers[-1]["authorization"] == f"Bearer {OPENAI_KEY}"


@pytest.mark.parametrize("name", ["anthropic:claude-haiku-5-5", "openai:gpt-6-luna"])
def test_without_a_key(name: str, monkeypatch: pytest.MonkeyPatch, opener: Opener) -> None:
    for variable in [variable for variable in os.environ if variable.startswith(("ANTHROPIC_", "OPENAI_"))]:  # fmt: skip
        monkeypatch.delenv(variable)
    with pytest.raises(LanguageModelError, match=r"needs an API key; set \w+_API_KEY"):
        opener(name)


def test_an_address_holds_no_password(opener: Opener) -> None:
    with pytest.raises(LanguageModelError, match="must not hold a password") as raised:
        opener("openai:any@https://me:hunter2@example.org/v1")
    assert "hunter2" not in str(raised.value)
