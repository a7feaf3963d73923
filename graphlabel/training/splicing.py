"""Transcoders at work within a model's forward pass, beside its MLPs or in their place."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from functools import cache
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from graphlabel.models import LanguageModel, Transcoders
from graphlabel.models.capture import read_from
from graphlabel.models.transcoders import WritePoint

Stream = Float[Tensor, "batch positions d"]
Activations = Float[Tensor, "batch positions d_transcoder"]
OnOutput = Callable[[int, Stream, Stream, Activations], Stream | None]
"""Given a layer, what its MLP writes, what the transcoders write there and the activations of its
own, what to go on with; None: what the MLP writes."""


class Splicer:
    """A model with a set of transcoders; raises TranscoderError where these are broken."""

    def __init__(self, model: LanguageModel, transcoders: Transcoders) -> None:
        """Every layer of the model needs one of the set's (``graphlabel.models.fitted``)."""
        self.model, self.transcoders = model, transcoders
        self.layers = tuple(each.layer for each in transcoders.layers if each.n_features)
        self._fired: dict[int, Activations] = {}
        self._decoder = cache(self._read_decoder)

    @contextmanager
    def listening(self, layers: Collection[int], on_output: OnOutput) -> Iterator[None]:
        """Have forward passes tell, or change, what is written at some layers."""
        handles = []
        for layer in range(max(layers) + 1):
            if any(layer_read in layers for layer_read in self._writes(layer)):
                handles.append(self._reader(layer).register_forward_pre_hook(self._read(layer)))
            if layer in layers:
                hook = self._write(layer, on_output)
                handles.append(self._writer(layer).register_forward_hook(hook))
        try:
            yield
        finally:
            self._fired.clear()
            for handle in handles:
                handle.remove()

    def _writes(self, layer: int) -> range:
        return self.transcoders.layers[layer].write_layers

    def _reader(self, layer: int) -> nn.Module:
        """The module whose input is the residual stream that a layer's transcoder reads."""
        architecture = self.model.architecture
        return self.model.block(layer).get_submodule(architecture.mlp_norm or architecture.mlp)

    def _writer(self, layer: int) -> nn.Module:
        """The module whose output a layer's transcoders stand in for."""
        architecture, mine = self.model.architecture, self.transcoders.layers[layer]
        after_norm = mine.write_point is WritePoint.RESIDUAL
        name = (architecture.post_mlp_norm if after_norm else None) or architecture.mlp
        return self.model.block(layer).get_submodule(name)

    def _read(self, layer: int) -> Callable[[nn.Module, Any], None]:
        transcoder = self.transcoders.layers[layer]

        def read(_module: nn.Module, inputs: Any) -> None:
            x = read_from(self.model, layer, transcoder.read_point, inputs[0].float())
            self._fired[layer] = transcoder.encode(x)
            if (skip := transcoder.skip()) is not None:
                self._skipped = x @ skip.to(x).T

        return read

    def _write(self, layer: int, on_output: OnOutput) -> Callable[[nn.Module, Any, Any], Any]:
        def write(_module: nn.Module, _inputs: Any, output: Any) -> Any:
            rebuilt = self._rebuilt(layer)
            changed = on_output(layer, output, rebuilt, self._fired[layer])
            if not self.transcoders.is_cross_layer:
                del self._fired[layer]
            return None if changed is None else changed.to(output.dtype)

        return write

    def _rebuilt(self, layer: int) -> Stream:
        mine = self.transcoders.layers[layer]
        total = mine.decoder_bias().to(self._fired[layer])
        for source, fired in self._fired.items():
            if layer in self._writes(source):
                total = total + fired @ self._decoder(source, layer)
        return total if mine.skip() is None else total + self._skipped

    def _read_decoder(self, source: int, layer: int) -> Float[Tensor, "d_transcoder d"]:
        transcoder = self.transcoders.layers[source]
        rows = transcoder.decoder_rows(torch.arange(transcoder.n_features), layer)
        return rows.to(device=self.model.device, dtype=torch.float32)
