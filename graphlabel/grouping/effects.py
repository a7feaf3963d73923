"""Total effects: what drives a node and what it drives, along all paths."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float64
from scipy import sparse
from scipy.sparse.linalg import splu

from graphlabel.graph import AttributionGraph
from graphlabel.graph.descending import ROW_SUM_FLOOR


class Effects(NamedTuple):
    """Signed total effects of chosen nodes, along paths of every length.

    B is the adjacency (rows targets) with each row divided by the sum of its magnitudes; the total
    effects are Σ_{k≥1} Bᵏ = (1 − B)⁻¹ − 1.
    """

    upstream: Float64[np.ndarray, "chosen nodes"]
    """Row i: the effect of every node on node i."""
    downstream: Float64[np.ndarray, "chosen nodes"]
    """Row i: the effect of node i on every node."""


def total_effects(graph: AttributionGraph, chosen: Sequence[int]) -> Effects:
    """The total effects on and of some nodes; links that close a cycle do not count."""
    order = np.argsort([node.key.layer for node in graph.nodes], kind="stable")
    rank = np.empty(len(graph), dtype=np.int64)
    rank[order] = np.arange(len(graph))
    source, target = rank[graph.edges.source], rank[graph.edges.target]
    rises = source < target
    size = (len(graph), len(graph))
    adjacency = sparse.coo_array(
        (graph.edges.weight[rises], (target[rises], source[rises])), shape=size
    ).tocsr()
    sums = np.maximum(abs(adjacency).sum(axis=1), ROW_SUM_FLOOR)
    scaled = sparse.diags_array(1.0 / sums) @ adjacency
    solver = splu(sparse.csc_matrix(sparse.eye_array(len(graph)) - scaled), permc_spec="NATURAL")
    ends = np.zeros((len(graph), len(chosen)))
    ends[rank[list(chosen)], np.arange(len(chosen))] = 1.0
    upstream = solver.solve(ends, trans="T") - ends
    downstream = solver.solve(ends) - ends
    return Effects(upstream.T[:, rank], downstream.T[:, rank])


def cosines(rows: Float64[np.ndarray, "n d"]) -> Float64[np.ndarray, "n n"]:
    """The cosine of every pair of rows; 0 where a row is zero."""
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, norms, out=np.zeros_like(rows), where=norms > 0)
    found: Float64[np.ndarray, "n n"] = np.clip(unit @ unit.T, -1.0, 1.0)
    return found
