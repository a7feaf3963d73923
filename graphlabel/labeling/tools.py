"""What some label methods need besides a feature's evidence."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float32

from graphlabel.errors import UsageError
from graphlabel.graph import FeatureKey
from graphlabel.labeling.verbalizers import Verbalizer

Directions = Callable[[FeatureKey], Float32[np.ndarray, " d_model"]]
"""The decoder direction of a feature, as it is added to the residual stream of its own layer."""


@dataclass(frozen=True, slots=True)
class Tools:
    """An activation verbalizer, and the directions of a set's features."""

    verbalizer: Verbalizer | None = None
    directions: Directions | None = None

    def need_verbalizer(self, method: str) -> Verbalizer:
        """The verbalizer; raises UsageError when there is none."""
        if self.verbalizer is None:
            raise UsageError(f"{method} reads activations; name an activation verbalizer for it")
        return self.verbalizer

    def need_directions(self, method: str) -> Directions:
        """The directions; raises UsageError when there are none."""
        if self.directions is None:
            raise UsageError(f"{method} reads decoder directions; name the transcoders for it")
        return self.directions


def last_paragraph(text: str) -> str:
    """The last paragraph of a verbalization; the last line where no blank line parts them."""
    paragraphs = [part.strip() for part in text.strip().split("\n\n") if part.strip()]
    return paragraphs[-1] if paragraphs else ""
