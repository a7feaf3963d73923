"""The commands on supernodes: group, ungroup, rename, merge, split."""

from __future__ import annotations

from graphlabel.annotation import (
    Group,
    MergeSupernodes,
    RenameSupernode,
    SplitSupernode,
    Supernode,
    Ungroup,
)
from graphlabel_tui.inert import inert
from graphlabel_tui.messages import LineEntered
from graphlabel_tui.screens.editing import Editing
from graphlabel_tui.widgets.edit_line import Question


class Grouping(Editing):
    """Supernodes are made of the marked nodes, and found by the selected one."""

    _groups: tuple[str, ...] = ()
    """Names of the supernodes that the open question is about."""

    def action_group(self) -> None:
        """Ask for a supernode's name."""
        targets = self.session.targets
        if not targets:
            self.say("Select a node, or mark some with space, before grouping.", bad=True)
            return
        self._asked = targets
        self.ask(
            Question(
                "group",
                f"group {self.of_targets(targets)} into",
                completions=self._names(),
                hint="a new name makes a supernode",
            )
        )

    def answer_group(self, message: LineEntered) -> None:
        """Group the nodes; they are marked no longer."""
        if self.edit(Group(self._meant(message.text), self._asked)):
            self.session.marked.clear()
            self.say("grouped and pinned")

    def action_ungroup(self) -> None:
        """Take the nodes out of their supernode."""
        self.edit(Ungroup(self.session.targets))

    def action_rename(self) -> None:
        """Ask for the supernode's new name."""
        group = self._here()
        if group is not None:
            self._groups = (group.name,)
            self.ask(Question("rename", f"rename [{inert(group.name)}]", inert(group.name)))

    def answer_rename(self, message: LineEntered) -> None:
        """Rename the supernode."""
        self.edit(RenameSupernode(self._groups[0], message.text))

    def action_merge(self) -> None:
        """Ask what the supernodes of the marked nodes, or of the selected one, become."""
        annotations = self.session.annotations
        found = [annotations.supernode_of(key) for key in self.session.targets]
        names = tuple(dict.fromkeys(group.name for group in found if group))
        if not names:
            self._here()
            return
        self._groups = names
        shown = " ".join(f"[{inert(name)}]" for name in names[:4])
        more = f" and {len(names) - 4} more" if len(names) > 4 else ""
        others = [name for name in self._names() if name not in names]
        whole = len(names) > 1
        self.ask(
            Question(
                "merge",
                f"merge {shown}{more} into",
                inert(names[0]) if whole else "",
                [*names, *others] if whole else others,
                hint="one of their names, another supernode's, or a new one" if whole
                else "another supernode's name; mark nodes of several to merge them",
            )
        )  # fmt: skip

    def answer_merge(self, message: LineEntered) -> None:
        """Merge the supernodes; what was marked to find them is marked no longer."""
        if self.edit(MergeSupernodes(self._groups, self._meant(message.text))):
            self.session.marked.clear()

    def action_split(self) -> None:
        """Ask for the name of the supernode that the marked nodes get out of theirs."""
        annotations = self.session.annotations
        targets = self.session.targets
        found = {group.name for key in targets if (group := annotations.supernode_of(key))}
        if len(found) != 1:
            self.say(
                "Splitting takes nodes out of one supernode; mark those that leave it."
                if found
                else "None of these nodes is in a supernode; g puts them into one.",
                bad=True,
            )
            return
        self._groups, self._asked = (*found,), targets
        name = inert(self._groups[0])
        self.ask(Question("split", f"split {self.of_targets(targets)} off [{name}] as"))

    def answer_split(self, message: LineEntered) -> None:
        """Split the supernode."""
        if self.edit(SplitSupernode(self._groups[0], self._asked, message.text)):
            self.session.marked.clear()

    def _here(self) -> Supernode | None:
        key = self.session.selected
        group = self.session.annotations.supernode_of(key) if key else None
        if group is None:
            self.say("The selected node is in no supernode; g puts it into one.", bad=True)
        return group

    def _names(self) -> list[str]:
        return [group.name for group in self.session.annotations.supernodes]

    def _meant(self, shown: str) -> str:
        """The supernode that a completion stands for, which shows its name inert."""
        return next((name for name in self._names() if inert(name) == shown.strip()), shown)
