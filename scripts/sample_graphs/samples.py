"""The prompts, and what a person made of their graphs: a recorded list of edits."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from graphlabel.annotation import (
    Command,
    Group,
    History,
    Origin,
    Provenance,
    Scope,
    SetLabel,
)
from graphlabel.files import GraphDocument
from graphlabel.graph import FeatureKey, NodeKind

RECORD = Path(__file__).with_name("samples.json")


@dataclass(frozen=True)
class Sample:
    """A prompt that the model continues as it should, and what became of its graph."""

    slug: str
    prompt: str
    answer: str
    """The likeliest next token."""
    groups: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Supernodes, of node ids: made by hand, or suggested and found to make sense."""
    tests: tuple[str, ...] = ()
    """Supernodes without which the answer should become less likely."""


@dataclass(frozen=True)
class Samples:
    """All samples, and the labels of features that stand in any of them."""

    transcoders: str
    """The digest of the set that the edits are about: another one's features mean other things."""
    time: str
    samples: tuple[Sample, ...]
    labels: dict[str, str] = field(default_factory=dict)
    """By layer/feature."""


def read_samples(path: Path = RECORD) -> Samples:
    """The record; raises msgspec.DecodeError when it is broken."""
    return msgspec.json.decode(path.read_bytes(), type=Samples)


def edited(document: GraphDocument, samples: Samples, sample: Sample) -> GraphDocument:
    """A document with the recorded edits; as it is where they are of other transcoders."""
    if document.graph.source.transcoders_revision != samples.transcoders:
        return document
    history = History(document.annotations)
    for command in _commands(document, samples, sample):
        history.do(command)
    return document.annotated(history.annotations)


def _commands(document: GraphDocument, samples: Samples, sample: Sample) -> list[Command]:
    provenance = Provenance(Origin.PERSON, "sample graphs", "read by hand", time=samples.time)
    features = [
        document.graph.nodes[place].key for place in document.graph.places(NodeKind.FEATURE)
    ]
    commands: list[Command] = []
    for name, text in samples.labels.items():
        mine = tuple(key for key in features if key.feature_key == _feature(name))
        if mine:
            commands.append(SetLabel(mine, text, provenance, Scope.FEATURE))
    for name, ids in sample.groups.items():
        places = (document.place_of_id[each] for each in ids)
        commands.append(Group(name, tuple(document.graph.nodes[place].key for place in places)))
    return commands


def _feature(name: str) -> FeatureKey:
    layer, feature = name.split("/")
    return FeatureKey(int(layer), int(feature))
