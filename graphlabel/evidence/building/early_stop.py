"""Running only as much of a model as is wanted."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from torch import nn

from graphlabel.models import LanguageModel


class _EnoughError(Exception):
    pass


class _Stopped(nn.Module):
    """A model whose forward pass ends, without a result, where a module would begin."""

    def __init__(self, model: nn.Module, end: nn.Module) -> None:
        super().__init__()
        self._model = model
        end.register_forward_pre_hook(self._stop)

    def forward(self, *inputs: Any, **options: Any) -> None:
        self._listening = True
        try:
            self._model(*inputs, **options)
        except _EnoughError:
            pass
        finally:
            self._listening = False

    def get_submodule(self, target: str) -> nn.Module:
        return self._model.get_submodule(target)

    def _stop(self, *_: Any) -> None:
        if getattr(self, "_listening", False):
            raise _EnoughError


def stopping_after(model: LanguageModel, layer: int) -> LanguageModel:
    """The model without the blocks above a layer: its forward pass ends there, for listeners."""
    if layer + 1 >= model.n_layers:
        return model
    return replace(model, model=_Stopped(model.model, model.block(layer + 1)))
