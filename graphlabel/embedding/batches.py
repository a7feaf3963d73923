"""Batches of texts of about the same length."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from jaxtyping import Int


def length_buckets(
    lengths: Sequence[int], token_budget: int, max_waste: float = 0.1
) -> Iterator[Int[np.ndarray, " batch"]]:
    """The places of texts, in batches by rising number of tokens.

    A batch holds at most ``token_budget`` tokens, padding included, and at least one text; a new
    one starts where the longer text would make more than ``max_waste`` of a batch of a quarter of
    the budget or more into padding.
    """
    order = np.argsort(np.asarray(lengths, dtype=np.int64), kind="stable")
    start, held = 0, 0
    for place, index in enumerate(order):
        longest, count = lengths[index], place - start + 1
        padded = longest * count
        wasteful = padded >= token_budget / 4 and padded - held - longest > max_waste * padded
        if place > start and (padded > token_budget or wasteful):
            yield order[start:place]
            start, held = place, 0
        held += longest
    if len(order):
        yield order[start:]
