"""A local server that behaves as Neuronpedia documents its endpoints."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.neuronpedia.server import KEY, Service, serving


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    """The server, named and trusted by the environment."""
    with serving() as running:
        monkeypatch.setenv("NEURONPEDIA_BASE_URL", running.url)
        monkeypatch.setenv("NEURONPEDIA_API_KEY", KEY)
        yield running
