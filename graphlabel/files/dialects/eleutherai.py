"""Graphs of EleutherAI's ``attribute``."""

from __future__ import annotations

import re
from collections.abc import Sequence

from graphlabel.files.dialects.circuit_tracer import CircuitTracer
from graphlabel.files.dialects.dialect import Head
from graphlabel.files.fields import Fields
from graphlabel.files.stated_influence import as_cumulative


class EleutherAI(CircuitTracer):
    """Ids ``intermediate_{position}_{layer}_{index}``, ``input_…``, ``error_…``, ``output_…``.

    Logits have the layer "-1"; ``feature`` is a Cantor pairing although there is no schema version.
    """

    name = "eleutherai attribute"
    _feature_id = re.compile(r"^intermediate_\d+_\d+_(\d+)$", re.ASCII)
    _known = re.compile(r"^(?:intermediate_\d+_\d+_\d+|input_\d+)$", re.ASCII)

    def matches(self, head: Head) -> bool:
        """Some node has an id that only ``attribute`` writes (its errors' are graphlabel's too)."""
        return any(map(self._known.match, head.texts("node_id")))

    def n_layers(self, metadata: Fields) -> int | None:
        """The metadata's ``n_layers``."""
        stated = metadata.raw.get("n_layers")
        return stated if type(stated) is int and 0 < stated < 10_000 else None

    def influences(self, stated: Sequence[float | None]) -> Sequence[float | None]:
        """``attribute`` writes every node's own influence."""
        return as_cumulative(stated, raw_if_unclear=True)

    def decoded(self, node: Fields, number: int | None, schema: object) -> int:
        """The index of the Cantor pairing."""
        return super().decoded(node, number, 1)
