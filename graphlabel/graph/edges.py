"""Edges of an attribution graph, held column by column."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from jaxtyping import Float64, Int32
from numpy.typing import ArrayLike
from scipy import sparse

from graphlabel.errors import GraphError


@dataclass(frozen=True, eq=False)
class Edges:
    """Signed direct effects between nodes, as parallel arrays of equal length.

    Edge i goes from node ``source[i]`` to node ``target[i]`` (positions in the graph's node list)
    with direct effect ``weight[i]``, in units of the target's pre-activation or logit.
    """

    source: Int32[np.ndarray, " edges"]
    target: Int32[np.ndarray, " edges"]
    weight: Float64[np.ndarray, " edges"]

    @classmethod
    def of(cls, source: ArrayLike, target: ArrayLike, weight: ArrayLike) -> Edges:
        """Edges from anything array-like; raises GraphError when a weight is not finite."""
        edges = cls(
            np.asarray(source, dtype=np.int32).reshape(-1),
            np.asarray(target, dtype=np.int32).reshape(-1),
            np.asarray(weight, dtype=np.float64).reshape(-1),
        )
        if not len(edges.source) == len(edges.target) == len(edges.weight):
            raise GraphError("an edge needs a source, a target and a weight; the columns differ")
        if not np.isfinite(edges.weight).all():
            raise GraphError("a link's weight is NaN or infinite; re-trace the graph or drop it")
        return edges

    def __len__(self) -> int:
        return len(self.weight)

    @cached_property
    def _by_target(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.target, kind="stable")
        return order, self.target[order]

    @cached_property
    def _by_source(self) -> tuple[np.ndarray, np.ndarray]:
        order = np.argsort(self.source, kind="stable")
        return order, self.source[order]

    def into(self, node: int) -> np.ndarray:
        """Indices of the edges into a node, strongest (by magnitude) first."""
        return self._strongest_first(self._by_target, node)

    def into_any(self, nodes: Sequence[int]) -> np.ndarray:
        """Indices of the edges into any of the nodes, ascending."""
        order, keys = self._by_target
        wanted = np.array(nodes, dtype=keys.dtype)
        starts, stops = np.searchsorted(keys, wanted), np.searchsorted(keys, wanted, side="right")
        parts = [order[a:b] for a, b in zip(starts.tolist(), stops.tolist(), strict=True)]
        return np.sort(np.concatenate(parts)) if parts else order[:0]

    def out_of(self, node: int) -> np.ndarray:
        """Indices of the edges out of a node, strongest (by magnitude) first."""
        return self._strongest_first(self._by_source, node)

    def _strongest_first(self, index: tuple[np.ndarray, np.ndarray], node: int) -> np.ndarray:
        order, keys = index
        # of the keys' own type: searchsorted would copy them all otherwise
        start, stop = np.searchsorted(keys, np.array([node, node + 1], dtype=keys.dtype))
        found = order[start:stop]
        return found[np.argsort(-np.abs(self.weight[found]), kind="stable")]

    def matrix(self, n_nodes: int) -> sparse.csr_array:
        """The adjacency matrix, float64 (n_nodes, n_nodes): rows are targets, columns sources."""
        return sparse.csr_array(
            (self.weight, (self.target, self.source)), shape=(n_nodes, n_nodes), dtype=np.float64
        )
