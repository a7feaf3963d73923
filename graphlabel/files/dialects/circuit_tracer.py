"""circuit-tracer's graph JSON, with schema version 1 and from before there was one."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.files.dialects.dialect import Dialect, Head
from graphlabel.files.fields import Fields
from graphlabel.files.node_ids import cantor_inverse
from graphlabel.files.stated_influence import as_cumulative
from graphlabel.graph import GraphSource

_DECIMAL_PLACES = 5  # gemma-2-2b before schema 1: layer and index as LLiiiii


class CircuitTracer(Dialect):
    """Ids ``{layer}_{index}_{position}``; the number ``feature`` is a Cantor pairing (schema 1).

    Before schema 1 it was decimal ``LLiiiii`` for gemma-2-2b and the bare index for others.
    """

    name = "circuit-tracer"

    def matches(self, head: Head) -> bool:
        """Every file that no other dialect claims."""
        return True

    def source(self, metadata: Fields) -> GraphSource:
        """``scan`` is the transcoders' repository on the hub, or a model of Neuronpedia's."""
        found = super().source(metadata)
        if found.transcoders or "/" not in found.model:
            return found
        return GraphSource(transcoders=found.model)

    def influences(self, stated: Sequence[float | None]) -> Sequence[float | None]:
        """Files of this form have other makers too, and some write raw influences."""
        return as_cumulative(stated)

    def decoded(self, node: Fields, number: int | None, schema: object) -> int:
        """The index the ``feature`` number stands for."""
        layer = node.integer("layer")
        if number is None or number < 0:
            return super().decoded(node, number, schema)
        if schema is not None:
            its_layer, index = cantor_inverse(number)
            return index if its_layer == layer else number
        its_layer, index = divmod(number, 10**_DECIMAL_PLACES)
        return index if its_layer == layer and layer > 0 else number
