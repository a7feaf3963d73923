"""The linear part of MLPs: the map that data were made with comes back, and trained sets begin there."""

from __future__ import annotations

import numpy as np
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from graphlabel.training.linear import LinearFit


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
