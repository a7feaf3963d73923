"""Which tokens of a text are marked."""

from __future__ import annotations

import numpy as np

from graphlabel.scoring.excerpts import Excerpt

SHARE = 0.3
"""Tokens above this share of the text's largest activation are marked."""


def active_tokens(excerpt: Excerpt) -> list[int]:
    """The tokens on which the feature fires strongly, beside the text's own peak."""
    least = max(SHARE * excerpt.peak_activation, 0.0)
    return [place for place, value in enumerate(excerpt.activations) if value > least]


def random_tokens(excerpt: Excerpt, count: int, generator: np.random.Generator) -> list[int]:
    """So many tokens that are no mere white space, or all of them, drawn at random."""
    wordy = [place for place, token in enumerate(excerpt.tokens) if token.strip()]
    return [int(place) for place in generator.permutation(wordy)[:count]]
