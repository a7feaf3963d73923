"""Supernodes as text: chains of names joined by their aggregated edges, then what joins them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from graphlabel.graph import SupernodeEdge
from graphlabel_tui.inert import inert
from graphlabel_tui.lines import Line, Span, clip, crop, line, width_of
from graphlabel_tui.wording import signed

NAME_WIDTH = 22
WEAKEST = 0.01
"""Edges below this share of a supernode's input are left out of the drawing."""


def drawing(
    names: Sequence[str], edges: Iterable[SupernodeEdge], depth: Mapping[str, float], width: int
) -> list[Line]:
    """The supernodes from input (left) to output (right), a chain of the strongest edges a line.

    ``depth`` is how high in the network a supernode sits; a chain only rises. A chain that
    ends at a supernode drawn before says so with ``↗``.
    """
    strong = [edge for edge in edges if abs(edge.weight) >= WEAKEST]
    rising = [edge for edge in strong if depth[edge.source] <= depth[edge.target]]
    best = _strongest_onward(rising)
    drawn: set[str] = set()
    lines: list[Line] = []
    used: set[tuple[str, str]] = set()
    for name in sorted(names, key=lambda each: depth[each]):
        if name not in drawn:
            chain = _chain(name, best, drawn)
            lines += _chain_lines(chain, drawn, width)
            drawn.update(chain.names)
            used.update((edge.source, edge.target) for edge in chain.edges)
    rest = [edge for edge in strong if (edge.source, edge.target) not in used]
    return [*lines, *_rest_lines(rest, width)]


class _Chain:
    """Supernodes joined by edges; the last edge may lead to one drawn before."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self.edges: list[SupernodeEdge] = []


def _strongest_onward(edges: Iterable[SupernodeEdge]) -> dict[str, SupernodeEdge]:
    best: dict[str, SupernodeEdge] = {}
    for edge in edges:
        held = best.get(edge.source)
        if held is None or abs(edge.weight) > abs(held.weight):
            best[edge.source] = edge
    return best


def _chain(start: str, best: Mapping[str, SupernodeEdge], drawn: set[str]) -> _Chain:
    chain = _Chain()
    name = start
    while name not in drawn and name not in chain.names:
        chain.names.append(name)
        if name not in best:
            break
        chain.edges.append(best[name])
        name = best[name].target
    return chain


def _chain_lines(chain: _Chain, drawn: set[str], width: int) -> list[Line]:
    """A chain, continued on indented lines when it is too long for one."""
    spans: list[Span] = []
    lines: list[Line] = []
    for at, name in enumerate(chain.names):
        pieces = [_box(name)]
        if at < len(chain.edges):
            pieces += _arrow(chain.edges[at])
            target = chain.edges[at].target
            if target in drawn or target in chain.names[: at + 1]:
                pieces[-1] = Span("↗ " + clip(inert(target), NAME_WIDTH), "muted")
        if spans and width_of(spans) + width_of(pieces) > width:
            lines.append(line(*spans))
            spans = [Span("    ")]
        spans += pieces
    return [*lines, line(*crop(spans, width))]


def _box(name: str) -> Span:
    return Span(f"[{clip(inert(name), NAME_WIDTH)}]", "title")


def _arrow(edge: SupernodeEdge) -> list[Span]:
    role = "plus" if edge.weight >= 0 else "minus"
    weight = f"{abs(edge.weight):.2f}".removeprefix("0")
    sign = "" if edge.weight >= 0 else "−"
    return [Span(f" ─{sign}{weight}", role), Span("→ ", role)]


def _rest_lines(edges: Sequence[SupernodeEdge], width: int) -> list[Line]:
    """Edges the chains have no place for, strongest first, in one paragraph."""
    lines: list[Line] = []
    spans: list[Span] = [Span("also ", "muted")]
    for edge in edges[:8]:
        names = f"{clip(inert(edge.source), 16)} → {clip(inert(edge.target), 16)} "
        piece = [
            Span(names, "muted"),
            Span(f"{signed(edge.weight)}   ", "plus" if edge.weight >= 0 else "minus"),
        ]
        if width_of(spans) + width_of(piece) - 3 > width and len(spans) > 1:
            lines.append(line(*crop(spans, width)))
            spans = [Span("     ")]
        spans += piece
    return [*lines, line(*crop(spans, width))] if edges else []
