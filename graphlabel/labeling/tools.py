"""What some label methods need besides a feature's evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from graphlabel.errors import UsageError
from graphlabel.graph import FeatureKey
from graphlabel.labeling.verbalizers import ResidualVector, Verbalizer

Directions = Callable[[FeatureKey], ResidualVector]
"""The decoder direction of a feature."""


@dataclass(frozen=True, slots=True)
class Tools:
    """An activation verbalizer, and the directions of a set's features."""

    verbalizer: Verbalizer | None = None
    directions: Directions | None = None

    def need_verbalizer(self, method: str) -> Verbalizer:
        """The verbalizer; raises UsageError when there is none."""
        if self.verbalizer is None:
            raise UsageError(
                f"{method} reads activations; name an activation verbalizer for it (--verbalizer)"
            )
        return self.verbalizer

    def need_directions(self, method: str) -> Directions:
        """The directions; raises UsageError when there are none."""
        if self.directions is None:
            raise UsageError(
                f"{method} reads decoder directions; name the transcoders for it (--transcoders)"
            )
        return self.directions


def last_paragraph(text: str) -> str:
    """The last paragraph of a verbalization; the last line where no blank line parts them."""
    paragraphs = [part.strip() for part in text.strip().split("\n\n") if part.strip()]
    return paragraphs[-1] if paragraphs else ""
