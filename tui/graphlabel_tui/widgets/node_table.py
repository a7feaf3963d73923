"""The node table: every node in sight a row, filtered and sorted, drawn only where one looks."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.strip import Strip

from graphlabel.annotation import Review
from graphlabel.graph import Node, NodeKey
from graphlabel_tui.commands import region_bindings
from graphlabel_tui.glyphs import dots, look_of
from graphlabel_tui.lines import Span, fit
from graphlabel_tui.messages import NodeChosen
from graphlabel_tui.view import View
from graphlabel_tui.widgets.region import Region
from graphlabel_tui.wording import NO_LABEL, label_maker, name_of, number, where

HEADER = 1
SHORT = {"token counter": "counter", "from the file": "file"}
"""Makers of labels where there is little room."""


class NodeTable(Region):
    """Nodes in rows; the cursor is the selected node."""

    BINDINGS: ClassVar[list[BindingType]] = [*region_bindings("nodes")]

    def __init__(self, view: View) -> None:
        """Show a view's nodes."""
        super().__init__(view, "nodes")
        self.rows: list[int] = []
        self._row_of: dict[int, int] = {}
        self._state: object = None
        self._cursor: int | None = None

    @property
    def row(self) -> int | None:
        """The selected node's row, if it has one."""
        place = self.view.session.place
        return None if place is None else self._row_of.get(place)

    def show_view(self) -> None:
        """Paint what changed: the rows, or the old and the new cursor."""
        view, session = self.view, self.view.session
        state = (
            view.visible(), view.query, view.sort, session.annotations, tuple(session.marked)
        )  # fmt: skip
        if state != self._state:
            if self._state is None or state[:4] != self._state[:4]:  # type: ignore[index]
                self.rows = view.rows()
                self._row_of = {place: row for row, place in enumerate(self.rows)}
            self._state = state
            width = self.scrollable_content_region.width
            self.virtual_size = Size(width, len(self.rows) + HEADER)
            self.refresh()
        self._show_title()
        for row in {self._cursor, self.row} - {None}:
            self.refresh_line(row + HEADER)  # type: ignore[operator]
        if self._cursor != self.row:
            self._cursor = self.row
            self._bring_into_sight()

    def _show_title(self) -> None:
        view = self.view
        shown, all_ = len(self.rows), len(view.graph)
        query = f"   / {view.query.strip()}" if view.query.strip() else ""
        marked = f"   {len(view.session.marked)} marked" if view.session.marked else ""
        self.titled(f"3 nodes{query}   {shown} of {all_}   by {view.sort} ▾{marked}")

    def _bring_into_sight(self) -> None:
        row = self.row
        if row is None:
            return
        top, height = self.scroll_offset.y, self.scrollable_content_region.height - HEADER
        if row < top:
            self.scroll_to(y=row, animate=False)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False)

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self.virtual_size = Size(self.scrollable_content_region.width, len(self.rows) + HEADER)
        self._bring_into_sight()
        self.refresh()

    # Painting

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, or a row."""
        width = self.scrollable_content_region.width
        if y < HEADER:
            return self.strip_of(self._header(width), width, "muted")
        row = y - HEADER + self.scroll_offset.y
        if not self.rows and row == 0:
            return self.strip_of((Span(self._empty()[:width]),), width, "muted")
        if row >= len(self.rows):
            return self.strip_of((), width)
        over = "cursor" if row == self.row else ""
        return self.strip_of(self._row_spans(self.rows[row], width), width, over)

    def _empty(self) -> str:
        if self.view.query.strip():
            return " Nothing matches the filter. / changes it, an empty filter shows all nodes."
        return " No node is in sight. + shows less influential ones, E the error nodes."

    def _widths(self, width: int) -> tuple[int, int, int, int]:
        """Cells for what-and-where, label, trust and who; the label takes what is left."""
        place = 26 if width >= 80 else 21 if width >= 48 else 0
        trust = 6 if width >= 58 else 0
        who = 15 if width >= 76 else 12 if width >= 40 else 0
        activation = 7 if width >= 90 else 0
        label = max(4, width - 5 - place - 6 - trust - who - activation)
        return place, label, trust, who

    def _header(self, width: int) -> list[Span]:
        place, label, trust, who = self._widths(width)
        text = "     " + fit("node", place) + fit("label", label) + fit("infl.", 6, "right")
        text += fit("act.", 7, "right") if width >= 90 else ""
        return [Span(text + fit(" trust", trust) + fit(" who", who))]

    def _row_spans(self, place: int, width: int) -> list[Span]:
        view, session = self.view, self.view.session
        node = view.node(place)
        look = look_of(node.key, session.annotations)
        cells = self._widths(width)
        label = session.annotations.label_of(node.key)
        name = name_of(node, session.annotations)
        influence = view.influence[place]
        score = label.provenance.score if label else None
        spans = [
            self._mark(node),
            Span(f" {look.glyph} ", look.role),
            Span(fit(where(view.graph, node.key), cells[0] - 1 if cells[0] else 0), "muted"),
            Span(" " if cells[0] else ""),
            Span(fit(name or NO_LABEL, cells[1] - 1) + " ", "" if name else "muted"),
            Span(fit("" if influence is None else f"{influence:.2f}", 6, "right")),
        ]
        if width >= 90:
            shown = "" if node.activation is None else number(node.activation)
            spans.append(Span(fit(shown, 7, "right")))
        spans.append(Span(fit("" if score is None else f" {dots(score)}", cells[2]), "title"))
        who = self._who(node)
        spans.append(Span(fit(f" {who}", cells[3]), "warn" if who.startswith("needs") else "muted"))
        return spans

    def _mark(self, node: Node) -> Span:
        session = self.view.session
        if node.key in session.marked:
            return Span("◉ ", "title")
        review = session.annotations.reviews.get(node.key)
        if review is Review.ACCEPTED:
            return Span("✓ ", "good")
        if review is Review.REJECTED:
            return Span("✗ ", "warn")
        return Span("• " if node.key in session.annotations.pinned else "  ", "muted")

    def _who(self, node: Node) -> str:
        session = self.view.session
        label = session.annotations.label_of(node.key)
        if label:
            return SHORT.get(made := label_maker(label, session.author), made)
        routing = session.annotations.routing_of(node.key) if node.is_feature else None
        if routing is None:
            return ""
        return {1: "", 2: "needs model", 3: "needs you"}[routing.tier]

    # Moving

    def go_up(self) -> NodeKey | None:
        """The row above."""
        return self._move(-1)

    def go_down(self) -> NodeKey | None:
        """The row below."""
        return self._move(1)

    def go_page_up(self) -> NodeKey | None:
        """A page up."""
        return self._move(-max(1, self.scrollable_content_region.height - HEADER - 1))

    def go_page_down(self) -> NodeKey | None:
        """A page down."""
        return self._move(max(1, self.scrollable_content_region.height - HEADER - 1))

    def go_first(self) -> NodeKey | None:
        """The first row."""
        return self._key(0)

    def go_last(self) -> NodeKey | None:
        """The last row."""
        return self._key(len(self.rows) - 1)

    def _move(self, step: int) -> NodeKey | None:
        return self._key(0 if self.row is None else self.row + step)

    def _key(self, row: int) -> NodeKey | None:
        if not self.rows:
            return None
        return self.view.node(self.rows[max(0, min(len(self.rows) - 1, row))]).key

    def on_click(self, event: events.Click) -> None:
        """Select the row under the mouse."""
        row = event.y - self.gutter.top - HEADER + self.scroll_offset.y
        if event.y - self.gutter.top >= HEADER and 0 <= row < len(self.rows):
            self.post_message(NodeChosen(self.view.node(self.rows[row]).key))
