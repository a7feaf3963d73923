"""The matched null: is what follows the peak more alike than what follows that token anyway?

A feature that fires on "of" drags "the" along. Its next tokens are alike because the peaks are, not
because it writes them. So output windows are compared with those that follow *other* occurrences of
the same peak tokens.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from graphlabel.embedding import Encoder
from graphlabel.protocol.correlation import embed_texts, prefix_correlations
from graphlabel.protocol.decision import NO_CANDIDATE, Case, Opinion
from graphlabel.protocol.null import TOLERANCE
from graphlabel.protocol.occurrences import Occurrences
from graphlabel.protocol.windows import Window, surroundings, window_text
from graphlabel.records import ActivationExample

DRAWS = 1_000
LEVEL = 0.05
"""The p at which the matched null is beaten."""
SPARE = 2
"""A token needs this many times as many other occurrences as it has peaks, …"""
FEWEST = 10
"""… and at least so many."""


@dataclass(frozen=True, eq=False)
class MatchedNull:
    """Rules output out where other occurrences of the peak tokens have windows as alike."""

    occurrences: Occurrences
    encoder: Encoder
    weighted: bool = False
    seed: int = 0

    def __call__(self, case: Case) -> Opinion:
        """Compare the output window of a feature that is a candidate for output."""
        score = case.scores["output"]
        if score is None or case.values["output"] < case.threshold:
            return Opinion(case.values)
        window = Window(*score.window)
        examples = [
            example
            for example, text in zip(
                case.feature.examples.chosen, case.feature.examples.texts(window), strict=True
            )
            if text is not None
        ]
        s = score.weighted if self.weighted else score.s
        p = self.p_value(examples, window, s, case.feature.examples.whole_words)
        if p is None:
            return Opinion(case.values, "too few other occurrences of its peak tokens to match")
        if p <= LEVEL:
            return Opinion(case.values, f"beats the matched null (p = {p:.3f})")
        why = (
            "what follows other occurrences of its peak tokens is as alike "
            f"(matched null, p = {p:.2f}), so output is ruled out"
        )
        return Opinion({**case.values, "output": NO_CANDIDATE}, why)

    def p_value(
        self, examples: Sequence[ActivationExample], window: Window, s: float, whole_words: bool
    ) -> float | None:
        """(1 + #{matched S ≥ S}) / (draws + 1); None without enough other occurrences."""
        own = frozenset(surroundings(example) for example in examples)
        groups: dict[str, list[int]] = {}
        for number, example in enumerate(examples):
            groups.setdefault(example.tokens[example.peak], []).append(number)
        texts: list[str] = []
        drawn = np.zeros((DRAWS, len(examples)), dtype=np.int64)
        random = np.random.default_rng(self.seed)
        for token, members in groups.items():
            others = self.occurrences.elsewhere(token, own)
            found = [window_text(other, window, whole_words=whole_words) for other in others]
            kept = [text for text in found if text is not None]
            if len(kept) < max(FEWEST, SPARE * len(members)):
                return None
            drawn[:, members] = len(texts) + _distinct(random, len(kept), len(members))
            texts += kept
        weights = np.array([example.peak_activation for example in examples])
        null = self._scores(texts, drawn, weights if self.weighted else np.ones(len(examples)))
        return float((1 + (null >= s - TOLERANCE).sum()) / (DRAWS + 1))

    def _scores(
        self, texts: list[str], drawn: Int[np.ndarray, "draws n"], weights: Float[np.ndarray, " n"]
    ) -> Float[np.ndarray, " draws"]:
        embedded = embed_texts(self.encoder, texts)
        parts = [
            prefix_correlations(
                embedded.distinct[embedded.rows[part]],
                embedded.literals[part],
                np.broadcast_to(weights.astype(np.float64), part.shape),
            )[:, -1]
            for part in np.array_split(drawn, 4)
        ]
        return np.concatenate(parts)


def _distinct(random: np.random.Generator, count: int, size: int) -> Int[np.ndarray, "draws size"]:
    """Draws of ``size`` different numbers below ``count``."""
    return np.asarray(np.argsort(random.random((DRAWS, count)), axis=1)[:, :size])
