"""The best examples of every feature by a score.

A table is a pure function of the set of candidates it was offered, in whatever order and in however
many parts: shards merge exactly. Its memory depends on the number of features alone.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from jaxtyping import Float, Int

EMPTY = np.iinfo(np.int64).min
PATIENCE = 16_384
"""Candidates that may wait before they are sorted in."""


@dataclass(frozen=True, eq=False)
class Examples:
    """Candidates, or what a table keeps."""

    feature: Int[np.ndarray, " n"]
    score: Int[np.ndarray, " n"]
    """Larger is better; a feature's scores are all different."""
    key: Int[np.ndarray, " n"]
    """A word for the tokens around; see ``window_keys``."""
    place: Int[np.ndarray, " n"]
    """The token in the corpus the example is for; see ``places``."""
    ids: Int[np.ndarray, "n width"]
    """Token ids around it; -1 where the sequence has ended."""
    acts: Float[np.ndarray, "n width"]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.feature)

    def take(self, which: Int[np.ndarray, " m"]) -> Examples:
        """Some of them."""
        return Examples(*(getattr(self, field.name)[which] for field in fields(self)))


def joined(parts: list[Examples]) -> Examples:
    """Several lists as one."""
    if len(parts) == 1:
        return parts[0]
    names = [field.name for field in fields(Examples)]
    return Examples(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


class ExampleTable:
    """The ``size`` best examples of every feature."""

    def __init__(self, n_features: int, size: int, radius: int, *, distinct: bool) -> None:
        """``distinct``: of examples with the same tokens around only the best is kept."""
        self.size, self._distinct = size, distinct
        width = 2 * radius + 1
        self._score = np.full((n_features, size), EMPTY)
        self._key = np.zeros((n_features, size), np.int64)
        self._place = np.zeros((n_features, size), np.int64)
        self._ids = np.zeros((n_features * size, width), np.int32)
        self._acts = np.zeros((n_features * size, width), np.float32)
        self.floor = np.full(n_features, EMPTY)
        """No candidate below its feature's floor can be kept. It may lag behind, to be quick."""
        self._waiting: list[Examples] = []
        self._n_waiting = 0
        self._patience = max(PATIENCE, n_features * size // 8)

    def offer(self, candidates: Examples) -> None:
        """Take candidates in; they may wait for others before they are sorted in."""
        if len(candidates):
            self._waiting.append(candidates)
            self._n_waiting += len(candidates)
        if self._n_waiting > self._patience:
            self._settle()

    def kept(self) -> Examples:
        """What is kept, by feature and falling score."""
        self._settle()
        feature, slot = np.nonzero(self._score != EMPTY)
        order = np.lexsort((-self._score[feature, slot], feature))
        return self._at(feature[order], slot[order])

    def _at(self, feature: Int[np.ndarray, " n"], slot: Int[np.ndarray, " n"]) -> Examples:
        row = feature * self.size + slot
        score, key, place = (
            table.reshape(-1)[row] for table in (self._score, self._key, self._place)
        )
        return Examples(feature, score, key, place, self._ids[row], self._acts[row])

    def _settle(self) -> None:
        """Sort the waiting candidates in: each takes the slot of an example that goes."""
        if not self._waiting:
            return
        new = joined(self._waiting)
        self._waiting, self._n_waiting = [], 0
        touched = np.unique(new.feature)
        slots = (touched[:, None] * self.size + np.arange(self.size)).ravel()
        feature = np.concatenate([slots // self.size, new.feature])
        score = np.concatenate([self._score.reshape(-1)[slots], new.score])
        key = np.concatenate([self._key.reshape(-1)[slots], new.key])
        stays = self._best(feature, score, key)
        free = slots[~stays[: len(slots)]]
        chosen = np.flatnonzero(stays[len(slots) :])
        chosen = chosen[np.argsort(new.feature[chosen], kind="stable")]
        row = free[_ranks(free // self.size, new.feature[chosen])]
        self._score.reshape(-1)[free] = EMPTY
        for table, part in (
            (self._score.reshape(-1), new.score),
            (self._key.reshape(-1), new.key),
            (self._place.reshape(-1), new.place),
            (self._ids, new.ids),
            (self._acts, new.acts),
        ):
            table[row] = part[chosen]
        self.floor[touched] = self._score[touched].min(axis=1)

    def _best(
        self,
        feature: Int[np.ndarray, " n"],
        score: Int[np.ndarray, " n"],
        key: Int[np.ndarray, " n"],
    ) -> np.ndarray:
        """Which of these are among their feature's best; empty slots never are."""
        order = np.flatnonzero(score != EMPTY)
        if self._distinct:
            order = order[np.lexsort((-score[order], key[order], feature[order]))]
            same = (np.diff(feature[order]) == 0) & (np.diff(key[order]) == 0)
            order = order[np.concatenate([[True], ~same])]
        order = order[np.lexsort((-score[order], feature[order]))]
        ranked = feature[order]
        rank = np.arange(len(ranked)) - np.searchsorted(ranked, ranked)
        stays = np.zeros(len(feature), bool)
        stays[order[rank < self.size]] = True
        return stays


def _ranks(owners: Int[np.ndarray, " n"], wanted: Int[np.ndarray, " m"]) -> np.ndarray:
    """For each wanted owner, its next place in the sorted list of owners."""
    nth = np.arange(len(wanted)) - np.searchsorted(wanted, wanted)
    place: np.ndarray = np.searchsorted(owners, wanted) + nth
    return place
