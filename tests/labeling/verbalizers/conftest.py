"""A tiny NLA of each kind of embedding, trained once."""

from __future__ import annotations

import pytest

from tests.labeling.verbalizers.nla import Pair, make_pair


@pytest.fixture(scope="session", params=["qwen2", "gemma3_text"])
def pair(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """An AV, an AR and a source model, of a family with plain and one with scaled embeddings."""
    return make_pair(tmp_path_factory.mktemp(request.param), request.param)


@pytest.fixture(scope="session")
def qwen(tmp_path_factory: pytest.TempPathFactory) -> Pair:
    """The same, of a family with plain embeddings, hardly trained."""
    return make_pair(tmp_path_factory.mktemp("untrained"), "qwen2", steps=1)
