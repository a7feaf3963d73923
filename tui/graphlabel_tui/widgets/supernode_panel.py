"""The supernode panel: the simplified circuit, its scores, and how the last edit changed them."""

from __future__ import annotations

from typing import ClassVar

from textual import events
from textual.binding import BindingType
from textual.message import Message
from textual.strip import Strip
from textual.timer import Timer
from textual.worker import Worker, WorkerState

from graphlabel.annotation import Annotations
from graphlabel.graph import NodeKey
from graphlabel_tui.circuit import Circuit, Scored, change_parts, circuit_of, score_words
from graphlabel_tui.commands import region_bindings
from graphlabel_tui.lines import Line, Span, line, width_of, wrap
from graphlabel_tui.messages import BoxMarked, NodeFollowed, SupernodeChosen
from graphlabel_tui.view import View
from graphlabel_tui.widgets.box_drawing import Drawing, draw_boxes
from graphlabel_tui.widgets.box_layout import BoxLayout, lay_out_boxes
from graphlabel_tui.widgets.region import LineList
from graphlabel_tui.widgets.supernode_lines import (
    box_edges,
    drawing,
    group_lines,
    members_of,
    with_selected,
)

EMPTY = (
    "No supernodes yet. Mark nodes with space, then press g and give the group a name, or pin "
    "nodes with p; groups, pinned nodes and the edges between them are drawn here."
)
CHANGED = 0.005
"""A score that rises or falls by less looks the same."""
BOXED_HEIGHT = 16
"""From so many lines on the circuit is drawn as boxes; below, as chains of names."""
QUICK = 20_000
"""A graph with more edges than this is scored in a thread."""
SOON = 0.1
"""Seconds before that: the edit itself is painted first, and of edits in a row the last is scored.
"""


class SupernodePanel(LineList):
    """Supernodes and pinned nodes: boxes with room, else chains and lists of members."""

    BINDINGS: ClassVar[list[BindingType]] = [*region_bindings("supernodes")]

    def __init__(self, view: View) -> None:
        """Show a view's supernodes."""
        super().__init__(view, "supernodes")
        self.circuit: Circuit | None = None
        self.box: str | None = None
        """The box under the cursor."""
        self.expanded: set[str] = set()
        self.layout_: BoxLayout | None = None
        self._drawing: Drawing | None = None
        self._before: Scored | None = None
        self._head: list[Line] = []
        """Lines above the boxes."""
        self._made_of: object = None
        self._asked_of: object = None
        self._due: Timer | None = None
        self._laid_out_of: object = None
        self._listed_of: object = None
        self._chains: list[Line] = []
        self._groups: list[Line] = []

    # Bringing the circuit up to date

    def show_view(self) -> None:
        """Make the lines anew when the circuit, the selection or the size changed."""
        session = self.view.session
        if self.circuit is None or self.circuit.annotations is not session.annotations:
            self._ask_for_circuit()
        room = self.room
        marked = tuple(session.marked) if self.is_boxed else ()
        chosen = (session.selected, marked, self.box, tuple(sorted(self.expanded)))
        state = (self.circuit, self._before, chosen, room, self.display)
        if state != self._made_of:
            self._made_of = state
            super().show_view()

    def _ask_for_circuit(self) -> None:
        session = self.view.session
        annotations, document, held = session.annotations, session.document, self.circuit
        if len(session.graph.edges) <= QUICK:
            self._take_up(circuit_of(document, annotations, held))
        elif annotations is not self._asked_of:
            self._asked_of = annotations
            if self._due is not None:
                self._due.stop()
            self._due = self.set_timer(SOON, lambda: self._work_out(annotations))

    def _work_out(self, annotations: Annotations) -> None:
        """Work the circuit out in a thread."""
        document, held = self.view.session.document, self.circuit
        self.run_worker(
            lambda: circuit_of(document, annotations, held),
            thread=True, exclusive=True, group="circuit",
        )  # fmt: skip

    def on_worker_state_changed(self, event: Worker.StateChanged) -> None:
        """Show the circuit that was worked out, unless a newer one was asked for."""
        result = event.worker.result if event.state is WorkerState.SUCCESS else None
        if isinstance(result, Circuit) and result.annotations is self._asked_of:
            self._take_up(result)
            self.show_view()

    def _take_up(self, circuit: Circuit) -> None:
        if self.circuit is not None:
            self._before = self.circuit.scored
        self.circuit = circuit
        names = {box.name for box in circuit.scene.boxes} if circuit.scene else set()
        self.expanded &= names
        if self.box not in names:
            self.box = None

    @property
    def is_boxed(self) -> bool:
        """Whether there is room for boxes, and something to put into them."""
        scene = self.circuit.scene if self.circuit else None
        return scene is not None and self.room.height >= BOXED_HEIGHT

    # Lines

    def make_lines(self, width: int) -> list[Line]:
        """The scores, then the drawing."""
        circuit = self.circuit
        count = len(self.view.session.annotations.supernodes)
        note = score_words(circuit.scored) if circuit else "working out the scores …"
        self.titled(f"4 supernodes   {count}" if count else "4 supernodes", note)
        self._drawing = None
        if circuit is None:
            return []
        hint = [] if count else wrap(EMPTY, width, "muted")
        changes = self._change_lines(width)
        self._head = [*changes, *hint]
        if circuit.scene is None:
            return self._head
        if self.is_boxed:
            return [*self._head, *self._boxed_lines(circuit, width)]
        if (circuit, width) != self._listed_of:
            self._chains = drawing(circuit.scene, width)
            self._groups = group_lines(self.view, circuit.scene, width)
            self._listed_of = (circuit, width)
        groups = with_selected(self._groups, self.view.session.selected)
        return [*hint, *self._chains, *changes, *groups]

    def show_drawing(self) -> None:
        """Draw anew: the cursor moved or a box was expanded."""
        self.show_view()
        drawn, layout = self._drawing, self.layout_
        if drawn is None or layout is None:
            return
        if self.box in drawn.tops:
            top, height = drawn.tops[self.box]
            self._bring_into_sight(top + len(self._head), height, layout)

    def whole_width(self) -> int:
        """As wide as the drawing, which may be wider than the region."""
        width = super().whole_width()
        return max(width, self.layout_.width) if self._drawing and self.layout_ else width

    def _boxed_lines(self, circuit: Circuit, width: int) -> list[Line]:
        assert circuit.scene is not None
        if (circuit, width) != self._laid_out_of:
            self.layout_ = lay_out_boxes(circuit.scene, width)
            self._laid_out_of = (circuit, width)
        assert self.layout_ is not None
        boxes = {box.name: box for box in circuit.scene.boxes}
        marked = {self.view.graph.index_of[key] for key in self.view.session.marked}
        inside = {name: members_of(self.view, boxes[name]) for name in self.expanded}
        names = frozenset(n for n, box in boxes.items() if marked.issuperset(box.members))
        self._drawing = draw_boxes(self.layout_, inside, self.box, names)
        told = box_edges(circuit.scene, self.box, self.layout_.left_out, width)
        return [*self._drawing.lines, *told]

    def _change_lines(self, width: int) -> list[Line]:
        """How the last edit changed the scores."""
        if self.circuit is None or self._before is None:
            return []
        now, before = self.circuit.scored, self._before
        if before.of_subgraph != now.of_subgraph:
            return wrap(f"last edit: before, {score_words(before)}", width, "muted")
        parts = [part for part in change_parts(before, now) if abs(part.rise) >= CHANGED]
        if not parts:
            return [line(Span("last edit: the scores stay as they were", "muted"))]
        spans = [Span("last edit: ", "muted")]
        lines: list[Line] = []
        for part in parts:
            text = f"{'+' if part.rise > 0 else '−'} {part.words}   "
            if len(spans) > 1 and width_of(spans) + len(text) - 3 > width:
                lines.append(line(*spans))
                spans = [Span(" " * 11)]
            spans.append(Span(text, "good" if part.rise > 0 else "warn"))
        return [*lines, line(*spans)]

    def render_line(self, y: int) -> Strip:
        """One line of the screen; a wide drawing is scrolled sideways."""
        left, width = self.scroll_offset.x, self.room.width
        row = y + self.scroll_offset.y
        if left == 0 or not 0 <= row < len(self.lines):
            return super().render_line(y)
        whole = self.strip_of(self.lines[row].spans, left + width)
        return whole.crop(left, left + width)

    # Moving

    @property
    def entered(self) -> Message | None:
        """What Enter means: a group expands, a node is gone to."""
        if not self.is_boxed:
            return super().entered
        circuit, box = self.circuit, self.box
        if circuit is None or circuit.scene is None or box is None:
            return None
        chosen = next(each for each in circuit.scene.boxes if each.name == box)
        if not chosen.is_group:
            return NodeFollowed(self.view.node(chosen.members[0]).key)
        self.expanded ^= {box}
        self.show_drawing()
        return None

    @property
    def marking(self) -> Message | None:
        """What marking means here: the members of the box under the cursor."""
        if not self.is_boxed:
            found = super().entered
            return found if isinstance(found, SupernodeChosen) else None
        return BoxMarked(self._keys_of(self.box)) if self.box else None

    def _keys_of(self, name: str) -> tuple[NodeKey, ...]:
        assert self.circuit is not None
        assert self.circuit.scene is not None
        box = next(each for each in self.circuit.scene.boxes if each.name == name)
        return tuple(self.view.node(place).key for place in box.members)

    def go_left(self) -> None:
        """The box to the left."""
        self._walk(-1, 0)

    def go_right(self) -> None:
        """The box to the right."""
        self._walk(1, 0)

    def go_up(self) -> None:
        """The box above, or the line above."""
        if not self._walk(0, -1):
            super().go_up()

    def go_down(self) -> None:
        """The box below, or the line below."""
        if not self._walk(0, 1):
            super().go_down()

    def go_first(self) -> None:
        """The top."""
        self._walk_to_end(-1)
        super().go_first()

    def go_last(self) -> None:
        """The bottom."""
        self._walk_to_end(0)
        super().go_last()

    def _walk_to_end(self, end: int) -> None:
        if self.is_boxed and self.layout_ and self.layout_.boxes:
            ranked = sorted(self.layout_.boxes.values(), key=lambda each: (each.row, -each.x))
            self.box = ranked[end].box.name
            self.show_drawing()

    def _walk(self, dx: int, dy: int) -> bool:
        """Move the cursor to a neighbouring box; whether there are boxes at all."""
        if not self.is_boxed or self.layout_ is None:
            return False
        if self.box is None:
            self._walk_to_end(-1)
            return True
        found = self.layout_.beside(self.box, dx, dy)
        if found is None:
            self.scroll_relative(x=4 * dx, y=dy, animate=False)
        else:
            self.box = found
            self.show_drawing()
        return True

    def _bring_into_sight(self, top: int, height: int, layout: BoxLayout) -> None:
        assert self.box is not None
        room, at = self.room, layout.boxes[self.box]
        x, y = self.scroll_offset.x, self.scroll_offset.y
        left = at.x if at.x < x else max(x, at.x + at.width - room.width)
        upper = top if top < y else max(y, top + height + 1 - room.height)
        if (left, upper) != (x, y):
            self.scroll_to(x=left, y=upper, animate=False)

    def on_click(self, event: events.Click) -> None:
        """Choose the box under the mouse and mark its members, or enter the line."""
        if self._drawing is None or self.layout_ is None:
            super().on_click(event)
            return
        event.prevent_default()
        x = event.x - self.gutter.left + self.scroll_offset.x
        y = event.y - self.gutter.top + self.scroll_offset.y - len(self._head)
        for name, (top, height) in self._drawing.tops.items():
            at = self.layout_.boxes[name]
            if top <= y < top + height and at.x <= x < at.x + at.width:
                self.box = name
                self.show_drawing()
                self.post_message(BoxMarked(self._keys_of(name)))
