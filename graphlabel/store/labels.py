"""Labels as the store knows them: whose, on what, and whether they stand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from graphlabel.annotation import FeatureClass, Label, LabelTarget, Origin, Provenance, Scope
from graphlabel.graph import FeatureKey
from graphlabel.records import TranscoderSet


class LabelState(StrEnum):
    """What became of a label."""

    CURRENT = "current"
    """It is the one shown: the latest that stands; a person's outranks any other origin's."""
    PAST = "past"
    """A later one, or a person's, is shown instead."""
    UNDONE = "undone"
    """Its author took it back."""


@dataclass(frozen=True, slots=True)
class NewLabel:
    """A label to add to the store outside any open graph.

    On a ``FeatureKey`` it holds wherever that feature of ``transcoder_set`` fires; without a set it
    needs ``graph`` and holds there alone. On a ``NodeKey`` it is of one occurrence and needs
    ``graph``. The scope of ``label`` is made to fit.
    """

    target: LabelTarget
    label: Label
    """Its text may be empty where ``feature_class`` says something."""
    transcoder_set: TranscoderSet | None = None
    graph: str = ""
    """A graph's key (``graph.graph_key``)."""
    feature_class: FeatureClass | None = None
    """The class its author finds the feature to be of; None where that is not said."""


@dataclass(frozen=True, slots=True)
class StoredLabel:
    """A label in the store, shown or not."""

    id: int
    """Rises with every label added."""
    target: LabelTarget
    label: Label
    state: LabelState
    transcoder_set: TranscoderSet | None = None
    """None where the graph it was given in does not name its transcoders."""
    graph: str = ""
    """Key of the graph it was given in; empty when it was added outside a graph."""
    feature_class: FeatureClass | None = None
    removed: bool = False
    """The decision that there is no label; its text is then empty."""
    overtook: int | None = None
    """The label somebody else gave at the same time, which this one hides."""

    @property
    def feature_key(self) -> FeatureKey:
        """The feature the label is about."""
        target = self.target
        return target if isinstance(target, FeatureKey) else target.feature_key

    @property
    def annotator(self) -> str:
        """Who judged; see ``annotator``."""
        return annotator(self.label.provenance)


def annotator(made: Provenance) -> str:
    """Who judged: a person's name, or the method and model of anything else."""
    if made.origin is Origin.PERSON:
        return made.author
    named = " ".join(part for part in (made.method, made.model) if part)
    return named or made.author or made.origin.value


@dataclass(frozen=True, slots=True)
class LabelFilter:
    """Which labels to list; everything that is given must hold."""

    words: str = ""
    """Every one of them occurs in the text, upper and lower case alike."""
    transcoder_set: TranscoderSet | None = None
    """Sets match as ``TranscoderSet.matches`` has it."""
    graph: str | None = None
    """Given in the graph with this key."""
    target: LabelTarget | None = None
    """On exactly this feature or node."""
    feature: FeatureKey | None = None
    """About this feature, whatever the scope."""
    scope: Scope | None = None
    origin: Origin | None = None
    author: str | None = None
    method: str | None = None
    state: LabelState | None = LabelState.CURRENT
    """None: whatever became of them."""


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of labels that were added."""

    added: int = 0
    """Kept, whether shown or not."""
    known: int = 0
    """Left out: the same annotator's same label on the same target stands already."""
    outranked: int = 0
    """Among those added: kept but not shown, because a person's label stands."""
    refused: Mapping[str, int] | None = None
    """Left out because they cannot be kept: how many, by why."""
