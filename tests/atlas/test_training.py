"""Training of transcoders, on rows whose truth is planted."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("single_thread")
GROUPS, WORDS, SIZE = 8, 5, 48


@pytest.fixture(scope="module")
def training(single_thread: None) -> Iterator[Any]:
    root = str(Path(__file__).parents[2])
    sys.path.insert(0, root)
    yield importlib.import_module("scripts.atlas_training.transcoder")
    sys.path.remove(root)


@pytest.fixture(scope="module")
def planted(training: Any) -> Any:
    """Words with random inputs; those of one group have one output, and one word is frequent."""
    from scripts.atlas_training.activations import LayerActivations

    draw = torch.Generator().manual_seed(0)
    words = torch.randn(GROUPS * WORDS, SIZE, generator=draw)
    outputs = torch.randn(GROUPS, SIZE, generator=draw)
    often = torch.ones(GROUPS * WORDS)
    often[0] = 200
    tokens = torch.multinomial(often, 4_000, replacement=True, generator=draw)
    noise = 0.05 * torch.randn(4_000, SIZE, generator=draw)
    return LayerActivations(words[tokens] + noise, outputs[tokens // WORDS], tokens)


def median_f1(training: Any, planted: Any, clusters: float) -> float:
    """How well the best feature of each group tells it from the others, the median group."""
    options = training.TranscoderOptions(
        width=16, active=1.0, steps=300, batch=256, warmup=10, balance=1.0, clusters=clusters
    )
    trained = training.train_transcoder(planted, options, 0, lambda *_: None)
    fires = (trained.encode(planted.inputs) > 0).double()
    holds = torch.nn.functional.one_hot(planted.tokens // WORDS, GROUPS).double()
    both = fires.T @ holds
    f1 = 2 * both / (fires.sum(0)[:, None] + holds.sum(0)[None])
    return float(f1.max(0).values.median())


def test_what_tokens_do_alike_becomes_one_feature(training: Any, planted: Any) -> None:
    clustered = median_f1(training, planted, clusters=0.75)
    assert clustered > 0.8
    assert clustered > median_f1(training, planted, clusters=0.0) + 0.2


def test_rare_tokens_are_drawn_as_often_as_frequent_ones(training: Any, planted: Any) -> None:
    even = training._weights(planted.tokens, 1.0)
    of_token = torch.zeros(GROUPS * WORDS, dtype=torch.float64).index_add(0, planted.tokens, even)
    assert torch.allclose(of_token, torch.ones(GROUPS * WORDS, dtype=torch.float64))
    assert bool((training._weights(planted.tokens, 0.0) == 1).all())


def test_training_is_deterministic(training: Any, planted: Any) -> None:
    options = training.TranscoderOptions(width=12, active=1.0, steps=20, batch=64, clusters=0.5)
    first, second = (
        training.train_transcoder(planted, options, 3, lambda *_: None) for _ in range(2)
    )
    assert torch.equal(first.encoder, second.encoder)
    assert torch.equal(first.threshold, second.threshold)


def test_rows_of_each_token_are_as_many(training: Any, planted: Any) -> None:
    rows = training._rows_of_each_token(planted.tokens, torch.Generator().manual_seed(0))
    assert len(rows.unique()) == len(rows)
    wanted = torch.bincount(planted.tokens).clamp_max(training.CLUSTER_ROWS)
    assert torch.equal(torch.bincount(planted.tokens[rows]), wanted)


def test_a_cluster_starts_as_a_feature_that_is_silent_elsewhere(
    training: Any, planted: Any
) -> None:
    rows = training._rows_of_each_token(planted.tokens, torch.Generator().manual_seed(0))
    inputs, targets = planted.inputs[rows], planted.targets[rows]
    encoder, bias, decoder, members = training._clusters(inputs, targets, GROUPS)
    group = planted.tokens[rows] // WORDS
    assert len(torch.stack([members, group], 1).unique(dim=0)) == GROUPS
    before = inputs @ encoder.T + bias
    own = torch.nn.functional.one_hot(members, GROUPS).bool()
    assert float((before[own] > 0).float().mean()) > 0.95
    assert float((before[~own] < 0).float().mean()) > 0.95
    written = before.relu() @ decoder
    # float32: what a cluster writes has on average the size of the outputs in it
    assert float(written.norm(dim=1).mean() / targets.norm(dim=1).mean()) == pytest.approx(
        1, abs=0.1
    )
