"""The supernode panel: a small drawing of the circuit, and every supernode's members."""

from __future__ import annotations

from typing import ClassVar

from textual.binding import BindingType

from graphlabel.graph import GraphScores, NodeKey, supernode_edges
from graphlabel_tui.commands import region_bindings
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.inert import inert
from graphlabel_tui.lines import Line, Span, clip, line, spread, wrap
from graphlabel_tui.view import View
from graphlabel_tui.widgets.region import LineList
from graphlabel_tui.widgets.supernode_lines import drawing
from graphlabel_tui.wording import title_of, where

EMPTY = (
    "No supernodes yet. Mark nodes with space, then press g and give the group a name; "
    "edges between groups are drawn here."
)


class SupernodePanel(LineList):
    """Supernodes with their members and the edges between them."""

    BINDINGS: ClassVar[list[BindingType]] = [*region_bindings("supernodes")]

    def __init__(self, view: View) -> None:
        """Show a view's supernodes."""
        super().__init__(view, "supernodes")
        self._made_of: object = None

    def show_view(self) -> None:
        """Make the lines anew when supernodes, labels or the selection changed."""
        session = self.view.session
        state = (session.annotations, session.selected, self.scrollable_content_region.width)
        if state != self._made_of:
            self._made_of = state
            super().show_view()

    def make_lines(self, width: int) -> list[Line]:
        """The drawing, then each supernode with its members."""
        view = self.view
        note = _scores(view.graph.scores)
        groups = view.session.annotations.supernodes
        self.titled(f"4 supernodes   {len(groups)}" if groups else "4 supernodes", note)
        if not groups:
            return wrap(EMPTY, width, "muted")
        members = view.supernode_members()
        edges = supernode_edges(view.graph.edges, members, n_nodes=len(view.graph))
        depth = {name: self._depth(places) for name, places in members.items()}
        lines = drawing(list(members), edges, depth, width)
        for name in sorted(members, key=lambda each: depth[each]):
            lines += self._group_lines(name, members[name], width)
        return lines

    def _depth(self, places: list[int]) -> float:
        layers = [self.view.node(place).key.layer for place in places]
        return sum(layers) / len(layers) if layers else 0.0

    def _group_lines(self, name: str, places: list[int], width: int) -> list[Line]:
        count = f"{len(places)} node{'s' if len(places) != 1 else ''}"
        dashes = "─" * max(0, width - len(clip(inert(name), width - 16)) - len(count) - 5)
        head = line(
            Span("── ", "line"),
            Span(clip(inert(name), width - 16), "bold"),
            Span(f" {dashes} ", "line"),
            Span(count, "muted"),
            name=name,
        )
        return [head, *(self._member(self.view.node(place).key, width) for place in places)]

    def _member(self, key: NodeKey, width: int) -> Line:
        session = self.view.session
        node = session.node(key)
        look = look_of(key, session.annotations)
        here = "▶" if key == session.selected else " "
        left = [
            Span(f"{here} ", "title"),
            Span(f"{look.glyph} ", look.role),
            Span(title_of(node, session.annotations)),
        ]
        right = [Span(where(self.view.graph, key), "muted")]
        return line(*spread(left, right, width), target=key)


def _scores(scores: GraphScores | None) -> str:
    if scores is None:
        return ""
    return f"replacement {scores.replacement:.2f} completeness {scores.completeness:.2f}"
