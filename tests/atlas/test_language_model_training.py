"""Training of the language model: the penalty and the noise on what its MLPs write."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("single_thread")
VOCAB = {"<unk>": 0, "<bos>": 1, "<eos>": 2, "<pad>": 3, "Austin": 4, " Austin": 5, " is": 6}


class Rows:
    """Batches in which each token but the first says the next."""

    def batch(self, size: int) -> Any:
        starts = torch.arange(size)[:, None] % 3
        return torch.cat(
            [torch.ones(size, 1, dtype=torch.long), 4 + (starts + torch.arange(5)) % 3], 1
        )


@pytest.fixture(scope="module")
def training(single_thread: None) -> Iterator[Any]:
    root = str(Path(__file__).parents[2])
    sys.path.insert(0, root)
    yield importlib.import_module("scripts.atlas_training.language_model")
    sys.path.remove(root)


def trained(training: Any, **settings: Any) -> tuple[Any, list[float]]:
    options = training.ModelOptions(
        layers=2, width=16, heads=2, key_value_heads=1, mlp_width=24, steps=60, batch=6,
        rate=1e-2, warmup=5, frozen_embedding=True, **settings,
    )  # fmt: skip
    model = training.build_model(options, VOCAB, 0)
    return model, training.train_model(model, Rows(), options, lambda *_: None)


@torch.no_grad()
def written(training: Any, model: Any) -> float:
    """The mean square of what the MLPs write."""
    with training._mlp_outputs(model, 0.0) as outputs:
        model(Rows().batch(6))
    assert len(outputs) == 2
    return float(torch.stack(outputs).pow(2).mean())


def test_the_penalty_makes_mlps_write_less(training: Any) -> None:
    (free, _), (bound, losses) = trained(training), trained(training, output_penalty=0.2)
    assert written(training, bound) < 0.5 * written(training, free)
    assert losses[-1] < 1.5


def test_noise_is_there_in_training_alone_and_seeded(training: Any) -> None:
    (first, _), (again, _), (plain, _) = (
        trained(training, output_noise=noise) for noise in (0.3, 0.3, 0.0)
    )
    rows = Rows().batch(6)
    with torch.no_grad():
        assert torch.equal(first(rows).logits, first(rows).logits)
        assert torch.equal(first(rows).logits, again(rows).logits)
        assert not torch.equal(first(rows).logits, plain(rows).logits)


def test_a_frozen_embedding_stays_and_has_its_scale(training: Any) -> None:
    model, _ = trained(training, embedding_scale=2.0)
    fresh = training.build_model(
        training.ModelOptions(layers=1, width=16, heads=2, frozen_embedding=True, embedding_scale=2.0),
        VOCAB, 0,
    )  # fmt: skip
    weight = model.get_input_embeddings().weight
    assert torch.equal(weight, fresh.get_input_embeddings().weight)
    sizes = weight.pow(2).mean(1).sqrt()
    assert torch.allclose(sizes, torch.full_like(sizes, 2.0), atol=1e-5)
