"""The linear part of MLPs in closed form: where a skip connection begins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from graphlabel.models import LanguageModel

_ROWS_OF_A_PASS = 16
_PENALTY = 300.0
"""Of the ridge: as much as so many tokens, in units of the inputs' mean variance."""
_MASSIVE = 20.0
"""Tokens at which an MLP writes so many times the median norm are left out: a handful of massive
activations (Sun et al. 2024) would decide a map that is then wrong for all others."""


@dataclass
class LinearFit:
    """Sums over tokens, in float64, from which the least-squares map comes."""

    tokens: int = 0
    inputs: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    outputs: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    squares: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))
    products: Tensor = field(default_factory=lambda: torch.zeros((), dtype=torch.float64))

    def add(self, x: Float[Tensor, "n d_in"], y: Float[Tensor, "n d_out"]) -> None:
        """Take in what an MLP read and wrote; the products are taken in float32."""
        x, y = x.float(), y.float()
        self.tokens += len(x)
        self.inputs = self.inputs.to(x.device) + x.sum(0)
        self.outputs = self.outputs.to(x.device) + y.sum(0)
        self.squares = self.squares.to(x.device) + x.T @ x
        self.products = self.products.to(x.device) + x.T @ y

    @property
    def mean_input(self) -> Float[Tensor, " d_in"]:
        """The mean of what was read, float32."""
        return (self.inputs / self.tokens).float()

    def solved(self) -> tuple[Float[Tensor, "d_out d_in"], Float[Tensor, " d_out"]]:
        """The map W and bias b of the ridge regression y ≈ W x + b, float32."""
        x, y = self.inputs / self.tokens, self.outputs / self.tokens
        covariance = self.squares / self.tokens - x[:, None] * x
        crossed = self.products / self.tokens - x[:, None] * y
        penalty = covariance.diagonal().mean() * _PENALTY / self.tokens
        ridge = penalty * torch.eye(len(x), dtype=x.dtype, device=x.device)
        weight = torch.linalg.solve(covariance + ridge, crossed).T
        return weight.float().contiguous(), (y - weight @ x).float()


@torch.no_grad()
def linear_fits(
    model: LanguageModel,
    mlps: Mapping[str, nn.Module],
    rows: Int[np.ndarray, "rows positions"],
    excluded: Collection[int],
    report: Callable[[int], None] = lambda _: None,
) -> dict[str, LinearFit]:
    """What each of some MLPs is on rows of tokens, as far as it is linear.

    Tokens whose id is ``excluded`` are not counted; ``report`` is told the tokens so far.
    """
    fits = {name: LinearFit() for name in mlps}
    base: Any = model.model.base_model
    counted = torch.from_numpy(~np.isin(rows, list(excluded)))
    mask = counted[:0]

    def listener(fit: LinearFit) -> Callable[[nn.Module, Any, Any], None]:
        def listen(_module: nn.Module, inputs: Any, output: Any) -> None:
            here = mask.to(output.device)
            x, y = inputs[0][here], output[here]
            norms = y.float().norm(dim=-1)
            ordinary = norms <= _MASSIVE * norms.median()
            fit.add(x[ordinary], y[ordinary])

        return listen

    handles = [mlp.register_forward_hook(listener(fits[name])) for name, mlp in mlps.items()]
    try:
        for start in range(0, len(rows), _ROWS_OF_A_PASS):
            mask = counted[start : start + _ROWS_OF_A_PASS]
            ids = rows[start : start + _ROWS_OF_A_PASS].astype(np.int64)
            base(input_ids=torch.from_numpy(ids).to(model.device), use_cache=False)
            report(start * rows.shape[1] + ids.size)
    finally:
        for handle in handles:
            handle.remove()
    return fits
