"""Training of a cross-layer transcoder, on rows whose truth is planted."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("single_thread")
WORDS, SIZE, ROWS = 12, 32, 2_000


@pytest.fixture(scope="module")
def training(single_thread: None) -> Iterator[Any]:
    root = str(Path(__file__).parents[2])
    sys.path.insert(0, root)
    yield importlib.import_module("scripts.atlas_training.cross_layer")
    sys.path.remove(root)


@pytest.fixture(scope="module")
def planted(training: Any) -> Any:
    """Two layers; the second reads noise, and what it writes hangs on what the first one read."""
    from scripts.atlas_training.activations import LayerActivations

    draw = torch.Generator().manual_seed(0)
    words = torch.randn(WORDS, SIZE, generator=draw)
    tokens = torch.randint(WORDS, (ROWS,), generator=draw)
    outputs = torch.randn(2, WORDS, SIZE, generator=draw)
    noise = torch.randn(ROWS, SIZE, generator=draw)
    return [
        LayerActivations(words[tokens], outputs[0][tokens], tokens),
        LayerActivations(noise, outputs[1][tokens], tokens),
    ]


@pytest.fixture(scope="module")
def trained(training: Any, planted: Any) -> Any:
    options = options_of(steps=500)
    return training.train_cross_layer(planted, options, 0, lambda *_: None)


def options_of(steps: int) -> Any:
    from scripts.atlas_training.transcoder import TranscoderOptions

    return TranscoderOptions(width=24, active=2.0, steps=steps, batch=256, rate=5e-3, warmup=10)


def test_a_layer_writes_to_the_layers_above(training: Any, planted: Any, trained: Any) -> None:
    """The second layer cannot do it itself, so the first one's features must (float32)."""
    features = [layer.encode(rows.inputs) for layer, rows in zip(trained, planted, strict=True)]
    outputs = training.rebuild(trained, features)
    for rows, output in zip(planted, outputs, strict=True):
        variance = (rows.targets - rows.targets.mean(0)).pow(2).sum()
        assert float((rows.targets - output).pow(2).sum() / variance) < 0.1
    assert trained[0].decoder.shape == (24, 2, SIZE)
    assert trained[1].decoder.shape == (24, 1, SIZE)


def test_decoders_have_norm_one_over_all_layers(trained: Any) -> None:
    for layer in trained:
        norms = layer.decoder.flatten(1).norm(dim=1)
        assert torch.allclose(norms, torch.ones(24), atol=1e-5)


def test_files_hold_what_was_saved(trained: Any, planted: Any, tmp_path: Path) -> None:
    """Half precision: 11 bits, so weights of at most about 10 come back to 0.01."""
    from graphlabel.models import load_transcoders
    from scripts.atlas_training import cross_layer_files as files

    files.save_cross_layer(trained, tmp_path)
    again = files.load_cross_layer(tmp_path)
    for layer, found in zip(trained, again, strict=True):
        for name, value in vars(layer).items():
            assert torch.allclose(value, getattr(found, name), atol=0.01), name
    loaded = load_transcoders(str(tmp_path))
    assert loaded.is_cross_layer
    assert [list(layer.write_layers) for layer in loaded.layers] == [[0, 1], [1]]
    quality = files.measure_cross_layer(again, planted)
    assert all(layer["fraction_of_variance_unexplained"] < 0.1 for layer in quality)


def test_training_is_deterministic(training: Any, planted: Any) -> None:
    first, second = (
        training.train_cross_layer(planted, options_of(steps=20), 3, lambda *_: None)
        for _ in range(2)
    )
    for one, other in zip(first, second, strict=True):
        assert all(torch.equal(value, getattr(other, name)) for name, value in vars(one).items())
