"""One meaning for the influence that files state of their nodes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from graphlabel.graph.influence import cumulative_share

_FEWEST = 10
"""Of fewer values the shape says nothing."""


def as_cumulative(
    stated: Sequence[float | None], *, raw_if_unclear: bool = False
) -> list[float | None]:
    """Influences as cumulative shares (low = important), whichever way the file states them.

    Some programs write each node's own influence instead (high = important). The shape tells:
    cumulative shares rise steeply and then ever less, so their mean lies above half the largest;
    of nodes' own influences, most are small and few are large. ``raw_if_unclear`` decides for
    fewer than ten values. Values that are not finite and not negative leave all as they are.
    """
    known = np.array([value for value in stated if value is not None], dtype=np.float64)
    if not len(known) or not np.isfinite(known).all() or known.min() < 0 or known.max() == 0:
        return list(stated)
    raw = raw_if_unclear if len(known) < _FEWEST else known.mean() < known.max() / 2
    if not raw:
        return list(stated)
    shares = iter(cumulative_share(known).tolist())
    return [None if value is None else next(shares) for value in stated]
