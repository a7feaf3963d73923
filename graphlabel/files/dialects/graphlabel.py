"""graphlabel's own graphs."""

from __future__ import annotations

from collections.abc import Sequence

from graphlabel.files.dialects.circuit_tracer import CircuitTracer
from graphlabel.files.dialects.dialect import Head


class GraphLabel(CircuitTracer):
    """circuit-tracer's form with unique ids and the added field ``graphlabel``."""

    name = "graphlabel"

    def influences(self, stated: Sequence[float | None]) -> Sequence[float | None]:
        """Always cumulative."""
        return stated

    def matches(self, head: Head) -> bool:
        """The file names graphlabel as its maker."""
        return head.generator == "graphlabel"
