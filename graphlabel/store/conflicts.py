"""Edits that two people made at the same time, without having seen each other's."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import cast

from graphlabel.annotation import Annotations, Label, LabelTarget, Patch


class Outcome(Enum):
    """What became of two edits of one thing."""

    YOURS_STANDS = "{who} wrote “{theirs}” at the same time; yours stands, theirs is in the history"
    THEIRS_STANDS = (
        "{who} wrote “{theirs}” over your “{yours}” at the same time; theirs stands, yours is in "
        "the history"
    )
    NOT_TAKEN_BACK = "{who} wrote “{theirs}” since; that stays"


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two edits of one thing, neither writer of which had seen the other's."""

    subject: str
    """What was edited, such as “label of L3 #214”."""
    yours: str
    """What you wrote; empty when you took something away."""
    theirs: str
    author: str
    """Who the other is; empty when that is not known."""
    outcome: Outcome

    def __str__(self) -> str:
        values = {"who": self.author or "somebody", "yours": self.yours, "theirs": self.theirs}
        return f"{self.subject}: {self.outcome.value.format(**values)}"


@dataclass(frozen=True, slots=True)
class Entry:
    """One thing that an edit gives a value: a label, a note or a review."""

    what: str
    target: LabelTarget

    @property
    def subject(self) -> str:
        """The entry in words."""
        return f"{self.what} of {self.target}"


def entries(patch: Patch) -> Iterator[tuple[Entry, object]]:
    """Everything a patch gives a value, with the value; None deletes it.

    Pins and supernodes are merged, so they are never in conflict.
    """
    for what, part in _parts(patch).items():
        for target, value in part.items():
            yield Entry(what, target), value


def value_at(annotations: Annotations, entry: Entry) -> object:
    """What the annotations say there."""
    return _parts(annotations)[entry.what].get(entry.target)


def _parts(whole: Patch | Annotations) -> dict[str, Mapping[LabelTarget, object]]:
    parts = {"label": whole.labels, "note": whole.notes, "review": whole.reviews}
    return cast(dict[str, Mapping[LabelTarget, object]], parts)


def conflict(
    entry: Entry, yours: object, theirs: object, outcome: Outcome, author: str = ""
) -> Conflict:
    """A conflict of two values; a label says itself who gave it."""
    who = theirs.provenance.author if isinstance(theirs, Label) else author
    return Conflict(entry.subject, text_of(yours), text_of(theirs), who, outcome)


def overtaken(
    change: Patch, seen: Annotations, now: Annotations, authors: Mapping[Entry, str]
) -> dict[Entry, Conflict]:
    """What an edit made on ``seen`` replaces in ``now`` without its writer having seen it."""
    return {
        entry: conflict(entry, value, theirs, Outcome.YOURS_STANDS, authors.get(entry, ""))
        for entry, value in entries(change)
        for theirs in [value_at(now, entry)]
        if theirs not in (value_at(seen, entry), value)
    }


def text_of(value: object) -> str:
    """A value in words."""
    if isinstance(value, Label):
        return value.text
    return "" if value is None else str(value)
