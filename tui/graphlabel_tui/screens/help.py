"""The help screen: every command, the glyphs, the four classes, the filter language."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.geometry import Size
from textual.strip import Strip

from graphlabel_tui.commands import COMMANDS, Command
from graphlabel_tui.filters import HINT
from graphlabel_tui.glyphs import LOOKS
from graphlabel_tui.lines import Line, Span, clip, line, wrap
from graphlabel_tui.screens.modal import Dialog
from graphlabel_tui.widgets.painted import Painted

GROUPS = {
    "edit": "Editing (undoable, kept at once)",
    "look": "Looking",
    "move": "Moving",
    "file": "Files",
    "help": "Help",
}


NUMBERS = (
    (
        "infl.",
        "influence on the answer, as a running share: the node and all more influential ones "
        "together carry that much of it; the lower, the more influential",
    ),
    ("trust", "how well a label fits: ●○○○○ hardly, ●●●●● well"),
    ("S, effect", "how alike the tokens of a window are, and how far above chance that is"),
    ("[-1, 0]", "a window of tokens: from the one before the peak (0) to the peak"),
    ("q4 … q0", "examples by fifths of the activations, the strongest first"),
    ("replace.", "replacement: share of the influence that starts at tokens, not at errors"),
    ("complete.", "completeness: share of the nodes' inputs, by influence, that is no error"),
    ("◉ • ✓ ✗", "marked · pinned · label accepted · label rejected"),
    ("[name]", "a supernode; ─.43→ is the share of its input that comes along the edge"),
)
"""What the numbers and marks of the screen mean."""


def help_lines(width: int, commands: Sequence[Command] = COMMANDS) -> list[Line]:
    """The whole help text."""
    lines: list[Line] = []
    for group, title in GROUPS.items():
        lines += [line(), line(Span(title, "title"))]
        for command in commands:
            if command.group == group:
                text = clip(command.help, width - 13)
                lines.append(line(Span(f"{command.shown_keys:>10}", "key"), Span(f"  {text}")))
    lines += [line(), line(Span("Glyphs and classes", "title"))]
    for look in LOOKS.values():
        text = clip(f"{look.name:<8} {look.meaning}", width - 13)
        lines.append(line(Span(f"{look.glyph:>10}", look.role), Span(f"  {text}")))
    lines += [line(), line(Span("Numbers and marks", "title"))]
    for name, meaning in NUMBERS:
        for at, each in enumerate(wrap(meaning, width - 13)):
            head = Span(f"{'' if at else name:>10}  ", "key")
            lines.append(line(head, *each.spans))
    lines += [line(), line(Span("Filter", "title")), *wrap(HINT, width)]
    words = (
        "Words match label, note, token and node id; every term must hold. On the graph, + and − "
        "mark the strongest edges of the selected node, brighter for larger weights."
    )
    return [*lines, *wrap(words, width, "muted")]


class HelpText(Painted, can_focus=True):
    """The help text, scrolled with the arrow keys."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j", "scroll_down", show=False),
        Binding("k", "scroll_up", show=False),
    ]

    def __init__(self, commands: Sequence[Command]) -> None:
        """Start empty, until the width is known."""
        super().__init__(id="help")
        self.commands = commands
        self.lines: list[Line] = []

    def on_resize(self) -> None:
        """Wrap for the width."""
        self.lines = help_lines(self.room.width, self.commands)
        self.virtual_size = Size(self.room.width, len(self.lines))
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """One line of the screen."""
        row = y + self.scroll_offset.y
        width = self.room.width
        return self.strip_of(self.lines[row].spans if row < len(self.lines) else (), width)


class HelpScreen(Dialog[None]):
    """Help over the workbench; any of its keys closes it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "close", "close", show=False)
    ]

    def __init__(self, commands: Sequence[Command] = COMMANDS) -> None:
        """Show these commands, with their keys."""
        super().__init__()
        self.commands = commands

    def compose(self) -> ComposeResult:
        """The text in a frame."""
        yield HelpText(self.commands)

    def on_mount(self) -> None:
        """Let the arrow keys scroll at once."""
        frame = self.query_one(HelpText)
        frame.border_title = "help"
        frame.border_subtitle = "↑ ↓ scroll · esc close"
        frame.focus()

    def action_close(self) -> None:
        """Back to the workbench."""
        self.answer(None)
