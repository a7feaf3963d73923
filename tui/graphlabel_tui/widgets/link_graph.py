"""The link graph: positions × layers, every node a glyph, the selected node's edges marked."""

from __future__ import annotations

from typing import ClassVar, NamedTuple

from rich.cells import cell_len
from textual import events
from textual.binding import BindingType
from textual.geometry import Region as ScreenRegion
from textual.geometry import Size
from textual.strip import Strip

from graphlabel.graph import TOKEN_LAYER, NodeKey
from graphlabel_tui.commands import region_bindings
from graphlabel_tui.glyphs import Look, look_of
from graphlabel_tui.inert import bare_token
from graphlabel_tui.lines import Span, fit
from graphlabel_tui.messages import NodeChosen
from graphlabel_tui.view import View
from graphlabel_tui.widgets.cells import Cells
from graphlabel_tui.widgets.edge_lines import Mark, edge_lines, edge_marks
from graphlabel_tui.widgets.graph_title import graph_title
from graphlabel_tui.widgets.grid import FURTHEST_IN, FURTHEST_OUT, Grid, Slot, Zoom, make_grid
from graphlabel_tui.widgets.region import Region
from graphlabel_tui.wording import token_at

GUTTER = 5
PAN = 8
"""Cells panned at a time."""
FOOT = 3
"""Fixed lines at the bottom: tokens, edges in, edges out."""


class PlainRow(NamedTuple):
    """A row before the selection and its edges mark it."""

    slots: list[Slot]
    cells: Cells


class LinkGraph(Region):
    """Nodes by position and layer."""

    BINDINGS: ClassVar[list[BindingType]] = [*region_bindings("graph")]

    def __init__(self, view: View) -> None:
        """Show a view's graph."""
        super().__init__(view, "graph")
        self.grid: Grid | None = None
        self.zoom = Zoom()
        self.stride = 1
        """Lines from one row to the next: two when there is room."""
        self._shape: object = None
        self._routings: object = None
        self._labels: object = None
        self._pinned: frozenset[NodeKey] = frozenset()
        self._marked: frozenset[NodeKey] = frozenset()
        self._selected: int | None = None
        self._marks: dict[int, Mark] = {}
        self._plain: dict[int, PlainRow] = {}
        self._strips: dict[int, tuple[int, Strip]] = {}
        """Rows as painted, and how far they were scrolled then."""
        self._edges_of: object = None
        self._edges: list[tuple[Span, ...]] = []
        self.painted_rows = 0
        """How many rows were drawn anew so far, for tests of the caching."""

    # Bringing the widget up to date

    def show_view(self) -> None:
        """Paint what changed: everything, or the rows of the old and the new edges."""
        view, session = self.view, self.view.session
        width = max(10, self.room.width - GUTTER)
        visible = view.visible()
        n_rows = view.graph.n_layers + 2
        # without a scroll bar, which may be that of the arrangement before
        height = max(0, self.outer_size.height - self.styles.gutter.height)
        stride = 2 if 2 * n_rows - 1 + FOOT <= height else 1
        shape = (visible, width, height, self.zoom)
        if self.grid is None or shape != self._shape:
            self.grid = make_grid(
                view.graph, visible, view.influence, width, self.zoom, height - FOOT
            )
            self._shape, self.stride = shape, stride
            self.forget_strips()
            self.spans_size(Size(GUTTER + self.grid.width, self._grid_height + FOOT))
            self.refresh()
        self._show_looks()
        self._show_selection(session.place)
        self.titled(*graph_title(view, self.zoom.level, len(visible), self.outer_size.width))

    @property
    def _grid_height(self) -> int:
        return (len(self.grid.layers) - 1) * self.stride + 1 if self.grid else 0

    def _show_looks(self) -> None:
        """Paint the rows of the nodes that an edit or a mark gave another look."""
        grid, session = self.grid, self.view.session
        assert grid is not None
        pinned, marked = frozenset(session.annotations.pinned), frozenset(session.marked)
        routings = session.annotations.routings
        if routings is not self._routings:
            self._routings = routings
            self.forget_strips()
            self.refresh()
        if session.annotations.labels is not self._labels:
            self._labels = session.annotations.labels
            self.refresh(self._foot_region())
        changed = (pinned ^ self._pinned) | (marked ^ self._marked)
        self._pinned, self._marked = pinned, marked
        index = self.view.graph.index_of
        places = {index[key] for key in changed if key in index}
        rows = {grid.where[place][0] for place in places if place in grid.where}
        for row in rows:
            self._plain.pop(row, None)
            self._strips.pop(row, None)
        self.refresh_rows(row * self.stride for row in rows)

    def _show_selection(self, place: int | None) -> None:
        marks = {} if place is None else edge_marks(self.view, place)
        grid = self.grid
        assert grid is not None
        if place == self._selected and marks == self._marks:
            return
        changed = {
            each for each in (*marks, *self._marks) if marks.get(each) != self._marks.get(each)
        } | {each for each in (place, self._selected) if each is not None}
        self._selected, self._marks = place, marks
        rows = {grid.where[each][0] for each in changed if each in grid.where}
        for row in rows:
            self._strips.pop(row, None)
        self.refresh_rows(row * self.stride for row in rows)
        self.refresh(self._foot_region())
        self._bring_into_sight(place)

    def _foot_region(self) -> ScreenRegion:
        width, height = self.room
        top = min(height - FOOT if height > FOOT else height, self._grid_height)
        return ScreenRegion(0, top, width, max(1, height - top))

    def _bring_into_sight(self, place: int | None) -> None:
        if place is None or self.grid is None or place not in self.grid.where:
            return
        row, column = self.grid.where[place]
        row *= self.stride
        height = self.room.height - FOOT
        width = self.room.width - GUTTER
        top, left = self.scroll_offset.y, self.scroll_offset.x
        start, end = self.grid.starts[column], self.grid.starts[column] + self.grid.widths[column]
        y = row if row < top else row - height + 1 if row >= top + height else None
        x = start if start < left else end - width if end > left + width else None
        if x is not None or y is not None:
            self.scroll_to(x=x, y=y, animate=False)

    def forget_strips(self) -> None:
        """Draw every row anew when it is next shown."""
        self._strips, self._plain = {}, {}

    def on_resize(self) -> None:
        """Arrange the nodes for the new size."""
        self.show_view()
        self._bring_into_sight(self._selected)

    # Painting

    def render_line(self, y: int) -> Strip:
        """One line of the screen: a row of the grid, or one of the fixed lines below it."""
        width, height = self.room
        grid = self.grid
        if grid is None:
            return self.strip_of((), width)
        rows = height - FOOT if height > FOOT else height
        row = y + self.scroll_offset.y
        below = y - min(rows, self._grid_height)
        if below >= 0:
            return self._foot_line(below, width)
        row, between = divmod(row, self.stride)
        if between:
            return self.strip_of((Span(f"{'':<{GUTTER - 2}}│ ", "muted"),), width)
        return self._row_strip(row, self.scroll_offset.x)

    def _row_name(self, row: int) -> str:
        assert self.grid is not None
        layer = self.grid.layers[row] if row < len(self.grid.layers) else TOKEN_LAYER
        n_layers = self.view.graph.n_layers
        name = "E" if layer == TOKEN_LAYER else self._layer_name(layer)
        name = name if layer < n_layers else "out"
        return f"{name:<{GUTTER - 2}}│ "

    def _layer_name(self, layer: int) -> str:
        """A layer in three cells; ``24+`` for a row of several."""
        if self.zoom.layers_per_row > 1:
            return f"{layer}+"
        return f"L{layer}" if layer < 100 else str(layer)

    def _row_strip(self, row: int, left: int) -> Strip:
        """A row and its name, scrolled sideways by ``left`` cells."""
        held = self._strips.get(row)
        if held is not None and held[0] == left:
            return held[1]
        self.painted_rows += 1
        width = self.room.width
        name = Span(self._row_name(row), "muted")
        spans = self._row_cells(row, width - GUTTER).spans(left, left + width - GUTTER)
        strip = self.strip_of([name, *spans], width)
        self._strips[row] = (left, strip)
        return strip

    def _row_cells(self, row: int, least: int) -> Cells:
        """A row with the marks of the selection."""
        assert self.grid is not None
        plain = self._plain_row(row, max(self.grid.width, least))
        cells = plain.cells.copy()
        for slot in plain.slots:
            mark = self._marks.get(slot.place) if slot.place is not None else None
            if mark is not None:
                cells.mark(slot.x, mark.role)
                if slot.spaced and mark.sign:
                    cells.put(slot.x - 1, mark.sign, mark.role)
        caption = self._logit_caption(row, plain.slots)
        if caption:
            cells.put(max(0, plain.slots[0].x - 1 - cell_len(caption)), caption, "logit")
        for slot in plain.slots:
            if slot.place is not None and slot.place == self._selected:
                glyph = self._look(slot.place).glyph
                cells.put(slot.x - slot.spaced, f"▶{glyph}◀" if slot.spaced else glyph, "ring")
        return cells

    def _plain_row(self, row: int, width: int) -> PlainRow:
        """A row without what the selection changes."""
        assert self.grid is not None
        held = self._plain.get(row)
        if held is None:
            held = self._plain[row] = self._drawn(self.grid.slots(row, None), width)
        chosen = self._selected
        if chosen is None or self.grid.where.get(chosen, (-1, 0))[0] != row:
            return held
        if any(slot.place == chosen for slot in held.slots):
            return held
        return self._drawn(self.grid.slots(row, chosen), width)

    def _drawn(self, slots: list[Slot], width: int) -> PlainRow:
        cells = Cells(width)
        for slot in slots:
            if slot.place is None:
                cells.put(slot.x, slot.text, "muted")
                continue
            key, look = self.view.node(slot.place).key, self._look(slot.place)
            also = " marked" if key in self._marked else " bold" if key in self._pinned else ""
            cells.put(slot.x, look.glyph, look.role + also)
        return PlainRow(slots, cells)

    def _look(self, place: int) -> Look:
        return look_of(self.view.node(place).key, self.view.session.annotations)

    def _logit_caption(self, row: int, slots: list[Slot]) -> str:
        assert self.grid is not None
        if self.grid.layers[row] < self.view.graph.n_layers or not slots:
            return ""
        places = [slot.place for slot in slots if slot.place is not None]
        selected = self._selected
        chosen = selected if selected is not None and selected in places else places[0]
        text = bare_token(self.view.node(chosen).text)
        return text if text.isprintable() and 0 < cell_len(text) < slots[0].x - 1 else ""

    def _foot_line(self, below: int, width: int) -> Strip:
        if below == 0:
            return self._token_strip(width)
        lines = self._edge_lines(width)
        return self.strip_of(lines[below - 1] if below <= len(lines) else (), width)

    def _edge_lines(self, width: int) -> list[tuple[Span, ...]]:
        """Edges in and out, on as many lines as the grid leaves free."""
        place = self._selected
        if place is None or self.grid is None:
            return []
        free = max(0, self.room.height - self._grid_height - FOOT)
        state = (place, width, free, self._labels, self.view.density)
        if state != self._edges_of:
            self._edges_of, self._edges = state, edge_lines(self.view, place, width, free)
        return self._edges

    def _token_strip(self, width: int) -> Strip:
        grid, graph = self.grid, self.view.graph
        assert grid is not None
        here = None if self._selected is None else self.view.node(self._selected).key.position
        spans: list[Span] = []
        for column, cells in enumerate(grid.widths):
            text = fit(token_at(graph, column), cells - 1)
            role = "title" if column == here else "muted"
            spans += [Span(text, role), Span(" ")]
        left = self.scroll_offset.x
        strip = self.strip_of(spans, max(grid.width, width)).crop(left, left + width - GUTTER)
        return Strip.join([self.strip_of((Span("   │ ", "muted"),), GUTTER), strip])

    # Moving

    def go_left(self) -> NodeKey | None:
        """The node to the left in the row."""
        return self._step(-1, 0)

    def go_right(self) -> NodeKey | None:
        """The node to the right in the row."""
        return self._step(1, 0)

    def go_up(self) -> NodeKey | None:
        """The node above."""
        return self._step(0, -1)

    def go_down(self) -> NodeKey | None:
        """The node below."""
        return self._step(0, 1)

    def go_wider(self) -> None:
        """Zoom in."""
        self._zoom_to(self.zoom.level + 1)

    def go_narrower(self) -> None:
        """Zoom out."""
        self._zoom_to(self.zoom.level - 1)

    def _zoom_to(self, level: int) -> None:
        self.zoom = Zoom(max(FURTHEST_OUT, min(FURTHEST_IN, level)))
        self.show_view()
        self._bring_into_sight(self._selected)

    def go_pan_left(self) -> None:
        """Pan to the left; the selection stays."""
        self.scroll_relative(x=-PAN, animate=False)

    def go_pan_right(self) -> None:
        """Pan to the right."""
        self.scroll_relative(x=PAN, animate=False)

    def go_pan_up(self) -> None:
        """Pan up."""
        self.scroll_relative(y=-1, animate=False)

    def go_pan_down(self) -> None:
        """Pan down."""
        self.scroll_relative(y=1, animate=False)

    def go_page_up(self) -> None:
        """Scroll a page up."""
        self.scroll_page_up(animate=False)

    def go_page_down(self) -> None:
        """Scroll a page down."""
        self.scroll_page_down(animate=False)

    def go_first(self) -> NodeKey | None:
        """The first node of the row."""
        return self._end_of_row(0)

    def go_last(self) -> NodeKey | None:
        """The last node of the row."""
        return self._end_of_row(-1)

    def _end_of_row(self, end: int) -> NodeKey | None:
        if self.grid is None or self._selected not in self.grid.where:
            return None
        row, _ = self.grid.where[self._selected]
        return self._key(self.grid.row_nodes(row)[end])

    def _step(self, dx: int, dy: int) -> NodeKey | None:
        if self.grid is None or not self.grid.where:
            return None
        if self._selected not in self.grid.where:
            return self._key(next(iter(self.grid.where)))
        return self._key(self.grid.step(self._selected, dx, dy))

    def _key(self, place: int | None) -> NodeKey | None:
        return None if place is None else self.view.node(place).key

    def on_click(self, event: events.Click) -> None:
        """Select the node under the mouse."""
        if self.grid is None:
            return
        x = event.x - self.gutter.left - GUTTER + self.scroll_offset.x
        row = (event.y - self.gutter.top + self.scroll_offset.y) // self.stride
        if row >= len(self.grid.layers) or x < 0:
            return
        slots = [slot for slot in self.grid.slots(row, self._selected) if slot.place is not None]
        near = min(slots, key=lambda slot: abs(slot.x - x), default=None)
        if near and near.place is not None and abs(near.x - x) <= 1:
            self.post_message(NodeChosen(self.view.node(near.place).key))
