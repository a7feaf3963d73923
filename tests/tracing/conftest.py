"""Small models and transcoders, each saved and loaded once."""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))
from small_models import save_model, save_transcoders

from graphlabel.models import (
    LanguageModel,
    Transcoders,
    fitted,
    load_language_model,
    load_transcoders,
)

Loader = Callable[..., tuple[LanguageModel, Transcoders]]


@pytest.fixture(scope="session")
def load(tmp_path_factory: pytest.TempPathFactory) -> Loader:
    """A function of a family, a kind, read and write points and a dtype of weights."""
    folder = tmp_path_factory.mktemp("small")

    @cache
    def saved(family: str) -> str:
        return str(save_model(folder / family, family))

    @cache
    def model(family: str, dtype: torch.dtype) -> LanguageModel:
        return load_language_model(saved(family), dtype=dtype)

    @cache
    def transcoders(kind: str, read: str, write: str) -> Transcoders:
        place = folder / f"{kind} {read} {write}"
        return load_transcoders(str(save_transcoders(place, kind, read=read, write=write)))

    def both(
        family: str,
        kind: str,
        read: str = "mlp.hook_in",
        write: str = "mlp.hook_out",
        dtype: torch.dtype = torch.float64,
    ) -> tuple[LanguageModel, Transcoders]:
        loaded = model(family, dtype)
        return loaded, fitted(loaded, transcoders(kind, read, write))

    return both
