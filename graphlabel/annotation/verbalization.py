"""What an activation verbalizer said of a vector: an aid beside a node, never a label."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from graphlabel.annotation.labels import is_plain

MAX_VERBALIZATION_LENGTH = 4000
"""Verbalizations are plain text of at most this many characters; paragraphs are kept."""


class Reading(StrEnum):
    """What a verbalizer read."""

    DIRECTION = "direction"
    """A feature's decoder direction: no activation, so always speculative."""
    PROMPT = "prompt"
    """The residual stream at the node's position of the graph's prompt."""
    EXAMPLE = "example"
    """The residual stream at the peak of one of the feature's examples."""


@dataclass(frozen=True, slots=True)
class Verbalization:
    """A text that a verbalizer wrote of one vector."""

    text: str
    verbalizer: str
    """The checkpoint or server that wrote it."""
    reading: Reading
    layer: int | None = None
    """The block after whose output the vector stands; None where nobody knows."""
    reads_layer: int | None = None
    """The layer the verbalizer was trained on; None when it takes any."""
    truncated: bool = False
    """It ran out of tokens: the end is missing."""
    cosine: float | None = None
    """Of the vector with its reconstruction from the text, -1 to 1: .9 is good, .5 mediocre."""
    model: str = ""
    """The model whose residual stream was read; empty where nobody says."""
    passage: str = ""
    """The end of the text at whose last token the vector stands, where there is one."""
    temperature: float | None = None
    seed: int | None = None
    time: str = ""
    """UTC, ISO 8601, to the second."""

    @property
    def out_of_distribution(self) -> str:
        """Why the text should be doubted, in a few words; empty when the vector is of a kind known.

        Verbalizers are trained on the residual stream of one layer.
        """
        if self.reading is Reading.DIRECTION:
            return "out of distribution: a feature's direction, no activation"
        if self.reads_layer is None or self.layer == self.reads_layer:
            return ""
        stands = "an unknown layer" if self.layer is None else f"layer {self.layer}"
        return f"out of distribution: it reads layer {self.reads_layer}, this is {stands}"


def clean_verbalization(text: str) -> str:
    """Plain paragraphs: control and bidirectional characters removed, blank lines between them.

    Cut at 4,000 characters.
    """
    lines = ("".join(filter(is_plain, line)) for line in text.splitlines())
    kept = [" ".join(line.split()) for line in lines]
    paragraphs = "\n".join(kept).split("\n\n")
    joined = "\n\n".join(part.strip("\n") for part in paragraphs if part.strip())
    return joined[:MAX_VERBALIZATION_LENGTH].rstrip()
