"""Neuronpedia's graph JSON, of per-layer and of cross-layer transcoders."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from graphlabel.files.dialects.circuit_tracer import CircuitTracer
from graphlabel.files.dialects.dialect import Head
from graphlabel.files.fields import Fields
from graphlabel.graph import GraphSource

_SET_PAGE = re.compile(r"^https://(?:www\.)?neuronpedia\.org/([^/?#]+)/([^/?#]+)/?$")


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
        """The source set comes from ``feature_details`` or ``info``, which may link to it only."""
        found = super().source(metadata)
        info = metadata.raw.get("info")
        if found.transcoders or not isinstance(info, dict):
            return found
        return replace(found, transcoders=_source_set(info, found.model))


def _source_set(info: Mapping[str, Any], model: str) -> str:
    """Neuronpedia's name of the set, or else the transcoders' repository."""
    named, urls = info.get("neuronpedia_source_set"), info.get("source_urls")
    if isinstance(named, str) and named:
        return named
    for url in urls if isinstance(urls, list) else ():
        match = _SET_PAGE.match(url) if isinstance(url, str) else None
        if match and match[1] == model:
            return match[2]
    repository = info.get("transcoder_set")
    return repository if isinstance(repository, str) else ""
