"""The edges of the selected node: how they mark other nodes, and as lines of text."""

from __future__ import annotations

from typing import NamedTuple

from graphlabel_tui.lines import Span, clip, crop, width_of
from graphlabel_tui.view import Neighbour, View
from graphlabel_tui.wording import signed, title_of


class Mark(NamedTuple):
    """How an edge of the selected node marks the node at its other end."""

    role: str
    sign: str


def edge_marks(view: View, place: int) -> dict[int, Mark]:
    """Marks of the nodes at the other ends of a node's edges, as many as the density shows."""
    marks: dict[int, Mark] = {}
    for found in (view.parents(place), view.children(place)):
        strongest = abs(found[0].weight) if found else 1.0
        for place_, weight in view.dense(found):
            marks.setdefault(place_, mark_of(weight, strongest))
    return marks


def mark_of(weight: float, strongest: float) -> Mark:
    """How an edge is marked: by its sign, and by its weight beside the strongest one."""
    sign, name = ("+", "plus") if weight >= 0 else ("−", "minus")
    share = abs(weight) / strongest if strongest else 0.0
    if share >= 0.5:
        return Mark(f"{name}-strong", sign)
    if share >= 0.15:
        return Mark(f"{name}-middle", sign)
    return Mark(f"{name}-weak", "")


def edge_lines(view: View, place: int, width: int, free: int) -> list[tuple[Span, ...]]:
    """A node's edges in and out: two lines, and as many more as are free."""
    found_in, found_out = view.seen(view.parents(place)), view.seen(view.children(place))
    out = _edge_spans(view, " out ──▶", found_out, width, 1 + free // 2)
    into = _edge_spans(view, " ◀── in ", found_in, width, 2 + free - len(out))
    return [*into, *out]


def _edge_spans(
    view: View, head: str, found: list[Neighbour], width: int, limit: int
) -> list[tuple[Span, ...]]:
    if not found:
        return [(Span(head, "muted"), Span("  none", "muted"))]
    lines: list[tuple[Span, ...]] = []
    weights = [each.weight for each in found]
    shown = view.dense(found)
    spans = [
        Span(head, "bold"),
        Span(f" {signed(min(weights))}…{signed(max(weights))}  ", "muted"),
    ]
    annotations = view.session.annotations
    for at, (place, weight) in enumerate(shown[: 12 * limit]):
        piece = [
            Span(" · " if at else "", "muted"),
            Span(clip(title_of(view.node(place), annotations), 28)),
            Span(f" {signed(weight)}", "plus" if weight >= 0 else "minus"),
        ]
        if at and width_of(spans) + width_of(piece) > width and len(lines) < limit - 1:
            lines.append(tuple(spans))
            spans, piece = [Span(" " * len(head) + " ")], piece[1:]
        spans += piece
    return [*lines, crop(spans, width)]
