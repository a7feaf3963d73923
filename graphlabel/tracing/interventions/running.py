"""Running the model itself while features are changed."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from graphlabel.models import LanguageModel, Transcoders
from graphlabel.models.capture import mlp_inputs, read_from
from graphlabel.models.transcoders import WritePoint
from graphlabel.tracing.interventions.plan import LayerPlan


class Changing:
    """Hooks that encode what transcoders read and add what changed features write.

    circuit-tracer's semantics: a feature's new activation minus the one that it has in the run as
    changed so far, times its decoder rows, is added where the transcoder writes; the MLP goes on
    computing from what it then reads.
    """

    def __init__(
        self,
        model: LanguageModel,
        transcoders: Transcoders,
        plans: Mapping[int, LayerPlan],
        watched: Iterable[int] = (),
    ) -> None:
        """``plans`` by layer; ``watched``: layers whose activations are kept."""
        self._model, self._transcoders, self._plans = model, transcoders, plans
        self._watched = frozenset(watched)
        self._pending: dict[int, Tensor] = {}
        self.offset = 0
        """The number of the first position that the next forward pass sees."""
        self.activations: dict[int, Float[Tensor, "positions d_transcoder"]] = {}
        """Of watched layers, in the last forward pass, the changes included."""

    @contextmanager
    def listening(self) -> Iterator[None]:
        """While this lasts the model's forward passes are changed."""
        reads, handles = mlp_inputs(self._model), list[RemovableHandle]()
        writes = {layer for plan in self._plans.values() for layer in plan.write_layers}
        try:
            for layer in sorted(self._watched | self._plans.keys()):
                handles.append(reads[str(layer)][0].register_forward_pre_hook(self._reader(layer)))
            for layer in sorted(writes):
                handles.append(self._written_by(layer).register_forward_hook(self._writer(layer)))
            yield
        finally:
            for handle in handles:
                handle.remove()
            for transcoder in self._transcoders.layers:
                transcoder.release()
            self._pending.clear()

    def _written_by(self, layer: int) -> nn.Module:
        """The module whose output is the write point."""
        architecture = self._model.architecture
        name = architecture.mlp
        if self._transcoders.layers[layer].write_point is WritePoint.RESIDUAL:
            name = architecture.post_mlp_norm or name
        return self._model.block(layer).get_submodule(name)

    def _reader(self, layer: int) -> Any:
        transcoder, plan = self._transcoders.layers[layer], self._plans.get(layer)

        def read(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            stream = inputs[0][0]
            if not stream.dtype.itemsize >= 4:
                stream = stream.float()
            current = transcoder.encode(
                read_from(self._model, layer, transcoder.read_point, stream)
            )
            if plan is not None:
                changes = plan.changes(current, self.offset)
                for place, added in plan.written(changes).items():
                    before = self._pending.get(place)
                    self._pending[place] = added if before is None else before + added
                current = plan.changed(current, changes)
            if layer in self._watched:
                self.activations[layer] = current

        return read

    def _writer(self, layer: int) -> Any:
        def write(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return output + self._pending.pop(layer).to(output.dtype)

        return write


def pattern_modules(model: LanguageModel) -> dict[str, tuple[nn.Module, bool]]:
    """The modules whose outputs decide attention patterns, as ``capturing`` takes them."""
    return {
        f"{layer}.{name}": (model.block(layer).get_submodule(name), True)
        for layer in range(model.n_layers)
        for name in model.architecture.value.queries_and_keys
    }


@contextmanager
def patterns_held(model: LanguageModel, captured: Mapping[str, Tensor]) -> Iterator[None]:
    """While this lasts queries and keys, and so attention patterns, are the captured ones."""
    projection = model.architecture.value

    def holder(kept: Tensor) -> Any:
        def hold(_module: nn.Module, _inputs: Any, output: Tensor) -> Tensor:
            return projection.with_values(kept, output, model.n_heads, model.n_kv_heads)

        return hold

    modules = pattern_modules(model)
    handles = [
        modules[name][0].register_forward_hook(holder(kept)) for name, kept in captured.items()
    ]
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
