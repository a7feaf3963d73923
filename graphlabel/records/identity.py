"""The identity of a transcoder set."""

from __future__ import annotations

from dataclasses import dataclass

from graphlabel.graph import GraphSource


@dataclass(frozen=True, slots=True)
class TranscoderSet:
    """Which features a feature index belongs to: a model *and* a set of transcoders.

    A model's name alone covers several sets, whose feature 7 are different features.
    """

    model: str
    name: str
    """The source set, release, hub id or folder name."""
    revision: str = ""
    """A commit or a digest of the transcoders' weights; empty when unknown."""

    @classmethod
    def of(cls, source: GraphSource) -> TranscoderSet | None:
        """The set a graph was traced with, or None when the graph does not say."""
        if not (source.model and source.transcoders):
            return None
        return cls(source.model, source.transcoders, source.transcoders_revision)

    def matches(self, other: TranscoderSet) -> bool:
        """Whether both are the same set; revisions decide when both are known."""
        if self.revision and other.revision:
            return self.revision == other.revision
        return (self.model, self.name) == (other.model, other.name)

    def __str__(self) -> str:
        return f"{self.model} ▸ {self.name}"
