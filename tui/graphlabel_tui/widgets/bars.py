"""The tab line of small screens, and the footer with the keys that work here."""

from __future__ import annotations

from textual import events
from textual.strip import Strip

from graphlabel_tui.commands import REGIONS, footer_commands
from graphlabel_tui.lines import Span, spread, width_of
from graphlabel_tui.messages import CommandChosen, RegionChosen
from graphlabel_tui.view import View
from graphlabel_tui.widgets.painted import Painted, PaintedLine


class TabLine(Painted):
    """The four regions as tabs; shown when there is no room for all at once."""

    def __init__(self) -> None:
        """Start at the graph."""
        super().__init__(id="tab-line")
        self.region_name = REGIONS[0]

    def show_region(self, region: str) -> None:
        """Highlight a tab."""
        self.region_name = region
        self.refresh()

    def _tabs(self) -> list[Span]:
        return [
            Span(f" {at} {region} ", "ring" if region == self.region_name else "muted")
            for at, region in enumerate(REGIONS, 1)
        ]

    def render_line(self, y: int) -> Strip:
        """The tabs."""
        return self.strip_of([Span(" "), *self._tabs()], self.size.width)

    def on_click(self, event: events.Click) -> None:
        """Go to the tab under the mouse."""
        x = 1
        for region, span in zip(REGIONS, self._tabs(), strict=True):
            if x <= event.x < x + len(span.text):
                self.post_message(RegionChosen(region))
            x += len(span.text)


class KeyLine(PaintedLine):
    """The keys that work in the focused region, and whether the file is saved."""

    def __init__(self, view: View) -> None:
        """Show the keys of the graph first."""
        super().__init__(id="key-line")
        self.view = view
        self.region_name = REGIONS[0]
        self.saved_at = ""
        self.running = ""
        """What runs just now, and how far it is."""
        self.prompt: tuple[tuple[str, str], ...] = ()
        """The keys of the prompt that is open, and what they do."""
        self._hits: list[tuple[int, int, str]] = []
        self._keys_of: object = None
        self._keys: list[Span] = []

    def show_region(self, region: str) -> None:
        """Show the keys that work in a region."""
        self.region_name = region
        self.refresh()

    def show_prompt(self, keys: tuple[tuple[str, str], ...] = ()) -> None:
        """Show the keys of a prompt, or again those of the region."""
        self.prompt = keys
        self.show_view()

    def _state(self) -> list[Span]:
        session = self.view.session
        running = [Span(f"{self.running} ", "key")] if self.running else []
        if not session.is_saved:
            return [*running, Span("● ^s to file ", "warn")]
        return [*running, Span(f"saved {self.saved_at} " if self.saved_at else "saved ", "good")]

    def make_spans(self, width: int) -> tuple[Span, ...]:
        """As many keys as there is room for, the most useful first; the rest is in the help."""
        state = self._state()
        room = width - width_of(state) - 1
        if self.prompt:
            self._hits, self._keys_of = [], None
            keys = [
                span
                for key, what in self.prompt
                for span in (Span(f" {key}", "key"), Span(f" {what} ", "muted"))
            ]
            return spread(keys, state, width)
        asked = (self.region_name, self.view.commands, room)
        if asked != self._keys_of:
            self._keys_of, self._keys = asked, self._fitting(room)
        return spread(self._keys, state, width)

    def _fitting(self, room: int) -> list[Span]:
        spans = [Span(" ")]
        self._hits = []
        start = 1
        for command in footer_commands(self.region_name, self.view.commands):
            pieces = [Span(command.first_key, "key"), Span(f" {command.title}", "muted")]
            end = start + width_of(pieces)
            if end <= room:
                spans += [*([Span("  ", "muted")] if self._hits else []), *pieces]
                self._hits.append((start, end, command.id))
                start = end + 2
        return spans

    def on_click(self, event: events.Click) -> None:
        """Carry out the command under the mouse."""
        for start, stop, command in self._hits:
            if start <= event.x < stop:
                self.post_message(CommandChosen(command))
