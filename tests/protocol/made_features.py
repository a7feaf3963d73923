"""Encoders and features made up for tests of the protocol."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import numpy as np

from graphlabel.graph import FeatureKey
from graphlabel.records import ActivationExample, FeatureRecord, LogitEffect, Quantile


@cache
def direction(text: str) -> np.ndarray:
    return np.random.default_rng(list(text.encode())).normal(size=16).astype(np.float32)


class HashEncoder:
    """A deterministic encoder for tests of arithmetic: every text has its own direction."""

    name, revision = "hash", "1"

    def __init__(self) -> None:
        self.encoded: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        self.encoded += texts
        vectors = [direction(text) for text in texts]
        stacked = np.array(vectors, dtype=np.float32).reshape(len(texts), 16)
        return stacked / np.maximum(np.linalg.norm(stacked, axis=1, keepdims=True), 1e-9)

    def has_unknown(self, text: str) -> bool:
        return "☃" in text or "漢" in text


def example(text: str, peak: str, activation: float = 1.0) -> ActivationExample:
    """An example of space-separated tokens that peaks at the first token with this text."""
    words = text.split(" ")
    tokens = tuple(w if i == 0 else f" {w}" for i, w in enumerate(words))
    place = words.index(peak)
    acts = tuple(float(activation) if i == place else 0.0 for i in range(len(words)))
    return ActivationExample.of(tokens, acts)


def record(
    examples: Sequence[ActivationExample],
    feature: int = 0,
    *,
    weaker: Sequence[Sequence[ActivationExample]] = (),
    logits: Sequence[str] = (),
) -> FeatureRecord:
    """A feature with top examples and, from strong to weak, those of other stretches."""
    stretches = [Quantile("top", tuple(examples))]
    stretches += [Quantile(f"q{len(weaker) - i - 1}", tuple(e)) for i, e in enumerate(weaker)]
    effects = tuple(LogitEffect(token, 1.0) for token in logits)
    return FeatureRecord(FeatureKey(0, feature), None, tuple(stretches), top_logits=effects)


@cache
def world(n: int = 240, examples: int = 6) -> list[FeatureRecord]:
    """A third of the features share the peak, a third the next token, a third nothing."""
    records = []
    for i in range(n):
        word, after = (f"peak{i}", "") if i % 3 == 0 else ("", f"next{i}" if i % 3 == 1 else "")
        made = [
            example(f"a{i}x{k} b{i}x{k} {word or f'w{i}x{k}'} {after or f'n{i}x{k}'} c{i}x{k} d{i}x{k}",
                    word or f"w{i}x{k}", 1 + k)
            for k in range(examples)
        ]  # fmt: skip
        records.append(record(made, i))
    return records
