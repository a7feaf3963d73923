"""What is kept of one layer's activations while an index is built."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float, Int

from graphlabel.evidence.building.batches import Batch
from graphlabel.evidence.building.examples import Examples, ExampleTable
from graphlabel.evidence.building.firings import Chunk
from graphlabel.evidence.building.hashing import (
    feature_hashes,
    places,
    token_hashes,
    window_keys,
)
from graphlabel.evidence.building.histograms import Histograms
from graphlabel.evidence.building.settings import IndexSettings

_LAST_SEQUENCE = 2**32 - 1


class BatchTokens:
    """What every layer needs to know of a batch's tokens."""

    def __init__(self, batch: Batch, special: frozenset[int], settings: IndexSettings) -> None:
        """Hash them and lay out what stands around them."""
        rows, self.length = batch.ids.shape
        self.sequence = batch.sequence
        self.place = places(batch.sequence, self.length)
        self.hashes = token_hashes(self.place, settings.seed)
        ids = np.where(batch.inside, batch.ids, -1).astype(np.int32)
        self.keys = window_keys(np.where(np.isin(ids, list(special)), -1, ids))
        """Special tokens do not count when examples are compared."""
        offsets = np.arange(-settings.radius, settings.radius + 1)
        at = np.arange(self.length)[:, None] + offsets
        exists = (at >= 0) & (at < self.length)
        starts = (np.arange(rows) * self.length)[:, None, None]
        # where nothing stands the batch's first token does, which never fires: it is special
        self.around = np.where(exists, at + starts, 0).reshape(rows * self.length, -1)
        self.ids_around = np.where(np.tile(exists, (rows, 1)), ids.ravel()[self.around], -1)


class LayerTables:
    """Top examples, a sample of the firing tokens, and counts, of every feature of a layer."""

    def __init__(self, layer: int, n_features: int, settings: IndexSettings) -> None:
        """All empty."""
        self.layer, self.n_features = layer, n_features
        self.top = ExampleTable(n_features, settings.top, settings.radius, distinct=True)
        self.sample = ExampleTable(n_features, settings.reservoir, settings.radius, distinct=False)
        self.histograms = Histograms(n_features)
        self._hashes = feature_hashes(layer, n_features, settings.seed)

    def add(self, chunk: Chunk, tokens: BatchTokens) -> None:
        """Take in the activations of some features on a batch."""
        counts, token, value = chunk.firings()
        self.histograms.add(chunk.first, counts, value)
        some = slice(chunk.first, chunk.first + len(counts))
        priority = tokens.hashes[token] ^ np.repeat(self._hashes[some], counts)
        drawn = np.flatnonzero(priority > np.repeat(self.sample.floor[some], counts))
        feature = np.repeat(np.arange(len(counts)), counts)
        self._offer(self.sample, chunk, tokens, feature[drawn], token[drawn], priority[drawn])
        high = np.flatnonzero(value >= np.repeat(_least(self.top.floor[some]), counts))
        peaks = high[_peaks(feature[high], token[high] // tokens.length, value[high])]
        score = top_scores(value[peaks], tokens.sequence[token[peaks] // tokens.length])
        self._offer(self.top, chunk, tokens, feature[peaks], token[peaks], score)

    def merge(self, other: LayerTables) -> None:
        """Take in what another part of the corpus showed."""
        self.top.offer(other.top.kept())
        self.sample.offer(other.sample.kept())
        self.histograms.merge(other.histograms)

    def _offer(
        self,
        table: ExampleTable,
        chunk: Chunk,
        tokens: BatchTokens,
        row: Int[np.ndarray, " n"],
        token: Int[np.ndarray, " n"],
        score: Int[np.ndarray, " n"],
    ) -> None:
        """Offer the firings that beat their feature's floor, with the tokens around them."""
        better = np.flatnonzero(score > table.floor[chunk.first + row])
        if not len(better):
            return
        row, token, score = row[better], token[better], score[better]
        table.offer(
            Examples(
                feature=chunk.first + row,
                score=score,
                key=tokens.keys[token],
                place=tokens.place[token],
                ids=tokens.ids_around[token],
                acts=chunk.around(row, tokens.around[token]),
            )
        )


def top_scores(
    value: Float[np.ndarray, " n"], sequence: Int[np.ndarray, " n"]
) -> Int[np.ndarray, " n"]:
    """Scores that rank by activation, then by the earlier sequence: the bits of both."""
    bits = np.ascontiguousarray(value, np.float32).view(np.int32).astype(np.int64)
    scores: Int[np.ndarray, " n"] = (bits << 32) | (_LAST_SEQUENCE - sequence)
    return scores


def sampled_values(examples: Examples) -> Float[np.ndarray, " n"]:
    """The activation of the token that each example is for."""
    values: Float[np.ndarray, " n"] = examples.acts[:, examples.acts.shape[1] // 2]
    return values


def _least(floor: Int[np.ndarray, " n"]) -> Float[np.ndarray, " n"]:
    """The activations that top scores stand for; 0 where anything is welcome."""
    least: Float[np.ndarray, " n"] = np.maximum(floor >> 32, 0).astype(np.int32).view(np.float32)
    return least


def _peaks(
    feature: Int[np.ndarray, " n"],
    sequence: Int[np.ndarray, " n"],
    value: Float[np.ndarray, " n"],
) -> Int[np.ndarray, " m"]:
    """The first largest of every feature's firings in every sequence, given in that order."""
    if not len(feature):
        return np.zeros(0, np.int64)
    new = (np.diff(feature, prepend=-1) != 0) | (np.diff(sequence, prepend=-1) != 0)
    starts = np.flatnonzero(new)
    largest = np.repeat(np.maximum.reduceat(value, starts), np.diff(starts, append=len(value)))
    at = np.flatnonzero(value == largest)
    group = np.cumsum(new)[at]
    first: Int[np.ndarray, " m"] = at[np.diff(group, prepend=0) != 0]
    return first
