"""Sentence templates: fixed words with slots for the names of the world and for common words."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from graphlabel.atlas.pieces import split

TEMPLATES_FILE = Path(__file__).parent / "templates.json"

ANSWER_SLOT = {
    "two_hop": "capital",
    "city_in_state": "state",
    "capital_of_state": "capital",
    "state_of_capital": "state",
    "country_capital": "capital",
    "capital_country": "country",
    "country_continent": "continent",
    "country_language": "language",
    "country_currency": "currency",
}
US_RELATIONS = ("two_hop", "city_in_state", "capital_of_state", "state_of_capital")
COUNTRY_RELATIONS = tuple(name for name in ANSWER_SLOT if name not in US_RELATIONS)


@dataclass(frozen=True, slots=True)
class Template:
    """One template; `pieces` are its tokens, a slot being written in braces.

    `label` is the relation of a fact template and the kind of a prose template. `slots` gives
    the position and the name of each slot. `answer` is the position of the token that the
    earlier words determine, None in prose.
    """

    label: str
    index: int
    text: str
    pieces: tuple[str, ...]
    slots: tuple[tuple[int, str], ...]
    answer: int | None

    @property
    def is_fact(self) -> bool:
        """Whether this template states a relation."""
        return self.answer is not None


def parse(label: str, index: int, text: str) -> Template:
    """Split a template into tokens and find its slots and its answer."""
    pieces = split(text)
    slots = tuple(
        (position, piece.strip(" {}")) for position, piece in enumerate(pieces) if "{" in piece
    )
    answer = None
    if label in ANSWER_SLOT:
        answer = max(position for position, slot in slots if slot == ANSWER_SLOT[label])
    return Template(label, index, text, pieces, slots, answer)


@dataclass(frozen=True, slots=True)
class TemplateBook:
    """All templates by label, and the common words that fill the prose slots."""

    relations: dict[str, tuple[Template, ...]]
    prose: dict[str, tuple[Template, ...]]
    fillers: dict[str, tuple[str, ...]]


def _parse_group(group: dict[str, list[str]]) -> dict[str, tuple[Template, ...]]:
    return {
        label: tuple(parse(label, index, text) for index, text in enumerate(texts))
        for label, texts in group.items()
    }


@lru_cache(maxsize=1)
def load_templates() -> TemplateBook:
    """Read the templates from their data file."""
    data = json.loads(TEMPLATES_FILE.read_text(encoding="utf-8"))
    fillers = {name: tuple(words) for name, words in data["fillers"].items()}
    return TemplateBook(_parse_group(data["relations"]), _parse_group(data["prose"]), fillers)
