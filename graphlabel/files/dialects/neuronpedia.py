"""Neuronpedia's graph JSON, of per-layer and of cross-layer transcoders."""

from __future__ import annotations

from dataclasses import replace

from graphlabel.files.dialects.circuit_tracer import CircuitTracer
from graphlabel.files.dialects.dialect import Head
from graphlabel.files.fields import Fields
from graphlabel.graph import GraphSource


class Neuronpedia(CircuitTracer):
    """circuit-tracer's form with an ``info`` that says who made the graph, and when."""

    name = "neuronpedia"

    def matches(self, head: Head) -> bool:
        """The ``info`` names Neuronpedia or the time of making, which only it writes."""
        info = head.info
        return "create_time_ms" in info or any(
            "neuronpedia" in f"{name} {value}" for name, value in info.items()
        )

    def source(self, metadata: Fields) -> GraphSource:
        """The source set comes from ``feature_details`` or ``info``."""
        found = super().source(metadata)
        info = metadata.raw.get("info")
        named = info.get("neuronpedia_source_set") if isinstance(info, dict) else None
        if not found.transcoders and isinstance(named, str):
            return replace(found, transcoders=named)
        return found
