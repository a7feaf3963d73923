"""Merging supernodes, and splitting one."""

from __future__ import annotations

from dataclasses import dataclass

from graphlabel.annotation.annotations import Annotations
from graphlabel.annotation.labels import Supernode, clean_label
from graphlabel.annotation.patch import Patch
from graphlabel.errors import AnnotationError
from graphlabel.graph import NodeKey


@dataclass(frozen=True, slots=True)
class MergeSupernodes:
    """Make one supernode of several; pins stay as they are.

    It stands where the first of them stood, and may have one of their names or a new one.
    """

    names: tuple[str, ...]
    into: str

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"merge into “{clean_label(self.into)}”"

    def patch(self, annotations: Annotations) -> Patch:
        """The supernodes after merging."""
        into = clean_label(self.into)
        if not into:
            raise AnnotationError("a supernode needs a name")
        for name in self.names:
            if annotations.supernode(name) is None:
                raise AnnotationError(f"there is no supernode “{name}”")
        merged = [g for g in annotations.supernodes if g.name in (*self.names, into)]
        if len(merged) < 2:
            raise AnnotationError("merging needs two supernodes; name another one to merge into")
        members = tuple(dict.fromkeys(key for group in merged for key in group.members))
        groups = [
            Supernode(into, members) if group is merged[0] else group
            for group in annotations.supernodes
            if group is merged[0] or group not in merged
        ]
        return Patch(supernodes=tuple(groups))


@dataclass(frozen=True, slots=True)
class SplitSupernode:
    """Give some members of a supernode one of their own, after it; pins stay as they are."""

    name: str
    members: tuple[NodeKey, ...]
    new_name: str

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"split “{clean_label(self.new_name)}” from “{self.name}”"

    def patch(self, annotations: Annotations) -> Patch:
        """The supernodes after splitting."""
        new_name = clean_label(self.new_name)
        if not new_name:
            raise AnnotationError("a supernode needs a name")
        if annotations.supernode(new_name) is not None:
            raise AnnotationError(f"a supernode “{new_name}” exists already; choose another name")
        whole = annotations.supernode(self.name)
        if whole is None:
            raise AnnotationError(f"there is no supernode “{self.name}”")
        taken = tuple(key for key in whole.members if key in set(self.members))
        kept = tuple(key for key in whole.members if key not in set(self.members))
        if not taken or not kept:
            raise AnnotationError(
                f"splitting “{self.name}” needs some of its nodes, not {'all' if taken else 'none'}"
            )
        groups: list[Supernode] = []
        for group in annotations.supernodes:
            if group is whole:
                groups += [Supernode(whole.name, kept), Supernode(new_name, taken)]
            else:
                groups.append(group)
        return Patch(supernodes=tuple(groups))
