"""Groups from likeness: average linkage, cut by likeness and by size."""

from __future__ import annotations

import math

import numpy as np
from jaxtyping import Float64
from scipy.cluster.hierarchy import ClusterNode, linkage, to_tree
from scipy.spatial.distance import squareform

LEAST_LIKENESS = 0.4
"""Groups merge while their members are at least so alike on average."""

LEAST_FIT = 0.2
"""Members are at least so alike to the others in what they do, wherever they stand."""


def groups_of(
    alike: Float64[np.ndarray, "n n"], least: float = LEAST_LIKENESS, most: int | None = None
) -> list[list[int]]:
    """The groups of two or more, each as rising places, by their first place.

    Average linkage (UPGMA) on 1 − likeness. A branch of the tree is a group when its last merge was
    at ``least`` or more and it has at most ``most`` members, by default √n: then a person meets
    about as many groups as a group has members.
    """
    n = len(alike)
    if n < 2:
        return []
    size = max(2, math.isqrt(n)) if most is None else most
    distance = np.maximum(1.0 - (alike + alike.T) / 2, 0.0)
    np.fill_diagonal(distance, 0.0)
    root = to_tree(linkage(squareform(distance, checks=False), "average"))
    found, open_branches = list[list[int]](), [root]
    while open_branches:
        branch: ClusterNode = open_branches.pop()
        if branch.is_leaf():
            continue
        if branch.dist <= 1.0 - least and branch.get_count() <= size:
            found.append(sorted(branch.pre_order()))
        else:
            open_branches += [branch.left, branch.right]
    return sorted(found)


def fitting(
    group: list[int], role: Float64[np.ndarray, "n n"], least: float = LEAST_FIT
) -> list[int]:
    """A group without the members that fit worst, until each one's mean ``role`` is enough.

    That two nodes stand near each other is no reason by itself. Empty when fewer than two remain.
    """
    kept = list(group)
    while len(kept) > 1:
        among = role[np.ix_(kept, kept)]
        fit = (among.sum(axis=1) - np.diag(among)) / (len(kept) - 1)
        worst = int(np.argmin(fit))
        if fit[worst] >= least:
            return kept
        del kept[worst]
    return []
