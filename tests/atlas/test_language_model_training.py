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
CITIES = {"<unk>": 0, "<bos>": 1, "<eos>": 2, "<pad>": 3, " Dallas": 4, " Houston": 5, " Reno": 6}


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


def trained(
    training: Any, vocab: dict[str, int] = VOCAB, **settings: Any
) -> tuple[Any, list[float]]:
    options = training.ModelOptions(
        layers=2, width=16, heads=2, key_value_heads=1, mlp_width=24, steps=60, batch=6,
        rate=1e-2, warmup=5, frozen_embedding=True, **settings,
    )  # fmt: skip
    model = training.build_model(options, vocab, 0)
    return model, training.train_model(
        model, Rows(), options, training.states_of_tokens(vocab), lambda *_: None
    )


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


def test_cities_of_a_state_are_one_group_and_nothing_else_is_in_one(training: Any) -> None:
    assert training.states_of_tokens(VOCAB).tolist() == [-1] * len(VOCAB)
    dallas, houston, reno = training.states_of_tokens(CITIES)[4:].tolist()
    assert dallas == houston != reno
    assert min(dallas, reno) >= 0


def test_the_share_within_groups(training: Any) -> None:
    values = torch.tensor([[1.0, 0.0], [3.0, 0.0], [-2.0, 1.0], [-2.0, -1.0], [99.0, 99.0]])
    groups = torch.tensor([0, 0, 7, 7, -1])
    # within: 1 + 1 + 1 + 1; around the mean (0, 0): 1 + 9 + 5 + 5; float32
    assert float(training.within_share(values, groups)) == pytest.approx(4 / 20, abs=1e-6)
    assert float(training.within_share(values, torch.full((5,), -1))) == 0


@torch.no_grad()
def share_at_cities(training: Any, model: Any) -> float:
    rows = Rows().batch(6)
    with training._mlp_outputs(model, 0.0) as outputs:
        model(rows)
    states = training.states_of_tokens(CITIES)[rows.flatten()]
    return float(training.within_share(outputs[0].flatten(0, 1), states))


def test_the_penalty_makes_cities_of_a_state_alike(training: Any) -> None:
    free, _ = trained(training, CITIES)
    alike, losses = trained(training, CITIES, alike_penalty=1.0)
    assert share_at_cities(training, alike) < 0.5 * share_at_cities(training, free)
    assert losses[-1] < 1.5
