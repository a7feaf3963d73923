"""Carrying annotations over to another pruning of the same prompt's graph."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from graphlabel.annotation.annotations import Annotations, LabelTarget
from graphlabel.annotation.labels import Label, Origin, Supernode
from graphlabel.annotation.patch import Patch
from graphlabel.graph import FeatureKey, NodeKey

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class CarryReport:
    """What fits the other graph and what does not."""

    labels: int
    notes: int
    reviews: int
    pins: int
    supernodes: int
    """Supernodes with at least one member in the other graph."""
    lost: tuple[str, ...]
    """What does not fit, a line each; it stays with the graph it was made on."""
    kept: int
    """Labels and notes the other graph has already, which stay."""

    @property
    def carried(self) -> int:
        """How many annotations fit."""
        return self.labels + self.notes + self.reviews + self.pins + self.supernodes


@dataclass(frozen=True)
class CarryOver:
    """Take over another graph's annotations wherever this graph has the node.

    What a person said here stays; occurrences keep their positions, which the same prompt has.
    """

    annotations: Annotations
    """The other graph's."""
    nodes: frozenset[NodeKey]
    """This graph's."""
    source: str
    """What the other graph is called."""

    @property
    def title(self) -> str:
        """What the edit does."""
        return f"carry over from “{self.source}”"

    def patch(self, annotations: Annotations) -> Patch:
        """Everything that fits."""
        old = self.annotations
        return Patch.between(
            annotations,
            replace(
                annotations,
                labels={**annotations.labels, **self._labels(annotations)},
                notes={**self._here(old.notes), **annotations.notes},
                reviews={**self._here(old.reviews), **annotations.reviews},
                supernodes=self._supernodes(annotations),
                pinned=tuple(dict.fromkeys([*annotations.pinned, *self._pins()])),
            ),
        )

    def report(self, annotations: Annotations) -> CarryReport:
        """What ``patch`` takes over, and what has no place here."""
        old, labels = self.annotations, self._labels(annotations)
        notes = [key for key in self._here(old.notes) if key not in annotations.notes]
        reviews = [key for key in self._here(old.reviews) if key not in annotations.reviews]
        groups = [group for group in old.supernodes if self._members(group)]
        kept = sum(
            self._fits(target) and target not in labels and annotations.labels.get(target) != label
            for target, label in old.labels.items()
        )
        return CarryReport(
            labels=len(labels),
            notes=len(notes),
            reviews=len(reviews),
            pins=len(set(self._pins()) - set(annotations.pinned)),
            supernodes=len(groups),
            lost=tuple(self._lost()),
            kept=kept + len(self._here(old.notes)) - len(notes),
        )

    def _labels(self, now: Annotations) -> Mapping[LabelTarget, Label]:
        def may(target: LabelTarget, label: Label) -> bool:
            held = now.labels.get(target)
            if held is None:
                return self._fits(target)
            outranks = label.provenance.origin is Origin.PERSON
            return outranks and held.provenance.origin is not Origin.PERSON and self._fits(target)

        return {key: label for key, label in self.annotations.labels.items() if may(key, label)}

    def _fits(self, target: LabelTarget) -> bool:
        if isinstance(target, NodeKey):
            return target in self.nodes
        return target in self._features

    @cached_property
    def _features(self) -> frozenset[FeatureKey]:
        return frozenset(key.feature_key for key in self.nodes)

    def _here(self, entries: Mapping[NodeKey, V]) -> dict[NodeKey, V]:
        return {key: value for key, value in entries.items() if key in self.nodes}

    def _pins(self) -> list[NodeKey]:
        return [key for key in self.annotations.pinned if key in self.nodes]

    def _members(self, group: Supernode) -> tuple[NodeKey, ...]:
        return tuple(key for key in group.members if key in self.nodes)

    def _supernodes(self, now: Annotations) -> tuple[Supernode, ...]:
        groups = {group.name: group.members for group in now.supernodes}
        taken = {key for members in groups.values() for key in members}
        for group in self.annotations.supernodes:
            fresh = tuple(key for key in self._members(group) if key not in taken)
            if fresh:
                groups[group.name] = (*groups.get(group.name, ()), *fresh)
        return tuple(Supernode(name, members) for name, members in groups.items())

    def _lost(self) -> list[str]:
        old = self.annotations
        lines = [
            f"label of {target}: “{label.text}”"
            for target, label in old.labels.items()
            if not self._fits(target)
        ]
        said: Mapping[str, Mapping[NodeKey, str]] = {"note on": old.notes, "review of": old.reviews}
        for what, entries in said.items():
            lines += [
                f"{what} {key}: {text}" for key, text in entries.items() if key not in self.nodes
            ]
        for group in old.supernodes:
            gone = [str(key) for key in group.members if key not in self.nodes]
            if gone:
                lines.append(f"supernode “{group.name}”: without {', '.join(gone)}")
        lines += [f"pin on {key}" for key in old.pinned if key not in self.nodes]
        return lines
