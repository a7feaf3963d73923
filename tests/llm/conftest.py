"""A local server that behaves as the services document their APIs, and ways to ask it."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from graphlabel.llm import GatewaySettings, Query, Request, Role, Turn
from graphlabel.llm.metered import MeteredGateway
from graphlabel.llm.opening import open_gateway
from tests.llm.server import KEY, Service, serving

Opener = Callable[..., MeteredGateway]

CLAUDE = "anthropic:claude-haiku-5-5"


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The server, named and trusted by the environment."""
    for variable in ("OPENAI_API_KEY", "OPENAI_BASE_URL", "GRAPHLABEL_LLM_KEY", "GRAPHLABEL_PRICES"):  # fmt: skip
        monkeypatch.delenv(variable, raising=False)
    with serving() as running:
        monkeypatch.setenv("ANTHROPIC_BASE_URL", running.url)
        monkeypatch.setenv("ANTHROPIC_API_KEY", KEY)
        yield running


@pytest.fixture
def opener(service: Service) -> Iterator[Opener]:
    """Opens gateways that pause only a little, and closes them."""
    opened: list[MeteredGateway] = []

    def open_(name: str = CLAUDE, say: Callable[[str], None] | None = None, **settings: object) -> MeteredGateway:  # fmt: skip
        quick = {"first_pause": 0.01, "longest_pause": 0.05, "poll": 0.01, "timeout": 5.0, **settings}  # fmt: skip
        opened.append(open_gateway(name, GatewaySettings(**quick), say))  # type: ignore[arg-type]
        return opened[-1]

    yield open_
    for gateway in opened:
        gateway.close()


def query(text: str, purpose: str = "label:np_max-act", tier: int = 2, **settings: object) -> Query:
    """A question of one turn."""
    request = Request("You name features.", (Turn(Role.USER, text),), **settings)  # type: ignore[arg-type]
    return Query(request, purpose, tier)


def queries(count: int) -> list[Query]:
    """Different questions."""
    return [query(f"question {number}") for number in range(count)]
