"""From a stream of token sequences to batches, in an order that nothing but the stream decides."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from jaxtyping import Bool, Int

from graphlabel.evidence.building.settings import IndexSettings

STEP = 32
"""Sequences are padded to multiples of this: by their own length, never by their neighbours'.

A matrix product on a CPU gives a row the same bits whatever rows stand beside it, but attention
over a longer padded sequence does not: padding by the batch would make results depend on it.
"""


@dataclass(frozen=True, eq=False)
class Batch:
    """Sequences of one padded length."""

    ids: Int[np.ndarray, "batch positions"]
    usable: Bool[np.ndarray, "batch positions"]
    """Neither padding nor special tokens: where features are looked for."""
    inside: Bool[np.ndarray, "batch positions"]
    """Not padding."""
    sequence: Int[np.ndarray, " batch"]
    """Each sequence's number in the corpus."""


def blocks(
    sequences: Iterable[Sequence[int]], size: int
) -> Iterator[list[tuple[int, Sequence[int]]]]:
    """The stream cut into runs of ``size`` numbered sequences."""
    numbered = enumerate(sequences)
    while block := list(islice(numbered, size)):
        yield block


def batches(
    block: Sequence[tuple[int, Sequence[int]]],
    settings: IndexSettings,
    special: frozenset[int],
    first_position: int,
) -> Iterator[Batch]:
    """A block's sequences, those of one padded length together."""
    by_length: dict[int, list[tuple[int, Sequence[int]]]] = {}
    for number, ids in block:
        by_length.setdefault(-(-len(ids) // STEP) * STEP, []).append((number, ids))
    for length in sorted(by_length):
        members = by_length[length]
        for start in range(0, len(members), settings.batch_size):
            some = members[start : start + settings.batch_size]
            yield _padded(some, length, special, first_position)


def _padded(
    members: Sequence[tuple[int, Sequence[int]]],
    length: int,
    special: frozenset[int],
    first_position: int,
) -> Batch:
    padding = min(special, default=0)
    ids = np.full((len(members), length), padding, np.int64)
    inside = np.zeros(ids.shape, bool)
    for row, (_, tokens) in enumerate(members):
        ids[row, : len(tokens)] = tokens
        inside[row, : len(tokens)] = True
    usable = inside & ~np.isin(ids, list(special))
    usable[:, :first_position] = False
    return Batch(ids, usable, inside, np.array([number for number, _ in members], np.int64))
