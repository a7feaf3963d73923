"""The linear part of MLPs: the map that data were made with comes back, and trained sets begin there."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import save_model

from graphlabel.models import load_language_model
from graphlabel.training.linear import LinearFit, linear_fits


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 2**31), st.integers(1, 6), st.integers(1, 6), st.integers(1, 5))
def test_a_linear_map_is_found(seed: int, d_in: int, d_out: int, n_parts: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    weight, bias = torch.randn(d_out, d_in, generator=generator), torch.randn(d_out)
    fit = LinearFit()
    for _ in range(n_parts):
        x = torch.randn(60_000 // n_parts, d_in, generator=generator) + 1.0
        fit.add(x, x @ weight.T + bias)
    found, offset = fit.solved()
    # the penalty of 300 tokens shrinks the map by about 300 / 60,000
    torch.testing.assert_close(found, weight, atol=0.05, rtol=0.01)
    mean = fit.mean_input
    torch.testing.assert_close(
        found @ mean + offset, weight @ mean + bias, atol=1e-3, rtol=1e-3
    )  # float32: means are exact


def test_noise_does_not_take_over() -> None:
    """With fewer tokens than dimensions the map stays bounded."""
    x, y = torch.from_numpy(np.random.default_rng(0).normal(size=(2, 20, 50))).float()
    fit = LinearFit()
    fit.add(x, y)
    weight, _ = fit.solved()
    assert weight.isfinite().all()
    assert weight.norm() < y.norm()


def test_special_tokens_and_massive_activations_do_not_count(tmp_path: Path) -> None:
    model = load_language_model(str(save_model(tmp_path / "tiny", "llama")))
    mlp = model.block(0).get_submodule(model.architecture.mlp)
    rows = np.random.default_rng(0).integers(3, 50, (20, 12))
    rows[:, 0] = 1

    def fitted() -> LinearFit:
        return linear_fits(model, {"first": mlp}, rows, excluded=[1])["first"]

    plain = fitted()
    assert plain.tokens == 20 * 11

    def massive(_module: object, _inputs: object, output: torch.Tensor) -> torch.Tensor:
        output = output.clone()
        output[0, 5] += 1000 * output.norm(dim=-1).median()
        return output

    handle = mlp.register_forward_hook(massive)
    try:
        spoiled = fitted()
    finally:
        handle.remove()
    n_passes = 2  # of 16 rows and of 4, each with such a token in its first row
    assert spoiled.tokens == plain.tokens - n_passes
    # a map that had to follow these tokens would be hundreds of times as large
    assert spoiled.solved()[0].norm() < 2 * plain.solved()[0].norm()
