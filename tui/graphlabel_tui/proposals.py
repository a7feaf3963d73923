"""Suggested supernodes while a person decides on them. No Textual here."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from graphlabel.annotation import Annotations, Several
from graphlabel.errors import UsageError
from graphlabel.files import GraphDocument
from graphlabel.graph import NodeKey
from graphlabel_tui.session import Session


class Decision(StrEnum):
    """What a person said to a suggestion."""

    OPEN = "open"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    HELD = "in other groups"
    """Fewer than two members are free: there is nothing left to decide."""


@dataclass
class Proposal:
    """A suggested supernode, as the person has changed it so far."""

    name: str
    members: tuple[NodeKey, ...]
    reason: str
    dropped: set[NodeKey] = field(default_factory=set)
    """Members the person wants left out."""
    rejected: bool = False
    accepted: tuple[NodeKey, ...] = ()
    """The members that were free when the person accepted it, and were grouped."""

    @property
    def kept(self) -> tuple[NodeKey, ...]:
        """The members that would be grouped."""
        return tuple(key for key in self.members if key not in self.dropped)

    def drop(self, key: NodeKey) -> None:
        """Leave a member out, or have it back."""
        self.dropped ^= {key}

    def free(self, annotations: Annotations) -> tuple[NodeKey, ...]:
        """The kept members that are in no supernode."""
        return tuple(key for key in self.kept if annotations.supernode_of(key) is None)

    def decision(self, annotations: Annotations) -> Decision:
        """How it stands; read off the supernodes there are, so undoing opens it again."""
        if _together(self.kept, annotations) or _together(self.accepted, annotations):
            return Decision.ACCEPTED
        if self.rejected:
            return Decision.REJECTED
        n_free = sum(annotations.supernode_of(key) is None for key in self.members)
        return Decision.OPEN if n_free > 1 else Decision.HELD


def _together(keys: Sequence[NodeKey], annotations: Annotations) -> bool:
    """Whether there are nodes, and all are in one supernode."""
    groups = [annotations.supernode_of(key) for key in keys]
    return bool(groups) and groups[0] is not None and all(each is groups[0] for each in groups)


def open_ones(proposals: Sequence[Proposal], annotations: Annotations) -> list[Proposal]:
    """Those that still wait for a decision."""
    return [each for each in proposals if each.decision(annotations) is Decision.OPEN]


def accepting(annotations: Annotations, proposals: Sequence[Proposal]) -> Several:
    """The one edit that makes proposals supernodes; nodes in a supernode already stay there.

    Raises UsageError when no proposal has two members that are still free.
    """
    from graphlabel.grouping import Suggestion
    from graphlabel.grouping import accepting as accepted

    edit = accepted(
        annotations, [Suggestion(each.name, each.kept, each.reason) for each in proposals]
    )
    if not edit.commands:
        raise UsageError(
            "fewer than two of these nodes are free; ungroup them (G) or keep more members (space)"
        )
    if len(proposals) == 1:
        return Several(f"accept the suggested supernode {proposals[0].name}", edit.commands)
    return edit


def accept(session: Session, proposals: Sequence[Proposal]) -> str:
    """Make proposals supernodes, as one edit; says what was done.

    Raises UsageError when no proposal has two members that are still free.
    """
    before = session.annotations
    edit = session.do(accepting(before, proposals))
    if edit is None:
        return "nothing changed"
    n_kept = n_free = 0
    for each in proposals:
        free = each.free(before)
        if len(free) > 1:
            each.accepted, each.rejected = free, False
            n_kept, n_free = n_kept + len(each.kept), n_free + len(free)
    held = n_kept - n_free
    if not held:
        return edit.title
    verb = "is" if held == 1 else "are"
    groups = "another group" if held == 1 else "other groups"
    return f"accepted {n_free} of {n_kept}; {held} {verb} in {groups}"


def read_proposals(text: str, document: GraphDocument) -> list[Proposal]:
    """What ``graphlabel suggest --json`` printed; raises UsageError when it is nothing of the kind.

    Nodes that the graph does not have, and groups of which fewer than two nodes then remain, are
    left out.
    """
    try:
        found = json.loads(text)["supernodes"]
        rows = [
            (str(row["name"]), [str(each) for each in row["members"]], str(row["reason"]))
            for row in found
        ]
    except (ValueError, KeyError, TypeError) as error:
        raise UsageError(
            "what suggest printed holds no suggestions; run “graphlabel suggest” in a terminal to "
            "see why"
        ) from error
    places, nodes = document.place_of_id, document.graph.nodes
    proposals = [
        Proposal(name, tuple(nodes[places[each]].key for each in ids if each in places), reason)
        for name, ids, reason in rows
    ]
    return [each for each in proposals if len(each.members) > 1]
