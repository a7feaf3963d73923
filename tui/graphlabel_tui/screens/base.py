"""The workbench's frame: its regions, their layout, and bringing them up to date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import ClassVar, Self, TypeVar

from textual import events
from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal, Vertical
from textual.geometry import Region as ScreenRegion
from textual.geometry import Size
from textual.reactive import Reactive
from textual.screen import Screen
from textual.widget import Widget

from graphlabel.annotation import Command
from graphlabel.errors import GraphLabelError
from graphlabel.files import write_graph
from graphlabel.graph import NodeKind
from graphlabel_tui.commands import REGIONS, screen_bindings
from graphlabel_tui.session import Session
from graphlabel_tui.type_ahead import TypeAhead
from graphlabel_tui.view import View
from graphlabel_tui.widgets.bars import KeyLine, TabLine
from graphlabel_tui.widgets.edit_line import EditLine, EditPlace, Question
from graphlabel_tui.widgets.feature_panel import FeaturePanel
from graphlabel_tui.widgets.header import PromptLine, TitleLine
from graphlabel_tui.widgets.link_graph import FOOT, LinkGraph
from graphlabel_tui.widgets.node_table import NodeTable
from graphlabel_tui.widgets.region import Region
from graphlabel_tui.widgets.supernode_panel import SupernodePanel

SMALLEST = (96, 28)
"""Below this width or height the regions become tabs."""

T = TypeVar("T")


class WorkbenchBase(Screen[None]):
    """Regions, layout and refreshing; what the commands do is in the subclasses."""

    BINDINGS: ClassVar[list[BindingType]] = [*screen_bindings()]
    AUTO_FOCUS = "#graph"
    # the regions show where the focus is; Textual would paint the whole screen
    focused: Reactive[Widget | None] = Reactive(None, repaint=False)

    refusals = 0
    """How many actions could not be done."""
    refused = ""
    """Why the last of them could not."""

    def __init__(self, session: Session) -> None:
        """Work on a session."""
        super().__init__()
        self.session = session
        self.view = View(session)
        self.region_name = REGIONS[0]
        self.zoomed = False
        self._saving = asyncio.Lock()
        if session.selected is None:
            self._select_something()

    def _select_something(self) -> None:
        """Start at the likeliest logit, where every story ends."""
        graph = self.session.graph
        logits = list(graph.places(NodeKind.LOGIT)) or list(range(min(1, len(graph))))
        if logits:
            best = max(logits, key=lambda place: graph.nodes[place].probability or 0.0)
            self.session.selected = graph.nodes[best].key

    def refresh(
        self,
        *regions: ScreenRegion,
        repaint: bool = True,
        layout: bool = False,
        recompose: bool = False,
    ) -> Self:
        """Paint or lay out anew; a layout paints what it moved, and need paint nothing else."""
        return super().refresh(
            *regions, repaint=repaint and not layout, layout=layout, recompose=recompose
        )

    def compose(self) -> ComposeResult:
        """Two lines, four regions, the keys."""
        yield TitleLine(self.view)
        yield PromptLine(self.view)
        yield TabLine()
        with Vertical(id="regions"):
            with Horizontal(id="upper"):
                yield LinkGraph(self.view)
                yield FeaturePanel(self.view)
            with Horizontal(id="lower"):
                yield NodeTable(self.view)
                yield SupernodePanel(self.view)
        yield KeyLine(self.view)
        yield EditPlace()

    def on_mount(self) -> None:
        """Show everything once."""
        self.lay_out()
        self.show_all()

    # Layout

    @property
    def is_small(self) -> bool:
        """Whether the regions are tabs."""
        return self.has_class("small")

    def on_resize(self, event: events.Resize) -> None:
        """Tabs or regions, as the size allows."""
        self.lay_out(event.size)  # the screen's own size is still the one before

    @property
    def is_alone(self) -> bool:
        """Whether one region at a time is shown."""
        return self.is_small or self.zoomed

    def lay_out(self, size: Size | None = None) -> None:
        """Lay the regions out for a size, by default the present one, and the zoom."""
        width, height = size or self.size
        self.set_class(width < SMALLEST[0] or height < SMALLEST[1], "small")
        body = max(1, height - 3)
        wanted = self.view.graph.n_layers + 2 + FOOT + 2
        upper = max(body * 11 // 20, min(wanted, body * 7 // 10))
        self.query_one("#upper").styles.height = "1fr" if self.is_alone else upper
        self.show_region(self.region_name)

    def show_region(self, region: str) -> None:
        """Focus a region; on a small screen, bring its tab to the front."""
        self.region_name = region
        for box, inside in (("#upper", REGIONS[:2]), ("#lower", REGIONS[2:])):
            self.query_one(box).display = not self.is_alone or region in inside
            for name in inside:
                self.region_widget(name).display = not self.is_alone or name == region
        self.query_one(TabLine).show_region(region)
        self.query_one(KeyLine).show_region(region)

    def on_descendant_focus(self, event: events.DescendantFocus) -> None:
        """The footer and the tabs follow the focus."""
        if isinstance(event.widget, Region) and event.widget.region_name != self.region_name:
            self.show_region(event.widget.region_name)

    def region_widget(self, region: str) -> Region:
        """The widget of a region."""
        return self.query_one(f"#{region}", Region)

    def focus_region(self, region: str) -> None:
        """Go to a region."""
        self.show_region(region)
        self.region_widget(region).focus()

    # Bringing up to date

    def show_all(self) -> None:
        """Let every widget paint what changed."""
        for name in REGIONS:
            self.region_widget(name).show_view()
        for kind in (TitleLine, PromptLine, KeyLine):
            self.query_one(kind).show_view()

    def say(self, message: str, *, bad: bool = False) -> None:
        """A one-line notification; its text is never taken for markup."""
        self.app.clear_notifications()  # the last one is what counts
        self.notify(" ".join(message.split()), severity="error" if bad else "information",
                    markup=False, timeout=6 if bad else 3)  # fmt: skip

    def attempt(self, action: Callable[[], T]) -> T | None:
        """Do what may fail; a deliberate error is shown in one line."""
        try:
            return action()
        except GraphLabelError as error:
            self.say(str(error), bad=True)
            self.refusals += 1
            self.refused = " ".join(str(error).split())
            return None

    async def save_file(self) -> Path | None:
        """Write the graph file without holding anything up; its path, None when it failed."""
        session = self.session
        async with self._saving:
            document = session.latest()
            try:
                await asyncio.to_thread(write_graph, document, session.path)
            except GraphLabelError as error:
                self.say(str(error), bad=True)
                return None
            session.saved = document.annotations
        self.query_one(KeyLine).refresh()
        return session.path

    def edit(self, command: Command) -> bool:
        """Make an edit and show it; whether anything changed."""
        edit = self.attempt(lambda: self.session.do(command))
        self.show_all()
        return edit is not None

    # The edit line

    def ask(self, question: Question) -> None:
        """Open the edit line: in the feature panel's place when it names, else at the bottom."""
        if not self.is_running or not self.app.is_running or self.app._exit:
            return  # keys typed ahead while the workbench closes
        self.close_question()
        place = self.query_one(EditPlace)
        in_place = question.purpose == "label" and not self.is_alone
        place.stand_over(self.region_widget("feature").region if in_place else None)
        line = EditLine(question)
        self.app.clear_notifications()  # they would lie on what it says
        opening = place.mount(line)
        self.query_one(KeyLine).show_prompt(line.keys)
        if isinstance(self.app, TypeAhead):
            self.app.hold_keys_until(opening)

    def close_question(self) -> None:
        """Close the edit line and give the focus back."""
        for line in self.query(EditLine):
            line.remove()
            self.query_one(KeyLine).show_prompt()
            self.set_focus(self.region_widget(self.region_name))
