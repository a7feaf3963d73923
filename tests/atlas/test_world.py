from __future__ import annotations

from collections import Counter

from graphlabel.atlas import load_world


def test_counts() -> None:
    world = load_world()
    assert len(world.states) == 50
    assert len(world.countries) >= 50
    for state in world.states:
        assert len(state.cities) >= 4
        assert len(state.seen_cities) >= 3
        assert len(state.held_out_cities) >= 1


def test_every_name_belongs_to_one_entity() -> None:
    world = load_world()
    names = [name for state in world.states for name in (state.name, state.capital)]
    names += [city.name for city in world.cities]
    names += [name for country in world.countries for name in (country.name, country.capital)]
    assert [name for name, count in Counter(names).items() if count > 1] == []
    others = {getattr(c, key) for c in world.countries for key in ("language", "currency")}
    assert others.isdisjoint(names)


def test_known_facts() -> None:
    world = load_world()
    texas = world.state_by_name["Texas"]
    assert texas.capital == "Austin"
    assert {"Dallas", "Houston", "Waco"} <= {city.name for city in texas.cities}
    assert [city.name for city in texas.held_out_cities] == ["Dallas"]
    assert world.state_of_place["Oakland"].capital == "Sacramento"
    assert world.state_of_place["Olympia"].name == "Washington"
    france = world.country_by_name["France"]
    assert (france.capital, france.continent) == ("Paris", "Europe")
    assert (france.language, france.currency) == ("French", "euro")
    assert world.country_of_capital["Nairobi"].language == "Swahili"
    continents = {country.continent for country in world.countries}
    assert continents == {"Europe", "Asia", "Africa", "North America", "South America", "Oceania"}


def test_world_is_read_once() -> None:
    assert load_world() is load_world()
