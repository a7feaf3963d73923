"""A text on which a feature fires."""

from __future__ import annotations

import math
from dataclasses import dataclass

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

    def __post_init__(self) -> None:
        """Refuse evidence whose parts do not fit together."""
        if len(self.tokens) != len(self.activations):
            raise EvidenceError(
                f"an example has {len(self.tokens)} tokens but {len(self.activations)} activations"
            )
        if any(math.isnan(value) for value in self.activations):
            raise EvidenceError("an example has a NaN activation; rebuild the feature index")
        if self.sampled is not None and not 0 <= self.sampled < len(self.tokens):
            raise EvidenceError(
                f"an example of {len(self.tokens)} tokens was drawn for position {self.sampled}"
            )

    @classmethod
    def of(
        cls,
        tokens: tuple[str, ...],
        activations: tuple[float, ...],
        token_ids: tuple[int, ...] = (),
    ) -> ActivationExample:
        """An example whose special tokens are recognised by their text."""
        special = frozenset(i for i, token in enumerate(tokens) if token in SPECIAL_TOKENS)
        return cls(tokens, activations, token_ids, special)

    @property
    def peak(self) -> int:
        """The first position of the largest activation among tokens that are not special.

        Raises EvidenceError when the example has no such token.
        """
        best = -1
        for place, value in enumerate(self.activations):
            if place not in self.special and (best < 0 or value > self.activations[best]):
                best = place
        if best < 0:
            raise EvidenceError("an example holds no token but special ones")
        return best

    @property
    def peak_activation(self) -> float:
        """The activation at the peak."""
        return self.activations[self.peak]

    def window(self, start: int, stop: int) -> tuple[str, ...]:
        """The tokens at peak + start … peak + stop (inclusive) that exist and are not special."""
        peak = self.peak
        places = range(max(peak + start, 0), min(peak + stop, len(self.tokens) - 1) + 1)
        return tuple(self.tokens[place] for place in places if place not in self.special)
