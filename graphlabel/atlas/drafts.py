"""Seeded drawing of sentences: which template comes next and what fills its slots."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, TypeVar

from graphlabel.atlas.templates import (
    ANSWER_SLOT,
    US_RELATIONS,
    Template,
    load_templates,
)
from graphlabel.atlas.world import City, State, load_world

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy as np

Item = TypeVar("Item")

RELATION_WEIGHTS = {
    "two_hop": 0.24,
    "city_in_state": 0.20,
    "capital_of_state": 0.08,
    "state_of_capital": 0.06,
    "country_capital": 0.045,
    "capital_country": 0.045,
    "country_continent": 0.035,
    "country_language": 0.04,
    "country_currency": 0.04,
}
CAPITAL_AS_CITY = 0.15
REPEAT_LABEL = 0.3
NAME_OPENING = 0.3


@dataclass(frozen=True, slots=True)
class Draft:
    """A template with the words that fill its slots, in slot order."""

    template: Template
    fill: tuple[str, ...]

    def pieces(self, at_start: bool = True) -> tuple[str, ...]:
        """The tokens; a sentence that follows another begins with a space."""
        pieces = list(self.template.pieces)
        for (position, _), word in zip(self.template.slots, self.fill, strict=True):
            pieces[position] = f" {word}" if pieces[position][0] == " " else word
        if not at_start:
            pieces[0] = f" {pieces[0]}"
        return tuple(pieces)


class Drawer:
    """A seeded source of drafts; equal seeds give equal drafts."""

    def __init__(self, seed: int) -> None:
        import numpy

        self._generator: np.random.Generator = numpy.random.default_rng(seed)
        self._buffer: list[float] = []
        self._world = load_world()
        self._book = load_templates()
        prose = (1.0 - sum(RELATION_WEIGHTS.values())) / len(self._book.prose)
        weights = RELATION_WEIGHTS | dict.fromkeys(self._book.prose, prose)
        self._labels = tuple(weights)
        self._bounds = tuple(accumulate(weights.values()))
        self._places = tuple(self._world.state_of_place)
        self._previous = self._labels[0]

    def uniform(self) -> float:
        """A number in [0, 1)."""
        if not self._buffer:
            self._buffer = self._generator.random(8192).tolist()
        return self._buffer.pop()

    def choose(self, items: Sequence[Item]) -> Item:
        """One of the items, each equally likely."""
        return items[int(self.uniform() * len(items))]

    def draft(self) -> Draft:
        """The next sentence; a label sometimes repeats, so that passages have a subject."""
        if self.uniform() >= REPEAT_LABEL:
            point = self.uniform() * self._bounds[-1]
            self._previous = self._labels[
                next((i for i, bound in enumerate(self._bounds) if point < bound), -1)
            ]
        return self.draft_of(self._previous)

    def opening(self) -> Draft:
        """The first sentence of a document.

        A name that opens a text is a token of its own, without a space, so these are drawn often.
        """
        if self.uniform() >= NAME_OPENING:
            return self.draft()
        while True:
            draft = self.draft()
            if draft.template.is_fact and draft.template.slots[0][0] == 0:
                return draft

    def draft_of(self, label: str) -> Draft:
        """A sentence of one relation or one kind of prose."""
        if label in US_RELATIONS:
            template = self.choose(self._book.relations[label])
            return self._fill_state(template, self.choose(self._world.states))
        if label in ANSWER_SLOT:
            template = self.choose(self._book.relations[label])
            country = self.choose(self._world.countries)
            words = tuple(
                country.name if slot == "country" else getattr(country, slot)
                for _, slot in template.slots
            )
            return Draft(template, words)
        return self._fill_prose(self.choose(self._book.prose[label]))

    def _fill_state(self, template: Template, state: State) -> Draft:
        two_hop = template.label == "two_hop"
        words: list[str] = []
        for _, slot in template.slots:
            if slot == "state":
                words.append(state.name)
            elif slot == "capital" or (
                not two_hop and state.capital not in words and self.uniform() < CAPITAL_AS_CITY
            ):
                words.append(state.capital)
            else:
                cities: Sequence[City] = state.seen_cities if two_hop else state.cities
                words.append(self.choose([c.name for c in cities if c.name not in words]))
        return Draft(template, tuple(words))

    def _fill_prose(self, template: Template) -> Draft:
        words: list[str] = []
        state: State | None = None
        for _, slot in template.slots:
            base = slot.rstrip("2")
            while True:
                if base == "city":
                    word = self.choose(self._places)
                elif base == "state":
                    word = (state or self.choose(self._world.states)).name
                elif base == "country":
                    word = self.choose(self._world.countries).name
                else:
                    word = self.choose(self._book.fillers[base])
                if word not in words:
                    break
            if base == "city":
                state = self._world.state_of_place[word]
            words.append(word)
        return Draft(template, tuple(words))


def every_draft(label: str) -> Iterator[Draft]:
    """Every filling of a relation's templates, used to measure the accuracy of the model.

    Two-hop and city-in-state sentences take every non-capital city, held-out ones included;
    a second city is the next one of the same state.
    """
    world = load_world()
    for template in load_templates().relations[label]:
        slots = [slot for _, slot in template.slots]
        if label not in US_RELATIONS:
            for country in world.countries:
                values = {"country": country.name}
                yield Draft(template, tuple(values.get(s) or getattr(country, s) for s in slots))
        elif "city" in slots:
            for state in world.states:
                for index, city in enumerate(state.cities):
                    second = state.cities[(index + 1) % len(state.cities)].name
                    values = {"city": city.name, "city2": second, "state": state.name}
                    values["capital"] = state.capital
                    yield Draft(template, tuple(values[slot] for slot in slots))
        else:
            for state in world.states:
                values = {"state": state.name, "capital": state.capital}
                yield Draft(template, tuple(values[slot] for slot in slots))
