"""Everything people and methods said about one graph, as one immutable value."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from graphlabel.annotation.labels import Label, Origin, Review, Scope, Supernode
from graphlabel.annotation.routing import Routing
from graphlabel.annotation.verbalization import Verbalization
from graphlabel.graph import FeatureKey, NodeKey

LabelTarget = NodeKey | FeatureKey
"""An occurrence label belongs to a node, a feature label to a feature."""


@dataclass(frozen=True)
class Annotations:
    """Labels, routings, supernodes, pins, notes, reviews and verbalizations of one graph."""

    labels: Mapping[LabelTarget, Label] = field(default_factory=dict)
    routings: Mapping[FeatureKey, Routing] = field(default_factory=dict)
    supernodes: tuple[Supernode, ...] = ()
    """In the order they were made; names are unique."""
    pinned: tuple[NodeKey, ...] = ()
    notes: Mapping[NodeKey, str] = field(default_factory=dict)
    reviews: Mapping[NodeKey, Review] = field(default_factory=dict)
    verbalizations: Mapping[LabelTarget, tuple[Verbalization, ...]] = field(default_factory=dict)
    """Aids to a person, never labels: of the node where its place in the prompt was read, of the
    feature otherwise."""

    def label_of(self, key: NodeKey) -> Label | None:
        """The label shown for a node.

        A person's label wins over a machine's; then this occurrence's over the feature's.
        """
        here = self.labels.get(key)
        everywhere = self.labels.get(key.feature_key)
        if here is None or everywhere is None:
            return here or everywhere
        person_wins = (
            everywhere.provenance.origin is Origin.PERSON
            and here.provenance.origin is not Origin.PERSON
        )
        return everywhere if person_wins else here

    def routing_of(self, key: NodeKey) -> Routing | None:
        """How the node's feature was routed, if it was."""
        return self.routings.get(key.feature_key)

    def supernode_of(self, key: NodeKey) -> Supernode | None:
        """The first supernode that holds a node."""
        return next((group for group in self.supernodes if key in group.members), None)

    def supernode(self, name: str) -> Supernode | None:
        """The supernode of a name."""
        return next((group for group in self.supernodes if group.name == name), None)

    def with_routings(self, routings: Mapping[FeatureKey, Routing]) -> Annotations:
        """The same annotations with these features' routings replaced."""
        return replace(self, routings={**self.routings, **routings})

    def verbalizations_of(self, key: NodeKey) -> tuple[Verbalization, ...]:
        """What verbalizers said of a node and then of its feature."""
        here = self.verbalizations.get(key, ())
        return (*here, *self.verbalizations.get(key.feature_key, ()))

    def with_verbalizations(
        self, texts: Mapping[LabelTarget, tuple[Verbalization, ...]]
    ) -> Annotations:
        """The same annotations with these verbalizations replaced."""
        return replace(self, verbalizations={**self.verbalizations, **texts})

    def free_name(self, name: str) -> str:
        """``name``, or ``name (2)`` and so on when a supernode already has it."""
        taken = {group.name for group in self.supernodes}
        return unique_name(name, taken)


def label_target(key: NodeKey, scope: Scope) -> LabelTarget:
    """What a label of this scope on this node belongs to."""
    return key.feature_key if scope is Scope.FEATURE else key


def unique_name(name: str, taken: Iterable[str]) -> str:
    """``name`` made unique among ``taken`` by a number in parentheses."""
    known = set(taken)
    candidate, number = name, 2
    while candidate in known:
        candidate, number = f"{name} ({number})", number + 1
    return candidate
