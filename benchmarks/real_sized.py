"""Features of the size and mix of real ones, made by seed from any text.

The mix follows what was measured on 80 features of a GPT-2 SAE (docs/concepts.md): most fire on one
token or a few, their examples' windows [0, 0] have a median S of 1; few stand for the next token
(a 90th percentile of 0.58 in [1, 1]), few for a topic.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from graphlabel.graph import FeatureKey
from graphlabel.records import ActivationExample, FeatureRecord, Quantile

MIX = {"one token": 0.55, "a few tokens": 0.25, "next token": 0.05, "topic": 0.05, "nothing": 0.10}
"""Shares of the kinds of features."""

CONTEXT = 64
"""Tokens an example, as in common feature dashboards."""
EXAMPLES = 10
PIECE = re.compile(r" ?[^\W\d_]{1,10}| ?\d{1,3}| ?[^\w\s]|\n+")
"""Tokens about as long as a language model's."""


def tokens_of(text: str) -> list[str]:
    """A text cut into tokens, the space before a word included."""
    return PIECE.findall(text)


def zipf_tokens(words: Sequence[str], count: int, random: np.random.Generator) -> list[str]:
    """Words drawn by Zipf's law, 40 % of them by the word before, which has three favourites.

    Without favourites pairs of tokens would repeat less than in prose. Each stretch of 2,000 tokens
    has a topic: 40 words that make up 15 % of it.
    """
    ranks = np.arange(1, len(words) + 1)
    chance = np.cumsum(1 / ranks) / np.sum(1 / ranks)

    def draw(*shape: int) -> np.ndarray:
        return np.searchsorted(chance, random.random(shape)).clip(max=len(words) - 1)

    drawn, favourites = draw(count), draw(len(words), 3)
    for start in range(0, count, 2_000):
        part = drawn[start : start + 2_000]
        topic = random.choice(random.integers(200, len(words), size=40), len(part))
        drawn[start : start + 2_000] = np.where(random.random(len(part)) < 0.15, topic, part)
    follows, which = random.random(count) < 0.4, random.integers(3, size=count)
    for place in range(1, count):
        if follows[place]:
            drawn[place] = favourites[drawn[place - 1], which[place]]
    tokens = [f" {words[rank]}" for rank in drawn]
    for place in np.flatnonzero(random.random(count) < 0.12):
        tokens[place] = str(random.choice([",", ",", ".", ".", " “", "”", "\n"]))
    return tokens


def text_tokens(path: Path | None, words: Sequence[str], random: np.random.Generator) -> list[str]:
    """The tokens of a file's first 8 million characters, or drawn ones."""
    if path is None:
        return zipf_tokens(words, 1_500_000, random)
    with path.open(encoding="utf-8", errors="replace") as file:
        return tokens_of(file.read(8_000_000))


def real_sized_features(
    tokens: Sequence[str], count: int, random: np.random.Generator
) -> list[FeatureRecord]:
    """So many features with ten examples each."""
    places: dict[str, list[int]] = defaultdict(list)
    for place in range(CONTEXT, len(tokens) - CONTEXT):
        places[tokens[place]].append(place)
    common = [token for token, found in places.items() if len(found) >= EXAMPLES and token.strip()]
    weights = (
        np.array([min(len(places[token]), 2_000) for token in common], dtype=np.float64) ** 0.5
    )
    weights /= weights.sum()

    def occurrences(n_tokens: int) -> list[int]:
        chosen = random.choice(len(common), n_tokens, replace=False, p=weights)
        found = [place for index in chosen for place in places[common[index]]]
        return list(random.choice(found, EXAMPLES, replace=False))

    def topic() -> list[int]:
        start = int(random.integers(CONTEXT, len(tokens) - CONTEXT - 400))
        return list(start + random.choice(400, EXAMPLES, replace=False))

    draw: dict[str, Callable[[], list[int]]] = {
        "one token": lambda: occurrences(1),
        "a few tokens": lambda: occurrences(4),
        "next token": lambda: [place - 1 for place in occurrences(1)],
        "topic": topic,
        "nothing": lambda: list(random.integers(CONTEXT, len(tokens) - CONTEXT, EXAMPLES)),
    }
    kinds = random.choice(list(MIX), size=count, p=list(MIX.values()))
    return [
        _feature(number, [_example(tokens, int(place), random) for place in draw[str(kind)]()])
        for number, kind in enumerate(kinds)
    ]


def _feature(number: int, examples: list[ActivationExample]) -> FeatureRecord:
    return FeatureRecord(FeatureKey(number % 12, number), None, (Quantile("top", tuple(examples)),))


def _example(tokens: Sequence[str], peak: int, random: np.random.Generator) -> ActivationExample:
    before = int(random.integers(CONTEXT // 4, CONTEXT - 8))
    cut = tuple(tokens[peak - before : peak - before + CONTEXT])
    activations = np.where(random.random(CONTEXT) < 0.05, random.random(CONTEXT), 0.0)
    activations[before] = 5 + 5 * random.random()
    return ActivationExample.of(cut, tuple(map(float, activations)))
