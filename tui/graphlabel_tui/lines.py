"""Lines of text with roles: the plain value every widget paints; app.tcss styles the roles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from rich.cells import cell_len, set_cell_size

from graphlabel.graph import NodeKey


class Span(NamedTuple):
    """A piece of a line: its text and the role (or roles, space-separated) it plays."""

    text: str
    role: str = ""


@dataclass(frozen=True, slots=True)
class Line:
    """One line: spans, and the node that Enter leads to."""

    spans: tuple[Span, ...] = ()
    target: NodeKey | None = None
    name: str = ""
    """What else Enter may lead to, such as a supernode's name."""

    @property
    def text(self) -> str:
        """The line without its roles."""
        return "".join(span.text for span in self.spans)

    @property
    def is_choice(self) -> bool:
        """Whether the cursor may rest here."""
        return self.target is not None or bool(self.name)


def line(*spans: Span | str, target: NodeKey | None = None, name: str = "") -> Line:
    """A line of spans; plain strings have no role."""
    return Line(
        tuple(span if isinstance(span, Span) else Span(span) for span in spans), target, name
    )


def width_of(spans: Iterable[Span]) -> int:
    """How many cells the spans take."""
    return sum(cell_len(span.text) for span in spans)


def fit(text: str, width: int, align: str = "left") -> str:
    """The text cut or padded to exactly ``width`` cells, an ellipsis where it was cut."""
    if width <= 0:
        return ""
    length = cell_len(text)
    if length > width:
        return set_cell_size(text, width - 1) + "…"
    padding = " " * (width - length)
    return padding + text if align == "right" else text + padding


def clip(text: str, width: int) -> str:
    """The text cut to at most ``width`` cells, an ellipsis where it was cut."""
    return text if cell_len(text) <= width else fit(text, width)


def cut_before(text: str, width: int) -> str:
    """The text's end in at most ``width`` cells, an ellipsis where it was cut."""
    if cell_len(text) <= width:
        return text
    kept = text[-max(0, width - 1) :] if width > 1 else ""
    while cell_len(kept) > width - 1:
        kept = kept[1:]
    return f"…{kept}"


def crop(spans: Sequence[Span], width: int) -> tuple[Span, ...]:
    """The first ``width`` cells of the spans."""
    kept: list[Span] = []
    left = width
    for span in spans:
        length = cell_len(span.text)
        if length > left:
            if left > 0:
                kept.append(Span(fit(span.text, left), span.role))
            break
        kept.append(span)
        left -= length
    return tuple(kept)


def spread(left: Sequence[Span], right: Sequence[Span], width: int) -> tuple[Span, ...]:
    """Spans at both ends of a line; the left ones give way when there is no room."""
    room = max(0, width - width_of(right) - 1) if right else width
    kept = crop(left, room)
    gap = max(0, width - width_of(kept) - width_of(right))
    return (*kept, Span(" " * gap), *right)


def wrap(text: str, width: int, role: str = "", limit: int = 100) -> list[Line]:
    """The text's words in at most ``limit`` lines of ``width`` cells; an ellipsis where cut."""
    rows: list[str] = []
    row = ""
    for word in text.split():
        joined = f"{row} {word}" if row else word
        if row and cell_len(joined) > width:
            rows.append(row)
            joined = word
        row = joined
    rows.append(row)
    if len(rows) > limit:
        rows[limit - 1] = fit(rows[limit - 1] + " " * width, width - 1).rstrip("… ") + " …"
    return [line(Span(clip(row, width), role)) for row in rows[:limit] if row]
