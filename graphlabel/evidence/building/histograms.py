"""Exact counts of positive activations by value."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from graphlabel.errors import EvidenceError

BINS = 32
SMALLEST = -100
"""No range is smaller than 2 to this power."""


class Histograms:
    """A histogram of every feature over (0, high], high a power of two that doubles as need be.

    Bins are open below and closed above, so that doubling never moves a count to another bin.
    """

    def __init__(self, n_features: int) -> None:
        """All empty."""
        self.high = np.zeros(n_features, np.float32)
        self.counts = np.zeros((n_features, BINS), np.int64)
        self.largest = np.zeros(n_features, np.float32)
        """Each feature's largest activation."""

    def add(
        self,
        first: int,
        counts: Int[np.ndarray, " features"],
        value: Float[np.ndarray, " n"],
    ) -> None:
        """Count activations of neighbouring features from ``first`` on, feature by feature."""
        if not len(value):
            return
        some = slice(first, first + len(counts))
        fired = np.flatnonzero(counts)
        starts = (np.cumsum(counts) - counts)[fired]
        self._reach(first + fired, np.maximum.reduceat(value, starts))
        scale = np.divide(
            BINS, self.high[some], where=counts > 0, out=np.zeros_like(self.high[some])
        )
        bins = (np.ceil(value * np.repeat(scale, counts)) - 1).astype(np.int64)
        np.maximum(bins, 0, out=bins)  # an activation so small that its share is 0
        bins += np.repeat(np.arange(len(counts)) * BINS, counts)
        found = np.bincount(bins, minlength=len(counts) * BINS)
        self.counts[some] += found.reshape(-1, BINS)

    def merge(self, other: Histograms) -> None:
        """Take in the counts of another part of the corpus."""
        fired = np.flatnonzero(other.largest)
        self._reach(fired, other.largest[fired])
        other._reach(fired, self.largest[fired])
        self.counts += other.counts

    def _reach(self, feature: Int[np.ndarray, " n"], value: Float[np.ndarray, " n"]) -> None:
        """Widen ranges until they hold a value; raises EvidenceError when it is infinite."""
        if not np.isfinite(value).all():
            raise EvidenceError("an activation is infinite; build the index with --dtype float32")
        self.largest[feature] = np.maximum(self.largest[feature], value)
        share, exponent = np.frexp(value)
        exponent = np.maximum(exponent - (share == 0.5), SMALLEST)
        need = np.ldexp(np.float32(1), exponent).astype(np.float32)
        empty = self.high[feature] == 0
        self.high[feature[empty]] = need[empty]
        while (small := self.high[feature] < need).any():
            grow = feature[small]
            halved = self.counts[grow].reshape(len(grow), BINS // 2, 2).sum(axis=2)
            self.counts[grow] = np.concatenate([halved, np.zeros_like(halved)], axis=1)
            self.high[grow] *= 2
