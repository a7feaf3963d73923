"""The one way annotations change: a patch, which knows its own inverse."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import TypeVar

from graphlabel.annotation.annotations import Annotations, LabelTarget
from graphlabel.annotation.labels import Label, Review, Supernode
from graphlabel.graph import NodeKey

K = TypeVar("K")
V = TypeVar("V")


@dataclass(frozen=True)
class Patch:
    """New values for some parts of the annotations; None deletes an entry.

    ``supernodes`` and ``pinned`` are replaced whole; None leaves them as they are.
    """

    labels: Mapping[LabelTarget, Label | None] = field(default_factory=dict)
    notes: Mapping[NodeKey, str | None] = field(default_factory=dict)
    reviews: Mapping[NodeKey, Review | None] = field(default_factory=dict)
    supernodes: tuple[Supernode, ...] | None = None
    pinned: tuple[NodeKey, ...] | None = None

    def apply(self, annotations: Annotations) -> Annotations:
        """The annotations with this patch applied."""
        return replace(
            annotations,
            labels=_patched(annotations.labels, self.labels),
            notes=_patched(annotations.notes, self.notes),
            reviews=_patched(annotations.reviews, self.reviews),
            supernodes=annotations.supernodes if self.supernodes is None else self.supernodes,
            pinned=annotations.pinned if self.pinned is None else self.pinned,
        )

    def inverse(self, annotations: Annotations) -> Patch:
        """The patch that takes ``apply(annotations)`` back to ``annotations``."""
        return Patch(
            labels={key: annotations.labels.get(key) for key in self.labels},
            notes={key: annotations.notes.get(key) for key in self.notes},
            reviews={key: annotations.reviews.get(key) for key in self.reviews},
            supernodes=None if self.supernodes is None else annotations.supernodes,
            pinned=None if self.pinned is None else annotations.pinned,
        )

    @classmethod
    def between(cls, before: Annotations, after: Annotations) -> Patch:
        """The patch that makes ``after`` of ``before``, all but routings."""
        return cls(
            labels=_changes(before.labels, after.labels),
            notes=_changes(before.notes, after.notes),
            reviews=_changes(before.reviews, after.reviews),
            supernodes=None if before.supernodes == after.supernodes else after.supernodes,
            pinned=None if before.pinned == after.pinned else after.pinned,
        )

    @property
    def is_empty(self) -> bool:
        """Whether the patch changes nothing."""
        nothing = self.supernodes is None and self.pinned is None
        return nothing and not (self.labels or self.notes or self.reviews)


def _patched(old: Mapping[K, V], changes: Mapping[K, V | None]) -> Mapping[K, V]:
    if not changes:
        return old
    merged = dict(old)
    for key, value in changes.items():
        if value is None:
            merged.pop(key, None)
        else:
            merged[key] = value
    return merged


def _changes(before: Mapping[K, V], after: Mapping[K, V]) -> dict[K, V | None]:
    keys = dict.fromkeys((*before, *after))
    return {key: after.get(key) for key in keys if before.get(key) != after.get(key)}
