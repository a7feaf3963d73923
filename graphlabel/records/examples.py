"""A text on which a feature fires."""

from __future__ import annotations

import math
from dataclasses import dataclass, field, replace

from graphlabel.errors import EvidenceError

SPECIAL_TOKENS = frozenset(
    {
        "<bos>", "<eos>", "<pad>", "<s>", "</s>", "<EOT>", "<|endoftext|>", "<|begin_of_text|>",
        "<|end_of_text|>", "<|im_start|>", "<|im_end|>", "<|pad|>", "[PAD]", "[CLS]", "[SEP]",
    }
)  # fmt: skip
"""Texts that mark a special token in evidence that does not say which tokens are special."""


@dataclass(frozen=True, slots=True)
class ActivationExample:
    """Consecutive tokens of a text with the feature's activation on each."""

    tokens: tuple[str, ...]
    activations: tuple[float, ...]
    """One activation per token, in the transcoder's own units."""
    token_ids: tuple[int, ...] = ()
    special: frozenset[int] = frozenset()
    """Positions of BOS, padding and other special tokens; never a peak, never in a window."""
    sampled: int | None = None
    """The position the source drew the example for; None when it does not say, or at the peak.

    Examples of lower quantiles are drawn for a weak activation, and a stronger one may stand near.
    """
    _peak: int = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        """Refuse evidence whose parts do not fit together."""
        if len(self.tokens) != len(self.activations):
            raise EvidenceError(
                f"an example has {len(self.tokens)} tokens but {len(self.activations)} activations"
            )
        if not all(map(math.isfinite, self.activations)):
            raise EvidenceError(
                "an example has a NaN or infinite activation; rebuild the feature index"
            )
        if self.sampled is not None and not 0 <= self.sampled < len(self.tokens):
            raise EvidenceError(
                f"an example of {len(self.tokens)} tokens was drawn for position {self.sampled}"
            )
        object.__setattr__(self, "_peak", self._find_peak())

    @classmethod
    def of(
        cls,
        tokens: tuple[str, ...],
        activations: tuple[float, ...],
        token_ids: tuple[int, ...] = (),
        sampled: int | None = None,
    ) -> ActivationExample:
        """An example whose special tokens are recognised by their text."""
        special = frozenset(i for i, token in enumerate(tokens) if token in SPECIAL_TOKENS)
        return cls(tokens, activations, token_ids, special, sampled)

    @property
    def peak(self) -> int:
        """The first position of the largest activation among tokens that are not special.

        Raises EvidenceError when the example has no such token.
        """
        if self._peak < 0:
            raise EvidenceError("an example holds no token but special ones")
        return self._peak

    def _find_peak(self) -> int:
        if not self.special and self.activations:
            return self.activations.index(max(self.activations))
        best = -1
        for place, value in enumerate(self.activations):
            if place not in self.special and (best < 0 or value > self.activations[best]):
                best = place
        return best

    def as_drawn(self) -> ActivationExample:
        """The example with the token it was drawn for as its peak, all others silent."""
        if self.sampled is None or self.sampled == self.peak:
            return self
        silent = [0.0] * len(self.tokens)
        silent[self.sampled] = self.activations[self.sampled]
        return replace(self, activations=tuple(silent))

    @property
    def peak_activation(self) -> float:
        """The activation at the peak."""
        return self.activations[self.peak]

    def window(self, start: int, stop: int) -> tuple[str, ...]:
        """The tokens at peak + start … peak + stop (inclusive) that exist and are not special."""
        peak = self.peak
        if not self.special:
            return self.tokens[max(peak + start, 0) : max(peak + stop + 1, 0)]
        places = range(max(peak + start, 0), min(peak + stop, len(self.tokens) - 1) + 1)
        return tuple(self.tokens[place] for place in places if place not in self.special)
