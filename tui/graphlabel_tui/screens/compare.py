"""The screen that compares two graphs: the features they share, side by side."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import ClassVar

from rich.cells import cell_len
from textual import events
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from graphlabel.errors import GraphLabelError
from graphlabel.files import write_graph
from graphlabel.files.compare import Occurrences, SharedFeature
from graphlabel.graph import NodeKey, NodeKind
from graphlabel_tui.comparing import SideBySide
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.inert import bare_token, inert
from graphlabel_tui.lines import Span, clip, cut_before, fit
from graphlabel_tui.screens.modal import Dialog
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.painted import Painted
from graphlabel_tui.wording import NO_LABEL, token_at

HEAD = 3
AGREEMENT = {True: ("=", "good"), False: ("≠", "warn"), None: (" ", "muted")}
HINT = "→ ← copy the label · d differences · u undo · ^s save right · ⏎ go · esc back"


class SharedList(Painted, can_focus=True):
    """The shared features, a row each, under the two graphs' names and answers."""

    def __init__(self, pair: SideBySide) -> None:
        """Show a pair, the first feature under the cursor."""
        super().__init__(id="compare")
        self.pair = pair
        self.cursor = 0
        self.only_differences = False

    def rows(self) -> list[SharedFeature]:
        """The features in sight."""
        shared = self.pair.found.shared
        if not self.only_differences:
            return list(shared)
        return [
            each for each in shared
            if each.agree is False or bool(each.left.labels) != bool(each.right.labels)
        ]  # fmt: skip

    @property
    def chosen(self) -> SharedFeature | None:
        """The feature under the cursor."""
        rows = self.rows()
        return rows[self.cursor] if self.cursor < len(rows) else None

    def move(self, step: int) -> None:
        """Move the cursor, scrolling it into sight."""
        self.cursor = max(0, min(len(self.rows()) - 1, self.cursor + step))
        self.show_pair()
        row, room = self.cursor, max(1, self.room.height - HEAD)
        top = round(self.scroll_y)
        if not top <= row < top + room:
            self.scroll_to(y=row if row < top else row - room + 1, animate=False)

    def show_pair(self) -> None:
        """Paint everything anew."""
        rows = len(self.rows())
        self.cursor = max(0, min(self.cursor, rows - 1))
        found = self.pair.found
        same = [each.agree for each in found.shared]
        self.border_title = "compare"
        self.border_subtitle = (
            f"{len(found.shared)} shared · {same.count(True)} agree · {same.count(False)} differ · "
            f"{found.only_left} only left · {found.only_right} only right"
        )
        self.virtual_size = Size(self.size.width, HEAD + max(1, rows))
        self.refresh()

    def _empty(self) -> str:
        if self.only_differences and self.pair.found.shared:
            return "They differ in no shared feature; d shows all of them."
        return "The graphs share no feature."

    def on_resize(self) -> None:
        """The columns follow the width."""
        self.show_pair()

    def render_line(self, y: int) -> Strip:
        """A line: the head stays, the rows scroll."""
        width = self.room.width
        side = max(8, (width - 14) // 2)
        if y < HEAD:
            return self.strip_of(self._head(y, side), width)
        rows, at = self.rows(), y - HEAD + self.scroll_offset.y
        if at >= len(rows):
            empty = self._empty() if at == 0 else ""
            return self.strip_of([Span(empty, "muted")], width)
        return self.strip_of(
            self._row(rows[at], side), width, "cursor" if at == self.cursor else ""
        )

    def _head(self, y: int, side: int) -> list[Span]:
        sessions = (self.pair.left, self.pair.right)
        if y == 2:
            return [Span("─" * (2 * side + 14), "line")]
        words = [inert(s.document.slug, 200) if y == 0 else self._prompt(s, side) for s in sessions]
        role = "title" if y == 0 else "muted"
        left, right = (Span(fit(each, side), role) for each in words)
        return [Span(" " * 10), left, Span("   "), right]

    def _prompt(self, session: Session, width: int) -> str:
        """The prompt's end and the answer, the answer whole where it can be."""
        graph = session.graph
        logits = [graph.nodes[place] for place in graph.places(NodeKind.LOGIT)]
        best = max(logits, key=lambda node: node.probability or 0.0, default=None)
        answer = f" → {bare_token(best.text)}" if best else ""
        return (
            cut_before(inert("".join(graph.tokens), 4000).strip(), width - cell_len(answer))
            + answer
        )

    def _row(self, shared: SharedFeature, side: int) -> list[Span]:
        sign, role = AGREEMENT[shared.agree]
        cells = [
            self._cell(session, shared, seen, side)
            for session, seen in ((self.pair.left, shared.left), (self.pair.right, shared.right))
        ]
        return [
            Span(f"{clip(str(shared.key), 9):<10}"),
            *cells[0],
            Span(f" {sign} ", role),
            *cells[1],
        ]

    def _cell(
        self, session: Session, shared: SharedFeature, seen: Occurrences, side: int
    ) -> list[Span]:
        keys = self.pair.nodes(session, shared)
        look = look_of(keys[0], session.annotations) if keys else None
        at = " ".join(token_at(session.graph, position) for position in seen.positions)
        label = inert(" · ".join(seen.labels), 200) or NO_LABEL
        glyph = Span(f"{look.glyph} " if look else "  ", look.role if look else "")
        share = max(6, (side - 2) // 3)
        return [
            glyph,
            Span(fit(label, side - 2 - share), "" if seen.labels else "muted"),
            Span(fit(f" @ {at}", share), "muted"),
        ]

    def on_click(self, event: events.Click) -> None:
        """Choose the row under the mouse."""
        if event.y >= HEAD:
            self.cursor = event.y - HEAD - 1 + self.scroll_offset.y
            self.move(0)


class CompareScreen(Dialog[NodeKey | None]):
    """Two graphs over the workbench; returns the node of the left one to go to, if any."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "leave", "back", show=False),
        Binding("up,k", "move(-1)", show=False, priority=True),
        Binding("down,j", "move(1)", show=False, priority=True),
        Binding("pageup", "move(-20)", show=False, priority=True),
        Binding("pagedown", "move(20)", show=False, priority=True),
        Binding("right,greater_than_sign", "copy(True)", show=False, priority=True),
        Binding("left,less_than_sign", "copy(False)", show=False, priority=True),
        Binding("d", "differences", show=False),
        Binding("u", "undo", show=False),
        Binding("ctrl+s", "save", show=False),
        Binding("enter", "go", show=False),
    ]

    def __init__(self, pair: SideBySide) -> None:
        """Compare a pair."""
        super().__init__()
        self.pair = pair

    def compose(self) -> ComposeResult:
        """The list, and the keys."""
        yield SharedList(self.pair)
        yield KeysHint(HINT)

    def on_mount(self) -> None:
        """Let the keys work at once."""
        self._list.focus()
        self._list.show_pair()

    @property
    def _list(self) -> SharedList:
        return self.query_one(SharedList)

    def action_move(self, step: int) -> None:
        """Another feature."""
        self._list.move(step)

    def action_copy(self, to_right: bool) -> None:
        """Copy the label under the cursor to the other graph."""
        chosen, pair = self._list.chosen, self.pair
        if chosen:
            ends = (pair.left, pair.right) if to_right else (pair.right, pair.left)
            self._attempt(lambda: pair.copy(chosen, *ends))

    def action_undo(self) -> None:
        """Take the last copy back."""
        self._attempt(
            lambda: f"undone: {done}" if (done := self.pair.undo()) else "nothing to undo"
        )

    async def action_save(self) -> None:
        """Write the right graph's file; the left one is saved in the workbench."""
        right = self.pair.right
        document = right.latest()
        try:
            await asyncio.to_thread(write_graph, document, right.path)
        except GraphLabelError as error:
            self.notify(str(error), severity="error", markup=False)
            return
        right.saved = document.annotations
        self.notify(inert(f"saved {right.path}", 200), markup=False, timeout=3)

    def action_differences(self) -> None:
        """Only features that are called differently, or all."""
        self._list.only_differences = not self._list.only_differences
        self._list.cursor = 0
        self._list.move(0)

    def _attempt(self, action: Callable[[], str]) -> None:
        try:
            self.notify(inert(action(), 200), markup=False, timeout=3)
        except GraphLabelError as error:
            self.notify(str(error), severity="error", markup=False)
        self._list.show_pair()

    def action_go(self) -> None:
        """Go to the feature in the left graph."""
        chosen = self._list.chosen
        keys = self.pair.nodes(self.pair.left, chosen) if chosen else ()
        self.answer(keys[0] if keys else None)

    def action_leave(self) -> None:
        """Back to the workbench."""
        self.answer(None)


class KeysHint(Painted):
    """A line of keys."""

    def __init__(self, text: str) -> None:
        """Show a text."""
        super().__init__(id="keys-hint")
        self.text = text

    def render_line(self, y: int) -> Strip:
        """The line, cut at the width."""
        return self.strip_of(
            [Span(f" {clip(self.text, self.size.width - 2)}", "muted")], self.size.width
        )
