"""What a label method is."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from graphlabel.annotation import Routing
from graphlabel.labeling.evidence import Evidence
from graphlabel.llm import Completion, Request
from graphlabel.records import FeatureRecord


@dataclass(frozen=True, slots=True)
class Proposal:
    """A label a method proposes."""

    text: str
    trust: float | None = None
    """How much of the evidence agrees, 0 to 1; None where the method cannot tell."""
    model: str = ""
    """The model that worded it, where the method put the question itself."""


@runtime_checkable
class Labeler(Protocol):
    """A label method that needs no answer of a language model."""

    @property
    def name(self) -> str:
        """The method's name, kept with every label it makes."""
        ...

    def label(self, record: FeatureRecord, routing: Routing | None) -> Proposal | None:
        """A label, or None when the method has nothing to say of this feature.

        ``routing`` is None where a whole source is labelled without routing it.
        """
        ...


@runtime_checkable
class PromptedLabeler(Protocol):
    """A label method that asks a language model: one question and one answer a feature."""

    @property
    def name(self) -> str:
        """The method's name, kept with every label it makes."""
        ...

    def request(self, evidence: Evidence) -> Request:
        """What the model is asked; raises EvidenceError when there is nothing to show it."""
        ...

    def proposal(self, answer: Completion) -> Proposal:
        """The label in the model's answer; raises AnswerError when there is none to be had."""
        ...


LabelMethod = Labeler | PromptedLabeler


def reads_graph(method: LabelMethod) -> bool:
    """Whether a method reads the feature's place in the graph (its ``reads_graph`` is true)."""
    return bool(getattr(method, "reads_graph", False))
