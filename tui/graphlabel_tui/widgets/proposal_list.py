"""The list of suggested supernodes: names, members, the reason for each."""

from __future__ import annotations

from typing import NamedTuple

from textual import events
from textual.geometry import Size
from textual.strip import Strip

from graphlabel.graph import NodeKey
from graphlabel_tui.glyphs import look_of
from graphlabel_tui.inert import inert
from graphlabel_tui.lines import Span, clip, spread, wrap
from graphlabel_tui.proposals import Decision, Proposal
from graphlabel_tui.session import Session
from graphlabel_tui.widgets.painted import Painted
from graphlabel_tui.wording import NO_LABEL, name_of, where

SIGNS = {Decision.OPEN: ("?", "key"), Decision.ACCEPTED: ("✓", "good"),
         Decision.REJECTED: ("✗", "muted"), Decision.HELD: ("–", "muted")}  # fmt: skip
_REASON_LINES = 4


class Row(NamedTuple):
    """A line of the list."""

    at: int
    """The proposal it belongs to."""
    spans: tuple[Span, ...]
    member: NodeKey | None = None
    is_head: bool = False

    @property
    def is_choice(self) -> bool:
        """Whether the cursor may rest here."""
        return self.is_head or self.member is not None


class ProposalList(Painted, can_focus=True):
    """The suggestions, the cursor on one of them or on one of its members."""

    def __init__(self, session: Session) -> None:
        """Start empty."""
        super().__init__(id="proposals")
        self.session = session
        self.proposals: list[Proposal] = []
        self.cursor = 0
        self._rows: list[Row] = []

    @property
    def chosen(self) -> Proposal | None:
        """The suggestion under the cursor."""
        return self.proposals[self._rows[self.cursor].at] if self._rows else None

    @property
    def member(self) -> NodeKey | None:
        """The member under the cursor; None on a suggestion's own line."""
        return self._rows[self.cursor].member if self._rows else None

    def show(self, proposals: list[Proposal]) -> None:
        """Show these suggestions as they stand now."""
        self.proposals = proposals
        self.make_rows()

    def make_rows(self) -> None:
        """Make the lines anew for the width there is; the cursor stays on what it was on."""
        before = self._rows[self.cursor] if self._rows else None
        width = self.room.width
        self._rows = [
            row for at, each in enumerate(self.proposals) for row in self._rows_of(at, each, width)
        ]
        self.cursor = 0
        if before is not None:
            same = (before.at, before.member)
            rows = (at for at, row in enumerate(self._rows) if (row.at, row.member) == same)
            self.cursor = next(rows, 0)
        self.spans_size(Size(width, len(self._rows)))
        self.refresh()

    def _rows_of(self, at: int, proposal: Proposal, width: int) -> list[Row]:
        decision = proposal.decision(self.session.annotations)
        sign, role = SIGNS[decision]
        name = Span(f" {inert(proposal.name, 200)}", "muted" if proposal.rejected else "bold")
        size = Span(f"{self._extent(proposal, decision)} · {decision} ", "muted")
        rows = [Row(at, spread((Span(f" {sign}", role), name), (size,), width), is_head=True)]
        if decision is Decision.REJECTED:
            return rows
        reason = wrap(inert(proposal.reason, 1000), max(8, width - 6), "muted", _REASON_LINES)
        rows += [Row(at, (Span("    "), *line.spans)) for line in reason]
        return rows + [self._member_row(at, proposal, key, width) for key in proposal.members]

    def _extent(self, proposal: Proposal, decision: Decision) -> str:
        """How many nodes there are, and how many of them accepting groups or has grouped."""
        taking = proposal.free(self.session.annotations)
        if decision is Decision.ACCEPTED:
            taking = proposal.accepted
        whole = f"{len(proposal.kept)} nodes"
        return f"{len(taking)} of {whole}" if 0 < len(taking) < len(proposal.kept) else whole

    def _member_row(self, at: int, proposal: Proposal, key: NodeKey, width: int) -> Row:
        session = self.session
        look, node = look_of(key, session.annotations), session.node(key)
        out = key in proposal.dropped
        group = session.annotations.supernode_of(key)
        label = name_of(node, session.annotations) or NO_LABEL
        left = (
            Span("    ✂ " if out else "      ", "warn"),
            Span(f"{look.glyph} ", look.role),
            Span(clip(label, max(8, width // 2)), "muted" if out else ""),
        )
        held = f"in [{clip(inert(group.name), 16)}] · " if group else ""
        return Row(
            at, spread(left, (Span(f"{held}{where(session.graph, key)} ", "muted"),), width), key
        )

    def move(self, step: int) -> None:
        """Move the cursor by so many choices, scrolling it into sight."""
        choices = [at for at, row in enumerate(self._rows) if row.is_choice]
        if not choices:
            return
        now = choices.index(self.cursor) if self.cursor in choices else 0
        self.cursor = choices[max(0, min(len(choices) - 1, now + step))]
        self._into_sight()

    def move_group(self, step: int) -> None:
        """Move the cursor to the next suggestion's line, or the one before."""
        heads = [at for at, row in enumerate(self._rows) if row.is_head]
        after = [at for at in heads if (at > self.cursor if step > 0 else at < self.cursor)]
        if after:
            self.cursor = after[0] if step > 0 else after[-1]
            self._into_sight()

    def move_to(self, at: int) -> None:
        """Move the cursor to a suggestion's line."""
        self.cursor = next((row for row, each in enumerate(self._rows) if each.at == at), 0)
        self._into_sight()

    def _into_sight(self) -> None:
        row, room = self.cursor, max(1, self.room.height)
        top = round(self.scroll_y)
        if not top <= row < top + room:
            self.scroll_to(y=row if row < top else row - room + 1, animate=False)
        self.refresh()

    def on_resize(self) -> None:
        """The lines follow the width."""
        self.make_rows()

    def on_click(self, event: events.Click) -> None:
        """The cursor goes to what was clicked."""
        row = event.y - self.gutter.top + self.scroll_offset.y
        if 0 <= row < len(self._rows) and self._rows[row].is_choice:
            self.cursor = row
            self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        width, at = self.room.width, y + self.scroll_offset.y
        if at >= len(self._rows):
            return self.strip_of((), width)
        return self.strip_of(self._rows[at].spans, width, "cursor" if at == self.cursor else "")
