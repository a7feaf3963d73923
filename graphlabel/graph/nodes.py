"""What a node of an attribution graph is."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple

TOKEN_LAYER = -1
"""The layer of token (embedding) nodes: below layer 0."""

NO_FEATURE = -1
"""The feature index of nodes that are no feature (errors)."""


class NodeKind(StrEnum):
    """What a node stands for."""

    FEATURE = "feature"
    ERROR = "error"
    TOKEN = "token"
    LOGIT = "logit"
    OTHER = "other"
    """A kind only another tool knows (attention features, biases); kept, shown, never routed."""


class FeatureKey(NamedTuple):
    """A feature of a transcoder set, wherever it fires."""

    layer: int
    feature: int

    def __str__(self) -> str:
        return f"L{self.layer} #{self.feature}"


class NodeKey(NamedTuple):
    """What identifies a node: its kind, layer, feature and position.

    A node id of a file can name two nodes at once; a key never does. ``feature`` is the
    transcoder's feature index for features, -1 for errors, the token id for tokens and the
    vocabulary id for logits. Tokens have layer -1; logits have the layer above the last.
    """

    kind: NodeKind
    layer: int
    feature: int
    position: int

    @property
    def feature_key(self) -> FeatureKey:
        """The feature whose occurrence this is (meaningful for feature nodes)."""
        return FeatureKey(self.layer, self.feature)

    def __str__(self) -> str:
        if self.kind is NodeKind.FEATURE:
            return f"L{self.layer} #{self.feature} @{self.position}"
        if self.kind is NodeKind.ERROR:
            return f"L{self.layer} error @{self.position}"
        return f"{self.kind} {self.feature} @{self.position}"


@dataclass(frozen=True, slots=True)
class Node:
    """One node of an attribution graph."""

    key: NodeKey
    text: str = ""
    """The token's text for tokens and logits; the token at the node's position otherwise."""
    activation: float | None = None
    """The feature's activation on this prompt; None for every other kind."""
    influence: float | None = None
    """Cumulative share of influence when nodes are sorted by it: *low* means important."""
    probability: float | None = None
    """The model's probability of a logit node's token."""

    @property
    def is_feature(self) -> bool:
        """Whether the node is a transcoder feature."""
        return self.key.kind is NodeKind.FEATURE
