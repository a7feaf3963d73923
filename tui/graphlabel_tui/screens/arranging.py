"""The commands that arrange the node table: filter, order, marks."""

from __future__ import annotations

from graphlabel_tui.filters import HINT
from graphlabel_tui.messages import LineCancelled, LineEdited, LineEntered, MarksChosen, OrderChosen
from graphlabel_tui.orders import ORDERS
from graphlabel_tui.screens.editing import Editing
from graphlabel_tui.widgets.edit_line import Question

MOST_FILTER = 1000
"""Characters of a filter."""


class Arranging(Editing):
    """What the table shows, in which order, and which of its rows are marked."""

    _query_before = ""

    def action_filter(self) -> None:
        """Ask for a filter; it acts while it is typed."""
        self._query_before = self.view.query
        self.ask(Question("filter", "filter nodes", self.view.query, hint=HINT, most=MOST_FILTER))

    def on_line_edited(self, message: LineEdited) -> None:
        """Filters act at once."""
        if message.purpose == "filter":
            self.view.query = message.text
            self.show_all()

    def on_line_cancelled(self, message: LineCancelled) -> None:
        """Have the filter from before."""
        if message.purpose == "filter":
            self.view.query = self._query_before

    def answer_filter(self, message: LineEntered) -> None:
        """Keep the filter; what is edited next is what was looked for, no node it hides."""
        self.view.query = message.text
        rows = self.view.rows()
        if self.view.query.strip() and rows and self.session.place not in rows:
            self.session.select(self.view.node(rows[0]).key)

    # Order

    def action_sort(self) -> None:
        """The next order of the table."""
        names = list(ORDERS)
        self._order_by(names[(names.index(self.view.sort) + 1) % len(names)])

    def action_order(self) -> None:
        """Ask for an order by its name."""
        hint = f"now by {self.view.sort}: {ORDERS[self.view.sort]} · R turns it round"
        self.ask(Question("order", "order nodes by", completions=list(ORDERS), hint=hint))

    def answer_order(self, message: LineEntered) -> None:
        """Order by what was named, or by the first order that begins so."""
        wanted = message.text.strip().casefold()
        name = next((each for each in ORDERS if wanted and each.startswith(wanted)), None)
        if name is None:
            self.say(f"There is no such order. There are: {', '.join(ORDERS)}.", bad=True)
        else:
            self._order_by(name)

    def action_reverse(self) -> None:
        """Turn the order round."""
        self.view.reverse = not self.view.reverse
        self.show_all()

    def on_order_chosen(self, message: OrderChosen) -> None:
        """Order by a column; turn the order round when it is that already."""
        if message.order == self.view.sort:
            self.action_reverse()
        else:
            self._order_by(message.order)

    def _order_by(self, name: str) -> None:
        self.view.sort, self.view.reverse = name, False
        self.show_all()

    # Marks

    def action_mark(self) -> None:
        """Mark or unmark the selected node."""
        if self.session.selected is not None:
            self.session.mark([self.session.selected])
            self.show_all()

    def action_mark_all(self) -> None:
        """Mark every row of the table, or none of them when all are marked."""
        rows = self.view.rows()
        self.session.mark(self.view.node(place).key for place in rows)
        self.show_all()

    def on_marks_chosen(self, message: MarksChosen) -> None:
        """Rows were marked with the mouse."""
        self.session.marked = message.marked
        self.session.select(message.key)
        self.show_all()

    def action_unmark(self) -> None:
        """Leave the zoom; then forget all marks; then clear the filter."""
        if self.zoomed:
            self.zoomed = False
            self.lay_out()
        elif self.session.marked:
            self.session.marked.clear()
        else:
            self.view.query = ""
        self.show_all()
