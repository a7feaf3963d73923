"""The command that has supernodes suggested, in a process of its own."""

from __future__ import annotations

from pathlib import Path

from graphlabel_tui.jobs import Job
from graphlabel_tui.proposals import Proposal, open_ones, read_proposals
from graphlabel_tui.screens.running import Running
from graphlabel_tui.screens.suggest import Suggested, SuggestScreen


class Suggesting(Running):
    """Suggestions stay until others are asked for; what is decided on them are usual edits."""

    _proposals: list[Proposal] | None = None
    _suggester: Job | None = None
    _looked_at: Proposal | None = None

    def action_suggest(self) -> None:
        """Show the suggestions; ask for some when there are none to decide on."""
        waiting = open_ones(self._proposals or [], self.session.annotations)
        if not waiting and not (self._suggester and self._suggester.is_running):
            self._ask_for_groups()
            if self._suggester is None:
                return
        screen = SuggestScreen(
            self.session,
            lambda: Suggested(self._suggester, self._proposals),
            self._ask_for_groups,
            self._looked_at,
        )
        self.app.push_screen(screen, self._decided)

    def _ask_for_groups(self) -> None:
        """Start ``graphlabel suggest``, with the evidence that is on this machine."""
        places = [each for each in self.session.places if Path(each).expanduser().exists()]
        evidence = [word for each in places for word in ("--features", each)]
        arguments = ("suggest", str(self.session.path), "--json", *evidence)
        job = self.attempt(lambda: self.start(arguments))
        if job is not None:
            self._suggester, self._proposals = job, None

    def take_printed(self, job: Job) -> bool:
        """Take up what suggest printed, started by this command or typed."""
        if job.arguments[0] != "suggest" or not job.prints_result:
            return super().take_printed(job)
        found = self.attempt(lambda: read_proposals(job.result, self.session.document))
        if found is not None:
            self._suggester, self._proposals = job, found
            if not isinstance(self.app.screen, SuggestScreen):
                key = next(c.first_key for c in self.view.commands if c.id == "suggest")
                self.say(f"{len(found)} supernodes suggested; {key} shows them")
        return True

    def _decided(self, chosen: Proposal | None) -> None:
        self._looked_at = chosen
        if chosen is not None and chosen.kept:
            self.session.marked = dict.fromkeys(chosen.kept)
            self.session.select(chosen.kept[0])
        self.show_all()
