"""Working with others on one store: what they do is shown, their earlier work is offered."""

from __future__ import annotations

from textual import work

from graphlabel.annotation import CarryReport
from graphlabel.errors import GraphLabelError
from graphlabel.store import News, StoredGraph
from graphlabel_tui.inert import inert
from graphlabel_tui.messages import StoreChanged, StoreUnreachable
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.screens.dialogs import Choice, ConfirmScreen

LISTEN_SECONDS = 0.5
"""How often the store is asked; others' edits must show within a second."""

_MOST_LINES = 12


class Sharing(WorkbenchBase):
    """Listens to the store while the workbench is open."""

    _unreachable = False

    def on_mount(self) -> None:
        """Start listening, and offer what was done on another pruning of the prompt."""
        if self.session.store is None:
            return
        self.set_interval(LISTEN_SECONDS, self._listen)
        offers = self.attempt(self.session.offers)
        if offers:
            self._offer(offers[0])

    @work(thread=True, exclusive=True, group="store", exit_on_error=False)
    def _listen(self) -> None:
        try:
            changed = self.session.has_news()
        except GraphLabelError as error:
            self.post_message(StoreUnreachable(str(error)))
            return
        if changed or self._unreachable:
            self.post_message(StoreChanged())

    def on_store_unreachable(self, message: StoreUnreachable) -> None:
        """Say once that the store went away."""
        if not self._unreachable:
            self._unreachable = True
            self.say(message.text, bad=True)

    def on_store_changed(self, _message: StoreChanged) -> None:
        """Show what others did."""
        if self._unreachable:
            self._unreachable = False
            self.say("the annotation store is back")
        news = self.attempt(self.session.refresh)
        if news:
            self._tell(news)
            self.show_all()

    def _tell(self, news: News) -> None:
        if news.edits:
            last = news.edits[-1]
            more = f" and {len(news.edits) - 1} more edits" if len(news.edits) > 1 else ""
            self.say(inert(f"{last.author or 'somebody'}: {last.title}{more}"))
        for conflict in news.conflicts[:_MOST_LINES]:
            self.say(inert(str(conflict)), bad=True)

    def _offer(self, source: StoredGraph) -> None:
        question = inert(
            f"The store has annotations of another pruning of this prompt, “{source.slug}” "
            f"({source.edits} edits, the last on {source.last_edit[:10]})."
        )
        choices = (
            Choice("c", "carry", "carry over what fits this graph"),
            Choice("l", "leave", "leave it, and do not ask again"),
        )

        def answered(answer: str | None) -> None:
            if answer == "leave":
                self.attempt(self.session.decline)
            elif answer == "carry":
                report = self.attempt(lambda: self.session.carry_over(source))
                if report:
                    self._report(report)
                    self.show_all()

        self.app.push_screen(ConfirmScreen(question, choices), answered)

    def _report(self, report: CarryReport) -> None:
        done = f"carried over {report.carried} annotations; u takes them back"
        if not report.lost:
            self.say(done)
            return
        lines = [inert(line, 100) for line in report.lost[:_MOST_LINES]]
        if len(report.lost) > _MOST_LINES:
            lines.append(f"and {len(report.lost) - _MOST_LINES} more")
        text = "\n".join([f"{done}. These do not fit this graph:", "", *lines])
        self.app.push_screen(ConfirmScreen(text, (Choice("o", "ok", "all right"),)))
