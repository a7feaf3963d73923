"""The identity of a transcoder set."""

from __future__ import annotations

import re
from dataclasses import dataclass

from graphlabel.graph import GraphSource

_OF = " ▸ "
_UNNAMED = "a model it does not name"


@dataclass(frozen=True, slots=True)
class TranscoderSet:
    """Which features a feature index belongs to: a model *and* a set of transcoders.

    A model's name alone covers several sets, whose feature 7 are different features. The hub's
    id of a set says for itself which it is: circuit-tracer's files hold it and no model.
    """

    model: str
    """Empty where a set of the hub is known by its id alone."""
    name: str
    """The source set, release, hub id or folder name."""
    revision: str = ""
    """A commit or a digest of the transcoders' weights; empty when unknown."""

    @classmethod
    def of(cls, source: GraphSource) -> TranscoderSet | None:
        """The set a graph was traced with, or None when the graph does not say."""
        if not source.transcoders or not (source.model or _is_hub_id(source.transcoders)):
            return None
        return cls(source.model, source.transcoders, source.transcoders_revision)

    def matches(self, other: TranscoderSet) -> bool:
        """Whether both are the same set; revisions decide when both are known."""
        if self.revision and other.revision:
            return self.revision == other.revision
        if self.name != other.name:
            return False
        either_unnamed = not (self.model and other.model) and _is_hub_id(self.name)
        return either_unnamed or same_model(self.model, other.model)

    def may_be_of(self, source: GraphSource) -> bool:
        """Whether a graph's features may be this set's: nothing that both name differs."""
        whole = TranscoderSet.of(source)
        if whole is not None:
            return whole.matches(self)
        if source.transcoders and source.transcoders != self.name:
            return False
        return not source.model or same_model(source.model, self.model)

    @classmethod
    def stated(cls, text: str) -> TranscoderSet:
        """The set that a text names: one that ``str`` wrote, or a name alone."""
        model, _, name = text.rpartition(_OF)
        return cls("" if model == _UNNAMED else model, name)

    def __str__(self) -> str:
        if not self.model and _is_hub_id(self.name):
            return self.name
        return f"{self.model or _UNNAMED}{_OF}{self.name}"


def may_share_features(one: GraphSource, two: GraphSource) -> bool:
    """Whether two graphs' features may be the same set's: nothing that both name differs."""
    sets = TranscoderSet.of(one), TranscoderSet.of(two)
    if sets[0] and sets[1]:
        return sets[0].matches(sets[1])
    if one.transcoders and two.transcoders and one.transcoders != two.transcoders:
        return False
    return not (one.model and two.model) or same_model(one.model, two.model)


def same_model(one: str, other: str) -> bool:
    """Whether two names mean one model: “gemma-2-2b” is what “google/gemma-2-2b” is on the hub."""
    bare = "/" not in one or "/" not in other
    return one == other or (bare and one.rpartition("/")[2] == other.rpartition("/")[2] != "")


def _is_hub_id(name: str) -> bool:
    """Whether a set is named as the Hugging Face hub names repositories, perhaps with a folder."""
    return re.fullmatch(r"\w[\w.-]*(/\w[\w.-]*)+", name) is not None
