"""What an edge looks like: width by strength, sign by colour and dash, an arrow at its end."""

from __future__ import annotations

import math
from collections.abc import Sequence

from graphlabel.export.picture.layout import Point

THINNEST, THICKEST = 1.3, 9.0


def edge_width(weight: float, strongest: float) -> float:
    """Width in pixels, growing a little slower than the weight, and never too thin to see."""
    share = abs(weight) / strongest if strongest else 0.0
    return max(THINNEST, THICKEST * math.sqrt(share * math.sqrt(share)))


def line_of(weight: float, width: float, colour: str) -> dict[str, object]:
    """Attributes of an edge's line; a negative one is dashed."""
    dash = f"{max(5.0, 1.6 * width):.1f} {max(4.0, 1.2 * width):.1f}" if weight < 0 else None
    return {"fill": "none", "stroke": colour, "stroke-width": width, "stroke-dasharray": dash}


def arrow(points: Sequence[Point], width: float) -> tuple[list[Point], list[Point]]:
    """The points with room for the arrow head, and the head's corners; lines arrive upright."""
    (x, y), before = points[-1], points[-2]
    size = 6.0 + width * 0.9
    base = y - size if before[1] <= y else y + size
    half = size * 0.5
    return [*points[:-1], (x, base)], [(x, y), (x - half, base), (x + half, base)]


def edge_name(weight: float) -> str:
    """The weight in words."""
    return f"{weight:+.1%} of its input"
