"""Telling the dialects apart."""

from __future__ import annotations

from graphlabel.files.dialects.anthropic import Anthropic
from graphlabel.files.dialects.circuit_tracer import CircuitTracer
from graphlabel.files.dialects.dialect import Dialect, Head
from graphlabel.files.dialects.eleutherai import EleutherAI
from graphlabel.files.dialects.graphlabel import GraphLabel
from graphlabel.files.dialects.lorsa import Lorsa
from graphlabel.files.dialects.neuronpedia import Neuronpedia

DIALECTS: tuple[Dialect, ...] = (
    GraphLabel(),
    Lorsa(),
    EleutherAI(),
    Anthropic(),
    Neuronpedia(),
    CircuitTracer(),
)
"""Every dialect of graph JSON, the most particular first; the last one takes what is left."""


def dialect_of(head: Head) -> Dialect:
    """The dialect a file is written in."""
    return next(dialect for dialect in DIALECTS if dialect.matches(head))
