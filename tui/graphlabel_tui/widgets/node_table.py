"""The node table: every node in sight a row, filtered and sorted, drawn only where one looks."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.geometry import Size
from textual.strip import Strip

from graphlabel.annotation import Review, node_trust
from graphlabel.graph import Node, NodeKey
from graphlabel_tui.commands import region_bindings
from graphlabel_tui.glyphs import dots, look_of
from graphlabel_tui.inert import inert
from graphlabel_tui.lines import Span, clip, fit, wrap
from graphlabel_tui.messages import MarksChosen, NodeChosen, OrderChosen
from graphlabel_tui.view import View
from graphlabel_tui.widgets.region import Region
from graphlabel_tui.widgets.table_columns import DOWN, UP, Column, column_at, columns_for
from graphlabel_tui.wording import NO_LABEL, label_maker, name_of, number, where

HEADER = 1
MOST_QUERY = 40
"""Cells of the filter in the title; the edit line shows all of it."""
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
        self._state: tuple[object, ...] | None = None
        self._cursor: int | None = None
        self._anchor: tuple[int, dict[NodeKey, None]] | None = None
        """Where the range being marked began, as a place, and what was marked before."""
        self._ranged: dict[NodeKey, None] = {}
        self._range_end = -1

    @property
    def row(self) -> int | None:
        """The selected node's row, if it has one."""
        place = self.view.session.place
        return None if place is None else self._row_of.get(place)

    def show_view(self) -> None:
        """Paint what changed: the rows, or the old and the new cursor."""
        view, session = self.view, self.view.session
        state = (
            view.visible(), view.query, view.sort, view.reverse, session.annotations,
            tuple(session.marked),
        )  # fmt: skip
        if state != self._state:
            if self._rows_differ(state):
                self.rows = view.rows()
                self._row_of = {place: row for row, place in enumerate(self.rows)}
            self._state = state
            width = self.room.width
            self.spans_size(Size(width, len(self.rows) + HEADER))
            self.refresh()
        self._show_title()
        rows = (self._cursor, self.row) if self._cursor != self.row else ()
        self.refresh_rows(row + HEADER for row in rows if row is not None)
        if self._cursor != self.row:
            self._cursor = self.row
            self._bring_into_sight()

    def _rows_differ(self, state: tuple[object, ...]) -> bool:
        """Whether rows may come, go or move; marks move none unless asked about or sorted by."""
        by_marks = self.view.sort == "marked" or "marked" in self.view.query.casefold()
        return self._state is None or (
            state != self._state if by_marks else state[:-1] != self._state[:-1]
        )

    def _show_title(self) -> None:
        view = self.view
        shown, all_ = len(self.rows), len(view.graph)
        query = f"   / {clip(view.query.strip(), MOST_QUERY)}" if view.query.strip() else ""
        marked = f"   {len(view.session.marked)} marked" if view.session.marked else ""
        order = f"{view.sort} {UP if view.reverse else DOWN}"
        away = view.session.place is not None and self.row is None and bool(self.rows)
        note = "the selected node is filtered out" if query and away else ""
        self.titled(f"3 nodes{query}   {shown} of {all_}{marked}   by {order}", note)

    def _bring_into_sight(self) -> None:
        row = self.row
        if row is None:
            return
        top, height = self.scroll_offset.y, self.room.height - HEADER
        if row < top:
            self.scroll_to(y=row, animate=False)
        elif row >= top + height:
            self.scroll_to(y=row - height + 1, animate=False)

    def on_resize(self) -> None:
        """Columns depend on the width."""
        self.spans_size(Size(self.room.width, len(self.rows) + HEADER))
        self._bring_into_sight()
        self.refresh()

    # Painting

    def render_line(self, y: int) -> Strip:
        """One line of the screen: the header, or a row."""
        width = self.room.width
        if y < HEADER:
            return self.strip_of(self._header(width), width, "muted")
        row = y - HEADER + self.scroll_offset.y
        if not self.rows:
            words = wrap(self._empty(), width - 2)[row : row + 1]
            return self.strip_of([Span(" "), *(each.spans[0] for each in words)], width, "muted")
        if row >= len(self.rows):
            return self.strip_of((), width)
        over = "cursor" if row == self.row else ""
        return self.strip_of(self._row_spans(self.rows[row], width), width, over)

    def _empty(self) -> str:
        if self.view.query.strip():
            return "Nothing matches the filter. / changes it, esc shows all nodes."
        return "No node is in sight. + shows less influential ones, E the error nodes."

    def _header(self, width: int) -> list[Span]:
        view = self.view
        heads = [each.head(view.sort, view.reverse) for each in columns_for(width)]
        return [Span("     " + "".join(heads))]

    def _row_spans(self, place: int, width: int) -> list[Span]:
        annotations = self.view.session.annotations
        node = self.view.node(place)
        look = look_of(node.key, annotations)
        spans = [self._mark(node), Span(f" {look.glyph} ", look.role)]
        for column in columns_for(width):
            text, role = self._cell(column, place, node)
            if column.align == "right":
                spans.append(Span(fit(text, column.width, "right"), role))
            else:
                spans += [Span(fit(text, column.width - 1), role), Span(" ")]
        return spans

    def _cell(self, column: Column, place: int, node: Node) -> tuple[str, str]:
        """A cell's text and its role."""
        view, annotations = self.view, self.view.session.annotations
        match column.order:
            case "layer":
                return where(view.graph, node.key), "muted"
            case "label":
                name = name_of(node, annotations)
                return name or NO_LABEL, "" if name else "muted"
            case "influence":
                influence = view.influence[place]
                return "" if influence is None else f"{influence:.2f}", ""
            case "activation":
                return "" if node.activation is None else number(node.activation), ""
            case "trust":
                return self._trust(node, column.width), "title"
            case "who":
                who = self._who(node)
                return f" {who}", "warn" if who.startswith("needs") else "muted"
            case "supernode":
                group = annotations.supernode_of(node.key)
                return f" {inert(group.name)}" if group else "", "muted"
        return f" {inert(annotations.notes.get(node.key, ''), 200)}", "italic"

    def _trust(self, node: Node, width: int) -> str:
        trust = node_trust(node.key, self.view.session.annotations)
        if trust is None:
            return ""
        return f" {dots(trust)} {trust:.2f}" if width >= 12 else f" {dots(trust)}"

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
        return self._move(-max(1, self.room.height - HEADER - 1))

    def go_page_down(self) -> NodeKey | None:
        """A page down."""
        return self._move(max(1, self.room.height - HEADER - 1))

    def go_first(self) -> NodeKey | None:
        """The first row."""
        return self._key(0)

    def go_last(self) -> NodeKey | None:
        """The last row."""
        return self._key(len(self.rows) - 1)

    def go_mark_up(self) -> NodeKey | None:
        """The row above, in the range of marked rows."""
        return self._mark_to(-1)

    def go_mark_down(self) -> NodeKey | None:
        """The row below, in the range of marked rows."""
        return self._mark_to(1)

    def _mark_to(self, step: int) -> NodeKey | None:
        return self._mark_range((self.row or 0) + step) if self.rows else None

    @property
    def _goes_on(self) -> bool:
        """Whether nothing was marked or selected since the last row of the range."""
        return self.view.session.marked == self._ranged and self.row == self._range_end

    def _mark_range(self, row: int) -> NodeKey:
        """Mark the rows from the anchor to this one, and what was marked before."""
        row = max(0, min(len(self.rows) - 1, row))
        begun = self._anchor and self._row_of.get(self._anchor[0])
        if begun is None or self._anchor is None or not self._goes_on:
            begun = self.row or 0
            self._anchor = self.rows[begun], dict(self.view.session.marked)
        places = self.rows[min(begun, row) : max(begun, row) + 1]
        keys = (self.view.node(place).key for place in places)
        self._ranged = self.marks = {**self._anchor[1], **dict.fromkeys(keys)}
        self._range_end = row
        return self.view.node(self.rows[row]).key

    def _move(self, step: int) -> NodeKey | None:
        return self._key(0 if self.row is None else self.row + step)

    def _key(self, row: int) -> NodeKey | None:
        if not self.rows:
            return None
        return self.view.node(self.rows[max(0, min(len(self.rows) - 1, row))]).key

    def on_click(self, event: events.Click) -> None:
        """Sort by a column; or select the row under the mouse, with shift all rows up to it."""
        y = event.y - self.gutter.top
        if 0 <= y < HEADER:
            width = self.room.width
            column = column_at(columns_for(width), event.x - self.gutter.left)
            if column:
                self.post_message(OrderChosen(column.order))
            return
        row = y - HEADER + self.scroll_offset.y
        if not 0 <= row < len(self.rows):
            return
        if event.shift:
            key = self._mark_range(row)
            self.post_message(MarksChosen(self._ranged, key))
            return
        key = self.view.node(self.rows[row]).key
        if event.ctrl:
            marked = self.view.session.marked
            kept = {each: None for each in marked if each != key}
            self.post_message(MarksChosen(kept if key in marked else {**marked, key: None}, key))
        else:
            self.post_message(NodeChosen(key))
