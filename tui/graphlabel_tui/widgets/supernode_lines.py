"""The circuit as lines: chains of names joined by their edges, what joins them, members."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from graphlabel.export.picture.scene import Box, Scene
from graphlabel.graph import NodeKey, SupernodeEdge
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.lines import Line, Span, clip, crop, line, spread, width_of
from graphlabel_tui.view import View
from graphlabel_tui.widgets.box_drawing import Member
from graphlabel_tui.wording import signed, title_of, where

HERE, NOT_HERE = Span("▶ ", "title"), Span("  ", "title")
NAME_WIDTH = 22
WEAKEST = 0.01
"""Edges below this share of a box's input are left out of the drawing."""


def drawing(scene: Scene, width: int) -> list[Line]:
    """The boxes from input (left) to output (right), a chain of the strongest edges a line.

    A chain only rises in mean layer. One that ends at a box drawn before says so with ``↗``.
    """
    labels = {box.name: box.label for box in scene.boxes}
    depth = {box.name: box.layer for box in scene.boxes}
    strong = [edge for edge in scene.edges if abs(edge.weight) >= WEAKEST]
    rising = [edge for edge in strong if depth[edge.source] <= depth[edge.target]]
    best = _strongest_onward(rising)
    drawn: set[str] = set()
    lines: list[Line] = []
    used: set[tuple[str, str]] = set()
    for name in sorted(depth, key=lambda each: depth[each]):
        if name not in drawn:
            chain = _chain(name, best, drawn)
            lines += _chain_lines(chain, drawn, labels, width)
            drawn.update(chain.names)
            used.update((edge.source, edge.target) for edge in chain.edges)
    rest = [edge for edge in strong if (edge.source, edge.target) not in used]
    return [*lines, *_rest_lines(rest, labels, width)]


def box_edges(
    scene: Scene, name: str | None, left_out: Sequence[SupernodeEdge], width: int
) -> list[Line]:
    """The edges of a box in and out; without a box, those the drawing leaves out."""
    labels = {box.name: box.label for box in scene.boxes}
    if name is None:
        return _rest_lines(left_out, labels, width)
    found_in = [(labels[e.source], e.weight) for e in scene.edges if e.target == name]
    found_out = [(labels[e.target], e.weight) for e in scene.edges if e.source == name]
    return [_ends("◀── in   ", found_in, width), _ends("out ──▶  ", found_out, width)]


def _ends(head: str, found: Sequence[tuple[str, float]], width: int) -> Line:
    spans = [Span(head, "bold")]
    for at, (label, weight) in enumerate(found):
        spans.append(Span(" · " if at else "", "muted"))
        spans.append(Span(clip(label, NAME_WIDTH)))
        spans.append(Span(f" {signed(weight)}", "plus" if weight >= 0 else "minus"))
    return line(*crop(spans if found else [*spans, Span("none", "muted")], width))


def members_of(view: View, box: Box) -> list[Member]:
    """What an expanded box lists."""
    annotations = view.session.annotations
    found = []
    for place in box.members:
        node = view.node(place)
        look = look_of(node.key, annotations)
        name = f"{title_of(node, annotations)}  {where(view.graph, node.key)}"
        found.append(Member(look.glyph, look.role, name))
    return found


def group_lines(view: View, scene: Scene, width: int) -> list[Line]:
    """Every supernode with its members, from input to output."""
    groups = [box for box in scene.boxes if box.is_group]
    lines: list[Line] = []
    for box in sorted(groups, key=lambda each: each.layer):
        count = f"{len(box.members)} node{'s' if len(box.members) != 1 else ''}"
        label = clip(box.label, width - 16)
        dashes = "─" * max(0, width - width_of([Span(label)]) - len(count) - 5)
        head = [Span("── ", "line"), Span(label, "bold"), Span(f" {dashes} ", "line")]
        lines.append(line(*head, Span(count, "muted"), name=box.name.removeprefix("group:")))
        lines += [_member(view, view.node(place).key, width) for place in box.members]
    return lines


def with_selected(lines: Iterable[Line], selected: NodeKey | None) -> list[Line]:
    """Lines of members, the selected one pointed at."""
    return [
        replace(each, spans=(HERE, *each.spans[1:]))
        if selected is not None and each.target == selected
        else each
        for each in lines
    ]


def _member(view: View, key: NodeKey, width: int) -> Line:
    session = view.session
    look = look_of(key, session.annotations)
    left = [
        NOT_HERE,
        Span(f"{look.glyph} ", look.role),
        Span(title_of(session.node(key), session.annotations)),
    ]
    return line(*spread(left, [Span(where(view.graph, key), "muted")], width), target=key)


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


def _chain_lines(
    chain: _Chain, drawn: set[str], labels: Mapping[str, str], width: int
) -> list[Line]:
    """A chain, continued on indented lines when it is too long for one."""
    spans: list[Span] = []
    lines: list[Line] = []
    for at, name in enumerate(chain.names):
        pieces = [_box(labels[name])]
        if at < len(chain.edges):
            pieces += _arrow(chain.edges[at])
            target = chain.edges[at].target
            if target in drawn or target in chain.names[: at + 1]:
                pieces[-1] = Span("↗ " + clip(labels[target], NAME_WIDTH), "muted")
        if spans and width_of(spans) + width_of(pieces) > width:
            lines.append(line(*spans))
            spans = [Span("    ")]
        spans += pieces
    return [*lines, line(*crop(spans, width))]


def _box(label: str) -> Span:
    return Span(f"[{clip(label, NAME_WIDTH)}]", "title")


def _arrow(edge: SupernodeEdge) -> list[Span]:
    role = "plus" if edge.weight >= 0 else "minus"
    weight = f"{abs(edge.weight):.2f}".removeprefix("0")
    sign = "" if edge.weight >= 0 else "−"
    return [Span(f" ─{sign}{weight}", role), Span("→ ", role)]


def _rest_lines(
    edges: Sequence[SupernodeEdge], labels: Mapping[str, str], width: int
) -> list[Line]:
    """Edges the chains have no place for, strongest first, in one paragraph."""
    lines: list[Line] = []
    spans: list[Span] = [Span("also ", "muted")]
    for edge in edges[:8]:
        names = f"{clip(labels[edge.source], 16)} → {clip(labels[edge.target], 16)} "
        piece = [
            Span(names, "muted"),
            Span(f"{signed(edge.weight)}   ", "plus" if edge.weight >= 0 else "minus"),
        ]
        if width_of(spans) + width_of(piece) - 3 > width and len(spans) > 1:
            lines.append(line(*crop(spans, width)))
            spans = [Span("     ")]
        spans += piece
    return [*lines, line(*crop(spans, width))] if edges else []
