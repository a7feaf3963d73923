"""Reviewing: one feature after the other, the most urgent first."""

from __future__ import annotations

from graphlabel.annotation import Review
from graphlabel.graph import NodeKey
from graphlabel_tui.review import Outcome, ReviewRun, stage_of
from graphlabel_tui.screens.arranging import Arranging
from graphlabel_tui.widgets.bars import KeyLine
from graphlabel_tui.widgets.review_line import ReviewLine

DONE = "Every feature is labelled and accepted."


class Reviewing(Arranging):
    """While a review runs, each decision leads on to the next feature."""

    _run: ReviewRun | None = None

    def action_review_mode(self) -> None:
        """Start a review of what waits and passes the filter, or end it."""
        if self._run is not None:
            self._end()
            return
        shown = set(self.view.rows()) if self.view.query.strip() else None
        queue = [item for item in self.view.review_queue() if shown is None or item.place in shown]
        if not queue:
            self.say(DONE if shown is None else "Nothing that passes the filter needs a review.")
            return
        self.session.marked.clear()
        self._run = ReviewRun(tuple(queue))
        self.mount(ReviewLine(self._run), before=self.query_one(KeyLine))
        self._show_current()

    def action_review(self) -> None:
        """Skip to the next feature of the review, or to the next that needs somebody."""
        if self._run is not None:
            self._settle(Outcome.SKIPPED)
            return
        key = self.view.next_for_review()
        if key is None:
            self.say(DONE)
            return
        self.session.select(key)
        self.show_all()

    def action_reject(self) -> None:
        """Reject; a label under review that was rejected before stays so."""
        key = self._under_review
        if key and self.session.annotations.reviews.get(key) is Review.REJECTED:
            self._settle(Outcome.REJECTED)
        else:
            super().action_reject()

    def action_unmark(self) -> None:
        """Leave the zoom, forget all marks, or end the review."""
        if self._run is not None and not self.zoomed and not self.session.marked:
            self._end()
        else:
            super().action_unmark()

    def decided(self, outcome: Outcome) -> None:
        """Go on when the decision was on what is under review."""
        if self._under_review is not None:
            self._settle(outcome)

    @property
    def _under_review(self) -> NodeKey | None:
        """The feature under review, if edits apply to it alone."""
        current = self._run.current if self._run else None
        if current is None:
            return None
        key = self.view.node(current.place).key
        return key if self.session.targets == (key,) else None

    def _settle(self, outcome: Outcome) -> None:
        run = self._run
        if run is None:
            return
        run.settle(outcome)
        annotations = self.session.annotations
        while (item := run.current) and stage_of(
            self.view.node(item.place).key, annotations
        ) is None:
            run.settle(Outcome.SETTLED)
        if run.current is None:
            self._end()
        else:
            self._show_current()

    def _show_current(self) -> None:
        current = self._run.current if self._run else None
        if current is not None:
            self.session.select(self.view.node(current.place).key)
        self.query(ReviewLine).refresh()
        self.show_all()

    def _end(self) -> None:
        if self._run is None:
            return
        left = len(self.view.review_queue())
        more = f"; {left} still wait, v goes through them" if left else ""
        self.say(f"Review ended: {self._run.summary()}{more}.")
        self._run = None
        self.query(ReviewLine).remove()
        self.show_all()
