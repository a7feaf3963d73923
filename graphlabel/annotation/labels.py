"""Labels with provenance, supernodes, review states."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from enum import StrEnum

from graphlabel.graph import NodeKey

MAX_LABEL_LENGTH = 200
"""Labels are one line of plain text of at most this many characters."""


class Scope(StrEnum):
    """Where a label holds."""

    FEATURE = "feature"
    """Wherever the feature fires."""
    OCCURRENCE = "occurrence"
    """At this position of this prompt only."""


class Origin(StrEnum):
    """Who is behind a label."""

    PERSON = "person"
    MACHINE = "machine"
    FILE = "file"
    """It came with the graph file, which does not say who made it."""


@dataclass(frozen=True, slots=True)
class LabelScore:
    """What a scorer measured of a label."""

    scorer: str
    """The scorer, such as detection."""
    value: float
    """Its measure, such as balanced accuracy."""
    chance: float
    """What a label that says nothing gets on average."""
    judged: int = 0
    """Answers, texts or tokens the value rests on."""
    unparsed: int = 0
    """Answers that could not be read."""
    by_quantile: tuple[tuple[int, float], ...] = ()
    """The measure on each tenth of the feature's activations alone, 9 the strongest."""
    model: str = ""
    """The language model that was asked; empty where none was."""
    of_feature: bool = False
    """It judges the feature, whatever it is called: a bound on what any label can be worth."""

    @property
    def above_chance(self) -> float:
        """0 at chance or below, 1 for a perfect score."""
        return max(0.0, (self.value - self.chance) / (1 - self.chance)) if self.chance < 1 else 0.0


@dataclass(frozen=True, slots=True)
class Provenance:
    """Who made a label, how, and when."""

    origin: Origin
    author: str = ""
    """A person's name, or the program's."""
    method: str = ""
    """The label method, such as token_count."""
    model: str = ""
    time: str = ""
    """UTC, ISO 8601, to the second."""
    score: float | None = None
    """Trust in the label, 0 to 1: as scorers measured it, else as its method sees it."""
    prompt_hash: str = ""
    """SHA-256 (hex) of the request a language model answered."""
    inputs_hash: str = ""
    """SHA-256 (hex) of the evidence the method read."""
    temperature: float | None = None
    tokens: int | None = None
    """Tokens sent and received for the label."""
    dollars: float | None = None
    settings: str = ""
    """The tier settings the feature was routed with, as compact JSON."""
    scores: tuple[LabelScore, ...] = ()
    """What scorers measured of the label."""

    def scored(self, scores: Iterable[LabelScore]) -> Provenance:
        """The provenance with these scores; earlier ones of the same scorers are replaced.

        Trust becomes the mean distance above chance of those that judge the label.
        """
        kept = {each.scorer: each for each in (*self.scores, *scores)}
        own = [each.above_chance for each in kept.values() if not each.of_feature]
        trust = round(sum(own) / len(own), 4) if own else self.score
        return replace(self, score=trust, scores=tuple(kept.values()))


@dataclass(frozen=True, slots=True)
class Label:
    """What a node is called."""

    text: str
    scope: Scope = Scope.OCCURRENCE
    provenance: Provenance = field(default_factory=lambda: Provenance(Origin.FILE))


@dataclass(frozen=True, slots=True)
class Supernode:
    """A named set of nodes of one graph."""

    name: str
    members: tuple[NodeKey, ...]


class Review(StrEnum):
    """What a person decided about a node's label."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"


def clean_label(text: str) -> str:
    """One line of plain text: control and bidirectional characters removed, spaces folded.

    Cut at 200 characters.
    """
    if text.isascii() and text.isprintable():
        kept = text
    else:
        kept = "".join(" " if char.isspace() else char for char in text if is_plain(char))
    return " ".join(kept.split())[:MAX_LABEL_LENGTH].rstrip()


def is_plain(char: str) -> bool:
    """Whether a character is neither a control, a bidirectional override nor invisible."""
    code = ord(char)
    if char.isspace():
        return True
    control = code < 0x20 or 0x7F <= code < 0xA0
    bidirectional = 0x202A <= code <= 0x202E or 0x2066 <= code <= 0x2069
    invisible = code in (0x200B, 0x200E, 0x200F, 0x2028, 0x2029, 0xFEFF)
    surrogate = 0xD800 <= code <= 0xDFFF
    return not (control or bidirectional or invisible or surrogate)
