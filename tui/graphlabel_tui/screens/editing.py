"""The commands that edit: labels, notes, groups, pins, reviews, undo."""

from __future__ import annotations

from collections.abc import Callable

from graphlabel.annotation import (
    Edit,
    Group,
    RenameSupernode,
    Review,
    Scope,
    SetLabel,
    SetNote,
    SetReview,
    TogglePin,
    Ungroup,
)
from graphlabel.errors import GraphLabelError
from graphlabel.graph import NodeKey, NodeKind
from graphlabel_tui.filters import HINT
from graphlabel_tui.inert import inert
from graphlabel_tui.messages import LineCancelled, LineEdited, LineEntered
from graphlabel_tui.screens.base import WorkbenchBase
from graphlabel_tui.view import SORTS
from graphlabel_tui.widgets.edit_line import Question
from graphlabel_tui.wording import where

LABELLED = frozenset({NodeKind.FEATURE, NodeKind.OTHER})
"""Kinds of nodes that carry labels; tokens and logits name themselves."""


class Editing(WorkbenchBase):
    """Edits apply to the marked nodes, or else to the selected one."""

    _asked: tuple[NodeKey, ...] = ()
    """What the open question is about."""
    _renamed = ""
    _query_before = ""

    def _label_targets(self) -> tuple[NodeKey, ...]:
        targets = tuple(key for key in self.session.targets if key.kind in LABELLED)
        if not targets:
            self.say("Only features carry labels; select one first.", bad=True)
        return targets

    def _of_targets(self, targets: tuple[NodeKey, ...]) -> str:
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
                f"label {self._of_targets(targets)}",
                inert(held.text) if held else "",
                self._label_completions(targets[0]),
                scope=scope,
            )
        )

    def _label_completions(self, key: NodeKey) -> list[str]:
        found = self.view.used_labels()
        record = self.session.record(key.feature_key) if key.kind is NodeKind.FEATURE else None
        return [*found, *(each.text for each in record.explanations)] if record else found

    def action_note(self) -> None:
        """Ask for a note on the selected node."""
        key = self.session.selected
        if key is not None:
            self._asked = (key,)
            held = self.session.annotations.notes.get(key, "")
            self.ask(Question("note", f"note on {where(self.session.graph, key)}", inert(held)))

    def action_group(self) -> None:
        """Ask for a supernode's name."""
        targets = self.session.targets
        if not targets:
            self.say("Select a node, or mark some with space, before grouping.", bad=True)
            return
        self._asked = targets
        names = [group.name for group in self.session.annotations.supernodes]
        self.ask(
            Question(
                "group",
                f"group {self._of_targets(targets)} into",
                completions=names,
                hint="a new name makes a supernode",
            )
        )

    def action_ungroup(self) -> None:
        """Take the nodes out of their supernode."""
        self.edit(Ungroup(self.session.targets))

    def action_rename(self) -> None:
        """Ask for the supernode's new name."""
        key = self.session.selected
        group = self.session.annotations.supernode_of(key) if key else None
        if group is None:
            self.say("The selected node is in no supernode; g puts it into one.", bad=True)
            return
        self._renamed = group.name
        self.ask(Question("rename", f"rename [{inert(group.name)}]", inert(group.name)))

    def action_pin(self) -> None:
        """Pin or unpin."""
        if self.session.targets:
            self.edit(TogglePin(self.session.targets))

    def action_accept(self) -> None:
        """Accept labels, or take that back."""
        self._review(Review.ACCEPTED)

    def action_reject(self) -> None:
        """Reject labels, or take that back."""
        self._review(Review.REJECTED)

    def _review(self, review: Review) -> None:
        annotations = self.session.annotations
        targets = tuple(key for key in self._label_targets() if annotations.label_of(key))
        if not targets:
            if self.session.targets and self.session.targets[0].kind in LABELLED:
                self.say("There is no label to judge yet; e gives one.", bad=True)
            return
        same = all(annotations.reviews.get(key) is review for key in targets)
        self.edit(SetReview(targets, None if same else review))

    def action_mark(self) -> None:
        """Mark or unmark the selected node."""
        if self.session.selected is not None:
            self.session.mark([self.session.selected])
            self.show_all()

    def action_unmark(self) -> None:
        """Leave the zoom, or forget all marks."""
        if self.zoomed:
            self.zoomed = False
            self.lay_out()
        else:
            self.session.marked.clear()
        self.show_all()

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

    def action_filter(self) -> None:
        """Ask for a filter; it acts while it is typed."""
        self._query_before = self.view.query
        self.ask(Question("filter", "filter nodes", self.view.query, hint=HINT))

    def action_sort(self) -> None:
        """The next order of the table."""
        self.view.sort = SORTS[(SORTS.index(self.view.sort) + 1) % len(SORTS)]
        self.show_all()

    def on_line_edited(self, message: LineEdited) -> None:
        """Filters act at once."""
        if message.purpose == "filter":
            self.view.query = message.text
            self.show_all()

    def on_line_cancelled(self, message: LineCancelled) -> None:
        """Leave things as they were."""
        if message.purpose == "filter":
            self.view.query = self._query_before
        self.close_question()
        self.show_all()

    def on_line_entered(self, message: LineEntered) -> None:
        """Do what was asked for."""
        self.close_question()
        session, text = self.session, message.text
        if message.purpose == "label":
            scope = session.fitting(message.scope)
            self.edit(SetLabel(self._asked, text, session.provenance(), scope))
            if scope is not message.scope:
                self.say("This graph does not name its transcoders: the label is for here only.")
        elif message.purpose == "note":
            self.edit(SetNote(self._asked[0], text))
        elif message.purpose == "group":
            self.edit(Group(text, self._asked))
            session.marked.clear()
        elif message.purpose == "rename":
            self.edit(RenameSupernode(self._renamed, text))
        elif message.purpose == "filter":
            self.view.query = text
            self._select_a_match()
        self.show_all()

    def _select_a_match(self) -> None:
        """What is edited next is what was looked for, not a node the filter hides."""
        rows = self.view.rows()
        if self.view.query.strip() and rows and self.session.place not in rows:
            self.session.select(self.view.node(rows[0]).key)
