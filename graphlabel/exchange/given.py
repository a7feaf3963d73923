"""What a file's labels lack, and what becomes of the rows that cannot be labels."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from graphlabel.annotation import Origin, Scope
from graphlabel.records import TranscoderSet


@dataclass(frozen=True, slots=True)
class Given:
    """What a person says of a file's labels; rows that say otherwise win."""

    transcoder_set: TranscoderSet | None = None
    """Whose features the rows are about."""
    graph: str = ""
    """Key of the graph that occurrences are of."""
    author: str = ""
    origin: Origin | None = None
    """Who is behind the labels; None: as far as the rows tell."""
    scope: Scope | None = None
    """Where labels hold; None: as the rows say."""


class Refusal(NamedTuple):
    """A row that is no label."""

    place: str
    """The file, and the line where there is one."""
    why: str
    """The kind of trouble, the same words for every row that has it."""


class RowError(ValueError):
    """Why a row is no label; readers turn it into a Refusal and go on."""
