"""What the link graph's border says: how much is shown, and what is not."""

from __future__ import annotations

from graphlabel_tui.glyphs import bar
from graphlabel_tui.view import View

CORNERS = 6
"""Cells of the border's upper line that no title takes."""


def graph_title(view: View, zoom: int, n_visible: int, width: int) -> tuple[str, str]:
    """The title above and the note below, for a region of so many cells."""
    hidden = len(view.graph) - n_visible
    away = f"{hidden} hidden" if hidden else ""
    if view.hide_errors:
        away = f"{away}, the errors too" if hidden else "errors hidden"
    notes = (f"zoom {zoom:+d}" if zoom else "", away)
    share = view.threshold / max(view.highest, view.step)
    influence, edges = f"influence ≤ {view.threshold:.2f}", f"edges ≤ {view.density:.1f}"
    title = f"1 link graph  {influence} {bar(share, 5)}  {edges} {bar(view.density, 4)}"
    if len(title) + CORNERS > width:
        title = f"1 link graph  {influence}  {edges}"
    return title, "  ".join(note for note in notes if note)
