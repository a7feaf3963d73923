"""What is kept of one layer's activations while an index is built.

Memory depends on the number of features, not on the number of tokens. Every table is a pure
function of the set of tokens seen, in whatever order and in however many parts.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from jaxtyping import Float, Int
from torch import Tensor

BINS = 32


@dataclass(frozen=True, eq=False)
class Firings:
    """Positive activations of one layer in a batch of sequences."""

    feature: Int[Tensor, " firings"]
    sequence: Int[Tensor, " firings"]
    """Row in the batch."""
    position: Int[Tensor, " firings"]
    value: Float[Tensor, " firings"]


class ExampleTable:
    """The best ``size`` examples of every feature by a score, with the activations around them."""

    def __init__(self, n_features: int, size: int, radius: int) -> None:
        """``radius``: tokens kept on either side of the peak."""
        self.radius = radius
        width = 2 * radius + 1
        self.score = torch.full((n_features, size), -torch.inf, dtype=torch.float64)
        self.value = torch.zeros(n_features, size)
        self.ids = torch.full((n_features, size, width), -1, dtype=torch.int32)
        self.acts = torch.zeros(n_features, size, width, dtype=torch.float16)

    def add(
        self,
        firings: Firings,
        score: Float[Tensor, " firings"],
        ids: Int[Tensor, "batch positions"],
        activations: Float[Tensor, "batch positions d_transcoder"],
    ) -> None:
        """Take in the firings that score better than the worst that is kept."""
        better = score > self.score[firings.feature].amin(dim=1)
        if not better.any():
            return
        feature, score = firings.feature[better], score[better]
        sequence, position = firings.sequence[better], firings.position[better]
        feature, place = feature.sort(stable=True)
        score, sequence, position = score[place], sequence[place], position[place]
        value = firings.value[better][place]
        touched, counts = torch.unique_consecutive(feature, return_counts=True)
        slot = torch.arange(len(feature)) - torch.repeat_interleave(
            counts.cumsum(0) - counts, counts
        )
        row = torch.repeat_interleave(torch.arange(len(touched)), counts)
        windows, acts = self._around(ids, activations, sequence, position, feature)
        self._merge(touched, int(counts.max()), row, slot, score, value, windows, acts)

    def _around(
        self, ids: Tensor, activations: Tensor, sequence: Tensor, position: Tensor, feature: Tensor
    ) -> tuple[Tensor, Tensor]:
        offsets = torch.arange(-self.radius, self.radius + 1)
        places = position[:, None] + offsets
        outside = (places < 0) | (places >= ids.shape[1])
        places = places.clamp(0, ids.shape[1] - 1)
        windows = ids[sequence[:, None], places].to(torch.int32).masked_fill(outside, -1)
        acts = activations[sequence[:, None], places, feature[:, None]].masked_fill(outside, 0)
        return windows, acts.half()

    def _merge(
        self,
        touched: Tensor,
        new: int,
        row: Tensor,
        slot: Tensor,
        score: Tensor,
        value: Tensor,
        windows: Tensor,
        acts: Tensor,
    ) -> None:
        size = self.score.shape[1]
        fresh = torch.full((len(touched), new), -torch.inf, dtype=torch.float64)
        fresh[row, slot] = score
        joined = torch.cat([self.score[touched], fresh], dim=1)
        kept_score, kept = joined.sort(dim=1, descending=True, stable=True)
        kept_score, kept = kept_score[:, :size], kept[:, :size]
        self.score[touched] = kept_score
        rows = torch.arange(len(touched))[:, None]
        for table, part in ((self.value, value), (self.ids, windows), (self.acts, acts)):
            wide = table.new_zeros(len(touched), new, *table.shape[2:])
            wide[row, slot] = part.to(table.dtype)
            table[touched] = torch.cat([table[touched], wide], dim=1)[rows, kept]


class Histograms:
    """Counts of positive activations by value; the range doubles as larger ones come."""

    def __init__(self, n_features: int) -> None:
        """All empty."""
        self.high = torch.zeros(n_features)
        self.counts = torch.zeros(n_features, BINS, dtype=torch.int64)

    def add(self, firings: Firings) -> None:
        """Count firings."""
        largest = torch.zeros_like(self.high).scatter_reduce(
            0, firings.feature, firings.value, "amax"
        )
        first = (self.high == 0) & (largest > 0)
        self.high[first] = torch.exp2(torch.ceil(torch.log2(largest[first])))
        while (grow := (largest > self.high).nonzero().flatten()).numel():
            halved = self.counts[grow].view(-1, BINS // 2, 2).sum(-1)
            self.counts[grow] = torch.cat([halved, torch.zeros_like(halved)], dim=1)
            self.high[grow] *= 2
        share = firings.value / self.high[firings.feature]
        # bins are (low, high], so that doubling the range never moves a count
        bins = (torch.ceil(share * BINS) - 1).long().clamp(0, BINS - 1)
        self.counts.view(-1).index_add_(0, firings.feature * BINS + bins, torch.ones_like(bins))


def priorities(
    token: Int[Tensor, " firings"], feature: Int[Tensor, " firings"], seed: int
) -> Float[Tensor, " firings"]:
    """A hashed priority in [0, 1) for a firing, the same wherever and whenever it is seen.

    ``token`` counts tokens of the corpus from its start. The mixing is that of SplitMix64 (Steele
    et al. 2014), on 64-bit integers that wrap.
    """
    offset = ((seed + 1) * 0x632BE59BD9B4E019) % 2**63
    state = token * 0x100000001B3 + feature * 0x9E3779B1 + offset
    state = (state ^ _shifted(state, 30)) * -0x40A7B892E31B1A47
    state = (state ^ _shifted(state, 27)) * -0x6B2FB644ECCEEE15
    state = state ^ _shifted(state, 31)
    return _shifted(state, 11).double() / 2**53


def _shifted(state: Tensor, bits: int) -> Tensor:
    """A logical right shift of 64-bit integers."""
    return (state >> bits) & ((1 << (64 - bits)) - 1)
