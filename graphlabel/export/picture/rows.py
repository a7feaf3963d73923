"""Which row of the picture each box stands in: inputs at the bottom, logits at the top."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from graphlabel.export.picture.scene import Box, Scene
from graphlabel.graph import NodeKind

ROW_WIDTH = 1500.0
"""A row wider than this many pixels goes on in the next one."""
BOX_GAP = 28.0
STEPS = 6
"""Into about so many rows the layers between inputs and logits fall."""
STRONG = 0.25
"""An edge of this share of the strongest one never runs within a row."""


def rows_of(
    scene: Scene,
    widths: Mapping[str, float],
    *,
    row_width: float = ROW_WIDTH,
    gap: float = BOX_GAP,
) -> list[list[Box]]:
    """Rows of boxes from the bottom up, each in the order of the prompt; none is empty."""
    taken = {name: width + gap for name, width in widths.items()}
    tokens = [box for box in scene.boxes if box.kind is NodeKind.TOKEN]
    logits = [box for box in scene.boxes if box.kind is NodeKind.LOGIT]
    inner = [box for box in scene.boxes if box.kind not in (NodeKind.TOKEN, NodeKind.LOGIT)]
    rows = _filled(sorted(tokens, key=_reading_order), taken, row_width)
    for row in _by_layer(inner, scene):
        rows += _filled(sorted(row, key=_reading_order), taken, row_width)
    return [*rows, *_filled(sorted(logits, key=_reading_order), taken, row_width)]


def _reading_order(box: Box) -> tuple[float, float, str]:
    return box.position, box.layer, box.name


def _by_layer(boxes: Sequence[Box], scene: Scene) -> list[list[Box]]:
    """Neighbours in mean layer share a row unless a strong edge joins them."""
    strongest = max((abs(edge.weight) for edge in scene.edges), default=0.0)
    strong = {
        (edge.source, edge.target) for edge in scene.edges if abs(edge.weight) > STRONG * strongest
    }
    ordered = sorted(boxes, key=lambda box: (box.layer, box.position, box.name))
    span = ordered[-1].layer - ordered[0].layer if ordered else 0.0
    step = max(span / STEPS, 0.75)
    rows: list[list[Box]] = []
    for box in ordered:
        row = rows[-1] if rows else None
        apart = row is None or box.layer - row[0].layer > step
        if row is None or apart or any((other.name, box.name) in strong for other in row):
            rows.append([box])
        else:
            row.append(box)
    return rows


def _filled(boxes: Sequence[Box], taken: Mapping[str, float], row_width: float) -> list[list[Box]]:
    """The boxes in as few rows as fit, about equally full."""
    whole = sum(taken[box.name] for box in boxes)
    n_rows = max(1, -(-int(whole) // int(row_width)))
    most = whole / n_rows
    rows: list[list[Box]] = []
    used = most
    for box in boxes:
        width = taken[box.name]
        if not rows or used + width / 2 > most * len(rows):
            rows.append([])
            used = most * (len(rows) - 1)
        rows[-1].append(box)
        used += width
    return rows
