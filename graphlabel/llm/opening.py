"""From a name such as ``anthropic:claude-haiku-5-5`` to a gateway."""

from __future__ import annotations

import os
import re
from urllib.parse import urlsplit

from graphlabel.errors import LanguageModelError
from graphlabel.llm.backends.backend import Backend
from graphlabel.llm.metered import MeteredGateway, Say
from graphlabel.llm.settings import GatewaySettings
from graphlabel.llm.terms import price_table

FORMS = (
    "anthropic:claude-haiku-5-5, openai:MODEL, openai:MODEL@http://localhost:8000/v1 "
    "(vLLM, Ollama, llama.cpp, …), local:FOLDER, local:FILE.gguf or local:HUB/ID"
)

_NAME = re.compile(
    r"(?P<kind>anthropic|openai|local):(?P<model>[^@\s].*?)(?:@(?P<url>https?://.+))?"
)


def open_gateway(
    name: str, settings: GatewaySettings | None = None, say: Say | None = None
) -> MeteredGateway:
    """A gateway to the model of a name; ``say`` is told what a person should know.

    Raises LanguageModelError for a name that is none, without a key, and when there is a budget
    but no price.
    """
    settings = settings or GatewaySettings()
    backend = open_backend(name, settings, say)
    if settings.max_usd is not None and not backend.terms.priced:
        raise LanguageModelError(
            f"the price of {backend.name} is unknown, so --max-usd cannot be kept; add its price "
            "to a table and name it with --prices, or drop --max-usd"
        )
    return MeteredGateway(backend, settings, say)


def open_backend(name: str, settings: GatewaySettings, say: Say | None = None) -> Backend:
    """The model of a name; raises LanguageModelError. In a dry run it needs no key."""
    match = _NAME.fullmatch(name.strip())
    if match is None:
        raise LanguageModelError(f"“{name[:80]}” names no language model; write {FORMS}")
    kind, model, url = match["kind"], match["model"], match["url"]
    for address in (url, os.environ.get(f"{kind.upper()}_BASE_URL")):
        if address:
            _check_url(address)
    if kind == "local":
        from graphlabel.llm.backends.local import LocalModel

        if url is not None:
            raise LanguageModelError(f"a local model has no address; write openai:{model}@{url}")
        return LocalModel(model, say)
    terms = price_table(settings.prices).terms(model)
    if kind == "anthropic":
        from graphlabel.llm.backends.anthropic import AnthropicModel

        return AnthropicModel(
            model, terms, base_url=url, timeout=settings.timeout, silent=settings.dry_run
        )
    from graphlabel.llm.backends.openai import OpenAIModel

    return OpenAIModel(
        model, terms, base_url=url, timeout=settings.timeout, silent=settings.dry_run
    )


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        fine = bool(parts.hostname) and parts.port != 0
    except ValueError:
        fine = False
    if not fine:
        raise LanguageModelError(f"“{url[:80]}” is no web address; write http://HOST:PORT/v1")
    if parts.username or parts.password:
        raise LanguageModelError(
            "an address must not hold a password, since addresses are kept and shown; put the key "
            "into the environment (docs/how-to-llm.md says where)"
        )
