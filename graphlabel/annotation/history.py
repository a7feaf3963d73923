"""Undo and redo without limit."""

from __future__ import annotations

from dataclasses import dataclass, field

from graphlabel.annotation.annotations import Annotations
from graphlabel.annotation.commands import Command
from graphlabel.annotation.patch import Patch


@dataclass(frozen=True, slots=True)
class Edit:
    """One edit that was made: its title, its change, and the way back."""

    title: str
    change: Patch
    inverse: Patch


@dataclass
class History:
    """The annotations as they are now, and how they came to be."""

    annotations: Annotations
    done: list[Edit] = field(default_factory=list)
    undone: list[Edit] = field(default_factory=list)

    def do(self, command: Command) -> Edit | None:
        """Make an edit; None when it changes nothing. What was undone can't be redone after."""
        change = command.patch(self.annotations)
        inverse = change.inverse(self.annotations)
        if change.is_empty or change == inverse:
            return None
        edit = Edit(command.title, change, inverse)
        self.annotations = change.apply(self.annotations)
        self.done.append(edit)
        self.undone.clear()
        return edit

    def undo(self) -> Edit | None:
        """Take the last edit back; None when there is none."""
        if not self.done:
            return None
        edit = self.done.pop()
        self.annotations = edit.inverse.apply(self.annotations)
        self.undone.append(edit)
        return edit

    def redo(self) -> Edit | None:
        """Make the last undone edit again; None when there is none."""
        if not self.undone:
            return None
        edit = self.undone.pop()
        self.annotations = edit.change.apply(self.annotations)
        self.done.append(edit)
        return edit
