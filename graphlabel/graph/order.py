"""The row order of a traced adjacency matrix; the only place that knows it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NodeOrder:
    """Features by (layer, position, feature), errors layer by layer, tokens, logits."""

    n_features: int
    n_layers: int
    n_positions: int
    n_logits: int

    @property
    def n_errors(self) -> int:
        """One error node for every layer and position."""
        return self.n_layers * self.n_positions

    @property
    def features(self) -> slice:
        """Rows of the features."""
        return slice(0, self.n_features)

    @property
    def errors(self) -> slice:
        """Rows of the errors, layer-major."""
        return slice(self.n_features, self.n_features + self.n_errors)

    @property
    def tokens(self) -> slice:
        """Rows of the tokens."""
        return slice(self.errors.stop, self.errors.stop + self.n_positions)

    @property
    def logits(self) -> slice:
        """Rows of the logit targets."""
        return slice(self.tokens.stop, self.tokens.stop + self.n_logits)

    def __len__(self) -> int:
        return int(self.logits.stop)

    def error(self, layer: int, position: int) -> int:
        """The row of one error node."""
        return self.n_features + layer * self.n_positions + position
