"""Which of a feature's sampled firings stand for the quantiles of its activations."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float, Int

from graphlabel.evidence.building.examples import Examples
from graphlabel.evidence.building.hashing import POSITION_BITS, REACH
from graphlabel.evidence.building.layer import sampled_values


def quantile_numbers(
    value: Float[np.ndarray, " n"], place: Int[np.ndarray, " n"], quantiles: int
) -> Int[np.ndarray, " n"]:
    """The quantile each firing is in, by rank: 0 is the weakest stretch.

    Each stretch is an equal share of the firings; fewer firings than stretches spread over them.
    Of equal activations the earlier in the corpus ranks higher.
    """
    order = np.lexsort((place, -value))
    numbers = np.empty(len(value), np.int64)
    ranks = np.arange(len(value))
    numbers[order] = quantiles - 1 - (2 * ranks + 1) * quantiles // (2 * max(len(value), 1))
    return numbers


def chosen(
    sample: Examples, quantiles: int, per_quantile: int
) -> Iterator[tuple[int, Int[np.ndarray, " n"]]]:
    """For each quantile, strongest first, the examples that stand for it, by falling activation.

    ``sample`` is one feature's, by falling priority. A firing belongs to the quantile of its own
    activation, whatever else fires in its excerpt. Within a quantile those of highest priority are
    taken, which makes a uniform sample; left out are copies (the same ±8 tokens) of and
    neighbours (within 8 tokens) of examples taken before.
    """
    value = sampled_values(sample)
    numbers = quantile_numbers(value, sample.place, quantiles)
    taken: list[int] = []
    for number in range(quantiles - 1, -1, -1):
        mine: list[int] = []
        for each in np.flatnonzero(numbers == number):
            if len(mine) == per_quantile:
                break
            if not _alike(sample, each, np.array(taken, np.int64)):
                taken.append(int(each))
                mine.append(int(each))
        if mine:
            found = np.array(mine)
            yield number, found[np.lexsort((sample.place[found], -value[found]))]


def _alike(sample: Examples, one: np.int64, others: Int[np.ndarray, " n"]) -> bool:
    """Whether an example is a copy or a neighbour of another."""
    place = sample.place[others]
    near = (place >> POSITION_BITS == sample.place[one] >> POSITION_BITS) & (
        abs(place - sample.place[one]) <= REACH
    )
    return bool((near | (sample.key[others] == sample.key[one])).any())
