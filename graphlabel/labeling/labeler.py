"""What a label method is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from graphlabel.annotation import Routing
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class Proposal:
    """A label a method proposes."""

    text: str
    trust: float
    """How much of the evidence agrees, 0 to 1."""


@runtime_checkable
class Labeler(Protocol):
    """A label method."""

    @property
    def name(self) -> str:
        """The method's name, kept with every label it makes."""
        ...

    def label(self, record: FeatureRecord, routing: Routing) -> Proposal | None:
        """A label, or None when the method has nothing to say of this feature."""
        ...
