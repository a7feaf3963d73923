"""The edits a person or a method can make; each becomes a patch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from graphlabel.annotation.annotations import Annotations, LabelTarget, label_target
from graphlabel.annotation.labels import (
    Label,
    Origin,
    Provenance,
    Review,
    Scope,
    Supernode,
    clean_label,
)
from graphlabel.annotation.patch import Patch
from graphlabel.errors import AnnotationError
from graphlabel.graph import NodeKey


@runtime_checkable
class Command(Protocol):
    """An edit: what it is called, and the patch it makes of the annotations as they are."""

    @property
    def title(self) -> str:
        """What the edit does, for the undo list."""
        ...

    def patch(self, annotations: Annotations) -> Patch:
        """The change; raises AnnotationError when the edit makes no sense."""
        ...


@dataclass(frozen=True, slots=True)
class SetLabel:
    """Label nodes; an empty text removes their labels.

    A machine never replaces a label made by a person or found in the file.
    """

    nodes: tuple[NodeKey, ...]
    text: str
    provenance: Provenance
    scope: Scope = Scope.OCCURRENCE

    @property
    def title(self) -> str:
        """What the edit does."""
        text = clean_label(self.text)
        return f"label “{text}”" if text else "remove label"

    def patch(self, annotations: Annotations) -> Patch:
        """The labels it sets."""
        text = clean_label(self.text)
        if not text:
            targets = [key for node in self.nodes for key in (node, node.feature_key)]
            return Patch(labels={key: None for key in targets if key in annotations.labels})
        nodes = self.nodes
        if self.provenance.origin is Origin.MACHINE:
            nodes = tuple(key for key in nodes if _machine_may_label(annotations, key))
        label = Label(text, self.scope, self.provenance)
        changes: dict[LabelTarget, Label | None] = {
            label_target(key, self.scope): label for key in nodes
        }
        if self.scope is Scope.FEATURE:
            # an older label of this occurrence would hide the one just given
            hidden: dict[LabelTarget, Label | None] = {
                key: None for key in nodes if key in annotations.labels
            }
            return Patch(labels={**changes, **hidden})
        return Patch(labels=changes)


def _machine_may_label(annotations: Annotations, key: NodeKey) -> bool:
    label = annotations.label_of(key)
    return label is None or label.provenance.origin is Origin.MACHINE


@dataclass(frozen=True, slots=True)
class SetNote:
    """Write a note on a node; an empty text removes it."""

    node: NodeKey
    text: str

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"note on {self.node}"

    def patch(self, annotations: Annotations) -> Patch:
        """The note it sets."""
        return Patch(notes={self.node: self.text.strip() or None})


@dataclass(frozen=True, slots=True)
class Group:
    """Put nodes into a supernode, new or existing; they leave the ones they were in."""

    name: str
    members: tuple[NodeKey, ...]

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"group “{clean_label(self.name)}”"

    def patch(self, annotations: Annotations) -> Patch:
        """The supernodes after grouping."""
        name = _supernode_name(self.name)
        if not self.members:
            raise AnnotationError("a supernode needs at least one node; select some first")
        moved = set(self.members)
        groups: list[Supernode] = []
        added = False
        for group in annotations.supernodes:
            kept = tuple(key for key in group.members if key not in moved)
            if group.name == name:
                kept, added = (*kept, *dict.fromkeys(self.members)), True
            if kept:
                groups.append(Supernode(group.name, kept))
        if not added:
            groups.append(Supernode(name, tuple(dict.fromkeys(self.members))))
        pinned = dict.fromkeys((*annotations.pinned, *self.members))
        return Patch(supernodes=tuple(groups), pinned=tuple(pinned))


@dataclass(frozen=True, slots=True)
class Ungroup:
    """Take nodes out of the supernodes they are in; empty supernodes vanish."""

    members: tuple[NodeKey, ...]

    @property
    def title(self) -> str:
        """What the edit does."""
        return "ungroup"

    def patch(self, annotations: Annotations) -> Patch:
        """The supernodes after ungrouping."""
        gone = set(self.members)
        groups = [
            Supernode(group.name, tuple(key for key in group.members if key not in gone))
            for group in annotations.supernodes
        ]
        return Patch(supernodes=tuple(group for group in groups if group.members))


@dataclass(frozen=True, slots=True)
class RenameSupernode:
    """Give a supernode another name."""

    name: str
    new_name: str

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"rename “{self.name}” to “{clean_label(self.new_name)}”"

    def patch(self, annotations: Annotations) -> Patch:
        """The supernodes after renaming."""
        new_name = _supernode_name(self.new_name)
        if annotations.supernode(self.name) is None:
            raise AnnotationError(f"there is no supernode “{self.name}”")
        if new_name != self.name and annotations.supernode(new_name) is not None:
            raise AnnotationError(f"a supernode “{new_name}” exists already; choose another name")
        return Patch(
            supernodes=tuple(
                Supernode(new_name, group.members) if group.name == self.name else group
                for group in annotations.supernodes
            )
        )


@dataclass(frozen=True, slots=True)
class TogglePin:
    """Pin nodes to the subgraph, or unpin them when all are pinned."""

    nodes: tuple[NodeKey, ...]

    @property
    def title(self) -> str:
        """What the edit does."""
        return "pin"

    def patch(self, annotations: Annotations) -> Patch:
        """The pinned nodes afterwards."""
        if set(self.nodes) <= set(annotations.pinned):
            gone = set(self.nodes)
            return Patch(pinned=tuple(key for key in annotations.pinned if key not in gone))
        return Patch(pinned=tuple(dict.fromkeys((*annotations.pinned, *self.nodes))))


@dataclass(frozen=True, slots=True)
class SetReview:
    """Accept or reject the labels of nodes; None takes the decision back."""

    nodes: tuple[NodeKey, ...]
    review: Review | None

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"mark {self.review}" if self.review else "clear review"

    def patch(self, annotations: Annotations) -> Patch:
        """The reviews it sets."""
        return Patch(reviews=dict.fromkeys(self.nodes, self.review))


@dataclass(frozen=True, slots=True)
class Several:
    """Several commands as one edit, undone together."""

    title: str
    commands: Sequence[Command]

    def patch(self, annotations: Annotations) -> Patch:
        """The joint change of all commands, applied in order."""
        labels: dict[LabelTarget, Label | None] = {}
        notes: dict[NodeKey, str | None] = {}
        reviews: dict[NodeKey, Review | None] = {}
        supernodes, pinned = None, None
        for command in self.commands:
            patch = command.patch(annotations)
            annotations = patch.apply(annotations)
            labels.update(patch.labels)
            notes.update(patch.notes)
            reviews.update(patch.reviews)
            supernodes = patch.supernodes if patch.supernodes is not None else supernodes
            pinned = patch.pinned if patch.pinned is not None else pinned
        return Patch(labels, notes, reviews, supernodes, pinned)


@dataclass(frozen=True, slots=True)
class TakeOver:
    """Have these annotations instead, such as those with a link's."""

    title: str
    annotations: Annotations

    def patch(self, annotations: Annotations) -> Patch:
        """What of them is new."""
        return Patch.between(annotations, self.annotations)


def _supernode_name(text: str) -> str:
    name = clean_label(text)
    if not name:
        raise AnnotationError("a supernode needs a name")
    return name
