"""The review's line: how far it is, what is under review, and the keys that decide."""

from __future__ import annotations

from textual.strip import Strip

from graphlabel_tui.glyphs import bar
from graphlabel_tui.lines import Span, spread, width_of
from graphlabel_tui.review import Outcome, ReviewRun, Stage
from graphlabel_tui.widgets.painted import Painted

REASONS = {
    Stage.OBSCURE: "obscure: name it or skip it",
    Stage.UNNAMED: "needs a label",
    Stage.UNACCEPTED: "is the label right?",
}
KEYS = (("a", "accept"), ("e", "edit"), ("x", "reject"), ("n", "skip"), ("esc", "leave"))
SHOWN = {Outcome.ACCEPTED: "✓", Outcome.NAMED: "✎", Outcome.REJECTED: "✗", Outcome.SKIPPED: "→"}


class ReviewLine(Painted):
    """One line above the keys while a review runs."""

    def __init__(self, run: ReviewRun) -> None:
        """Show a run."""
        super().__init__(id="review-line")
        self.run_shown = run

    def render_line(self, y: int) -> Strip:
        """The line."""
        run, width = self.run_shown, self.size.width
        counts = run.counts()
        done, total = len(run.outcomes), len(run.queue)
        head = Span(f" review {min(done + 1, total)} of {total} ", "title")
        progress = Span(f"{bar(done / max(1, total), 10)} ", "muted")
        tally = Span(" ".join(f"{glyph}{counts[each]}" for each, glyph in SHOWN.items()), "good")
        stage = run.current.stage if run.current else None
        reason = Span("" if stage is None else f"  {REASONS[stage]}", "warn")
        keys: list[Span] = []
        for key, word in KEYS:
            keys += [Span(f"  {key}", "key"), Span(f" {word}", "muted")]
        left = [head, progress, tally, reason]
        # where there is little room the keys matter more than the bar
        while len(left) > 1 and width_of(left) + width_of(keys) + 1 > width:
            left.remove(next(each for each in (progress, reason, tally) if each in left))
        return self.strip_of(spread(left, keys, width), width)
