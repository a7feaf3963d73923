"""The world that atlas knows: United States cities and states, and the countries.

Every name is one token of the tokenizer and belongs to one entity only, so a name alone
determines its facts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

WORLD_FILE = Path(__file__).parent / "world.json"


@dataclass(frozen=True, slots=True)
class City:
    """A non-capital city; a held-out city never occurs in a two-hop sentence."""

    name: str
    state: str
    held_out: bool


@dataclass(frozen=True, slots=True)
class State:
    """A state of the United States with its capital and its other cities."""

    name: str
    capital: str
    cities: tuple[City, ...]

    @property
    def seen_cities(self) -> tuple[City, ...]:
        """The cities that two-hop sentences mention."""
        return tuple(city for city in self.cities if not city.held_out)

    @property
    def held_out_cities(self) -> tuple[City, ...]:
        """The cities that two-hop sentences never mention."""
        return tuple(city for city in self.cities if city.held_out)


@dataclass(frozen=True, slots=True)
class Country:
    """A country with its capital, continent, main language and currency."""

    name: str
    capital: str
    continent: str
    language: str
    currency: str


@dataclass(frozen=True)
class World:
    """All entities, with look-ups by name."""

    states: tuple[State, ...]
    countries: tuple[Country, ...]

    @cached_property
    def cities(self) -> tuple[City, ...]:
        """Every non-capital city, state by state."""
        return tuple(city for state in self.states for city in state.cities)

    @cached_property
    def state_of_place(self) -> dict[str, State]:
        """The state of each city and each state capital, by name."""
        places = {city.name: state for state in self.states for city in state.cities}
        return places | {state.capital: state for state in self.states}

    @cached_property
    def state_by_name(self) -> dict[str, State]:
        """Each state by its name."""
        return {state.name: state for state in self.states}

    @cached_property
    def country_by_name(self) -> dict[str, Country]:
        """Each country by its name."""
        return {country.name: country for country in self.countries}

    @cached_property
    def country_of_capital(self) -> dict[str, Country]:
        """Each country by the name of its capital."""
        return {country.capital: country for country in self.countries}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Every name, sorted, without repeats."""
        found = {name for state in self.states for name in (state.name, state.capital)}
        found.update(city.name for city in self.cities)
        for country in self.countries:
            found.update((country.name, country.capital, country.continent))
            found.update((country.language, country.currency))
        return tuple(sorted(found))


@lru_cache(maxsize=1)
def load_world() -> World:
    """Read the world from its data file (once; the result is immutable)."""
    data = json.loads(WORLD_FILE.read_text(encoding="utf-8"))
    states = tuple(
        State(
            entry["name"],
            entry["capital"],
            tuple(City(name, entry["name"], name in entry["held_out"]) for name in entry["cities"]),
        )
        for entry in data["states"]
    )
    countries = tuple(Country(**entry) for entry in data["countries"])
    return World(states, countries)
