"""What a label method reads of a feature."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass

import msgspec

from graphlabel.annotation import Routing
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class Neighbour:
    """A node with a strong edge to or from the feature's node."""

    name: str
    """Its label; the token of a token or logit node."""
    weight: float
    """The edge's direct effect, signed."""


@dataclass(frozen=True, slots=True)
class GraphContext:
    """Where a feature stands in a graph."""

    tokens: tuple[str, ...]
    """The prompt's."""
    positions: frozenset[int]
    """Where in the prompt the feature fires."""
    parents: tuple[Neighbour, ...] = ()
    """What feeds its most influential node, strongest first."""
    children: tuple[Neighbour, ...] = ()
    """What that node feeds, strongest first."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """Everything there is to be read of one feature."""

    record: FeatureRecord
    routing: Routing | None = None
    """None where a whole source is labelled without routing it."""
    context: GraphContext | None = None
    """None where there is no graph."""

    @property
    def inputs_hash(self) -> str:
        """SHA-256 (hex) of the feature's examples and logits, and of its place in a graph."""
        read = (self.record.quantiles, self.record.top_logits, self.context)
        plain = msgspec.to_builtins(read, order="deterministic")
        # as ASCII, since tokens can hold halves of characters
        return hashlib.sha256(json.dumps(plain).encode("ascii")).hexdigest()
