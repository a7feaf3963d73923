"""What a suggestion is, and what makes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from graphlabel.annotation import Annotations
from graphlabel.embedding import Encoder
from graphlabel.graph import AttributionGraph, FeatureKey, NodeKey
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class Suggestion:
    """Nodes that belong together, as a supernode to be accepted, changed or rejected."""

    name: str
    """Unique among the suggestions made together."""
    members: tuple[NodeKey, ...]
    """At least one; no node is in two suggestions. By layer, then position."""
    reason: str
    """Why these, in words a person can read."""


@dataclass(frozen=True, eq=False)
class Known:
    """What is known of a graph's features besides the graph; every part may be missing."""

    records: Mapping[FeatureKey, FeatureRecord] = field(default_factory=dict)
    directions: Mapping[FeatureKey, Float32[np.ndarray, " d_model"]] = field(default_factory=dict)
    """Decoder directions."""
    encoder: Encoder | None = None
    """Compares labels and examples; without it equal labels alone are alike."""


@runtime_checkable
class Grouper(Protocol):
    """A way to suggest supernodes."""

    def suggest(
        self, graph: AttributionGraph, annotations: Annotations, known: Known
    ) -> list[Suggestion]:
        """Groups of the graph's influential nodes, most influential first; nodes may be left out.

        The same input gives the same suggestions. Supernodes that are there already play no part.
        """
        ...
