"""The commands that edit nodes: labels, notes, pins, reviews, undo."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import replace

from textual import work

from graphlabel.annotation import (
    Edit,
    Review,
    Scope,
    SetLabel,
    SetNote,
    SetReview,
    TogglePin,
)
from graphlabel.errors import GraphLabelError
from graphlabel.graph import NodeKey, NodeKind
from graphlabel_tui.inert import inert
from graphlabel_tui.messages import LabelsKnown, LineCancelled, LineEntered
from graphlabel_tui.review import Outcome
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.widgets.edit_line import EditLine, Question
from graphlabel_tui.wording import where

LABELLED = frozenset({NodeKind.FEATURE, NodeKind.OTHER})
"""Kinds of nodes that carry labels; tokens and logits name themselves."""
MOST_NOTE = 10_000
"""Characters of a note."""
NEW_LINE = "⏎"
NOTE_HINT = f"Enter saves · Esc cancels · {NEW_LINE} stands for a new line"


class Editing(WorkbenchBase):
    """Edits apply to the marked nodes, or else to the selected one."""

    _asked: tuple[NodeKey, ...] = ()
    """What the open question is about."""
    _note_before = ""
    _known_labels: Sequence[str] = ()
    """The store's labels, as far as they have been read."""

    def on_mount(self) -> None:
        """Learn which labels others used."""
        self._learn_labels()

    @work(thread=True, exclusive=True, group="known labels", exit_on_error=False)
    def _learn_labels(self) -> None:
        # completions are a convenience: a store that is away is reported where it matters
        with suppress(GraphLabelError):
            self.post_message(LabelsKnown(self.session.known_labels()))

    def on_labels_known(self, message: LabelsKnown) -> None:
        """Complete with these from now on."""
        self._known_labels = message.texts

    def decided(self, outcome: Outcome) -> None:
        """A decision was made on the targets; the review goes on after it."""

    def _label_targets(self) -> tuple[NodeKey, ...]:
        targets = tuple(key for key in self.session.targets if key.kind in LABELLED)
        if not targets:
            self.say("Only features carry labels; select one first.", bad=True)
        return targets

    def of_targets(self, targets: tuple[NodeKey, ...]) -> str:
        """Nodes in words."""
        if len(targets) > 1:
            return f"{len(targets)} marked nodes"
        return where(self.session.graph, targets[0]) if targets else "nothing"

    def action_label(self) -> None:
        """Ask for a label."""
        targets = self._label_targets()
        if not targets:
            return
        held = self.session.annotations.label_of(targets[0])
        self._asked = targets
        everywhere = all(key.kind is NodeKind.FEATURE for key in targets)
        scope = held.scope if held and everywhere else Scope.OCCURRENCE
        self.ask(
            Question(
                "label",
                f"label {self.of_targets(targets)}",
                inert(held.text) if held else "",
                self._label_completions(targets[0]),
                scope=scope,
            )
        )

    def _label_completions(self, key: NodeKey) -> list[str]:
        found = self.view.used_labels()
        record = self.session.record(key.feature_key) if key.kind is NodeKind.FEATURE else None
        said = [each.text for each in record.explanations] if record else []
        return [*found, *said, *self._known_labels]

    def answer_label(self, message: LineEntered) -> None:
        """Give the label."""
        session = self.session
        scope = session.fitting(message.scope)
        if not self.edit(SetLabel(self._asked, message.text, session.provenance(), scope)):
            return
        if scope is not message.scope:
            self.say("This graph does not name its transcoders: the label is for here only.")
        self._learn_labels()
        self.decided(Outcome.NAMED)

    def action_note(self) -> None:
        """Ask for a note on the selected node."""
        key = self.session.selected
        if key is None:
            return
        self._asked = (key,)
        self._note_before = inert(self.session.annotations.notes.get(key, ""))
        title = f"note on {where(self.session.graph, key)}"
        self.ask(Question("note", title, self._note_before, hint=NOTE_HINT, most=MOST_NOTE))

    def answer_note(self, message: LineEntered) -> None:
        """Keep the note, its lines as lines."""
        if message.text != self._note_before:
            self.edit(SetNote(self._asked[0], message.text.replace(NEW_LINE, "\n")))

    def action_pin(self) -> None:
        """Pin or unpin."""
        targets = self.session.targets
        if targets and self.edit(TogglePin(targets)):
            pinned = targets[0] in self.session.annotations.pinned
            self.say("pinned" if pinned else "unpinned")

    def action_accept(self) -> None:
        """Accept labels, or take that back."""
        if self._review(Review.ACCEPTED):
            self.decided(Outcome.ACCEPTED)

    def action_reject(self) -> None:
        """Reject labels, or take that back."""
        if self._review(Review.REJECTED):
            self.decided(Outcome.REJECTED)

    def _review(self, review: Review) -> bool:
        """Decide on the targets' labels, or take that back; whether they are decided on now."""
        annotations = self.session.annotations
        targets = tuple(key for key in self._label_targets() if annotations.label_of(key))
        if not targets:
            if self.session.targets and self.session.targets[0].kind in LABELLED:
                self.say("There is no label to judge yet; e gives one.", bad=True)
            return False
        same = all(annotations.reviews.get(key) is review for key in targets)
        return self.edit(SetReview(targets, None if same else review)) and not same

    def action_undo(self) -> None:
        """Take the last edit back."""
        self._travel(self.session.undo, "undone", "nothing to undo")

    def action_redo(self) -> None:
        """Make the last undone edit again."""
        self._travel(self.session.redo, "redone", "nothing to redo")

    def _travel(self, step: Callable[[], Edit | None], done: str, nothing: str) -> None:
        try:
            edit = step()
        except GraphLabelError as error:
            self.say(str(error), bad=True)
            return
        self.say(f"{done}: {inert(edit.title)}" if edit else nothing)
        self.show_all()

    # The edit line

    def on_line_cancelled(self, _message: LineCancelled) -> None:
        """Leave things as they were."""
        self.close_question()
        self.show_all()

    def on_line_entered(self, message: LineEntered) -> None:
        """Do what was asked for: ``answer_<purpose>``; what was refused can be entered again."""
        questions = [line.question for line in self.query(EditLine)]
        before = self.refusals
        self.close_question()
        answer: Callable[[LineEntered], None] | None = getattr(
            self, f"answer_{message.purpose}", None
        )
        if answer is not None:
            answer(message)
            self.show_all()
        if self.refusals > before:
            for question in questions:
                self.ask(
                    replace(
                        question,
                        text=message.text,
                        scope=question.scope and message.scope,
                        note=f"✗ {self.refused}",
                    )
                )
