"""The concepts that hold at each token of a sentence: ground truth for feature labels.

A concept is a string `family:value`. The families, in three groups:

Input-like, about the token at the position or the one before it:
  `word:W`      the token here is W (its space removed, case kept), for every token.
  `name:X`      the token here is the name X of the world.
  `type:T`      the token here is a name or a common word of type T: city, capital, state,
                country, continent, language, currency, or a filler type such as person, food,
                animal. A capital of a state has both city and capital, a capital of a country
                has capital alone.
  `place:X`     the token here is the state X, its capital or one of its cities.
  `city in:X`   the token here is a city of the state X other than its capital.
  `after:W`     the token before this one, in the same sentence, is W.
  `after type:T`  the token before this one, in the same sentence, has type T.
  `after place:X`, `after city in:X`  the same of the token before this one, in the same sentence.
  `special:bos`   the position is the beginning of the sequence (no other concept holds there).

Carried, from a mention to the end of the sentence, the mention included:
  `city:X`      the city X has been named (a state capital counts as a city).
  `capital:X`   the capital X of a state or a country has been named.
  `state:X`     the state X has been named, or implied by one of its cities or its capital.
  `country:X`   the country X has been named, or implied by its capital.
  `continent:X`   the continent X has been named, or implied by a country or its capital.
  `language:X`, `currency:X`   the language or the currency X has been named.

Output-like, about what comes next:
  `next:W`      the next token of the sentence is W, for every token but the last.
  `about:say a T`   the next token has type T.
  `about:end the sentence`   the next token is the last of the sentence.
  `about:start a sentence`   the token here is the last of the sentence.
  `answer:X`    in a fact, the words so far determine that X will be said as the answer, and it
                is not said yet: from the first name of the sentence to the token before X.

Abstract, at every token of the sentence:
  `kind:fact` or `kind:K`   a fact, or prose of kind K (weather, travel, list, dialogue, story,
                food, sport, work).
  `relation:R`  the relation of a fact: two_hop, city_in_state, capital_of_state,
                state_of_capital, country_capital, capital_country, country_continent,
                country_language or country_currency.
  `topic:United States`, `topic:countries`   which half of the world a fact is about.
  `template:L/N`  template number N (from 0) of relation or kind L.
"""

from __future__ import annotations

from graphlabel.atlas.drafts import Draft
from graphlabel.atlas.templates import US_RELATIONS, load_templates
from graphlabel.atlas.world import load_world

INPUT_FAMILIES = (
    "word", "name", "type", "place", "city in", "after", "after type", "after place",
    "after city in", "special",
)  # fmt: skip
CARRIED_FAMILIES = ("city", "capital", "state", "country", "continent", "language", "currency")
OUTPUT_FAMILIES = ("next", "about", "answer")
ABSTRACT_FAMILIES = ("kind", "relation", "topic", "template")

BOS_CONCEPTS = frozenset({"special:bos"})


def entity_types(slot: str, word: str) -> tuple[str, ...]:
    """The types of the word that fills a slot."""
    base = slot.rstrip("2")
    if base in ("city", "capital"):
        world = load_world()
        if word in world.country_of_capital:
            return ("capital",)
        is_capital = world.state_of_place[word].capital == word
        return ("city", "capital") if is_capital else ("city",)
    return (base,)


def carried(slot: str, word: str) -> frozenset[str]:
    """The concepts that a word brings into its sentence, the implied ones included."""
    base = slot.rstrip("2")
    if base in load_templates().fillers:
        return frozenset()
    found = {f"{kind}:{word}" for kind in entity_types(slot, word)}
    world = load_world()
    if base in ("city", "capital") and word in world.state_of_place:
        found.add(f"state:{world.state_of_place[word].name}")
    country = world.country_of_capital.get(word) if base == "capital" else None
    if base == "country":
        country = world.country_by_name[word]
    if country is not None:
        found.update((f"country:{country.name}", f"continent:{country.continent}"))
    return frozenset(found)


def places_of(slot: str, word: str) -> tuple[str, ...]:
    """The concepts `place` and `city in` of the word that fills a slot."""
    if slot.rstrip("2") not in ("city", "capital", "state"):
        return ()
    world = load_world()
    state = world.state_by_name.get(word) or world.state_of_place.get(word)
    if state is None:
        return ()
    is_city = word not in (state.name, state.capital)
    return (f"place:{state.name}", *([f"city in:{state.name}"] if is_city else ()))


def _sentence_concepts(draft: Draft) -> set[str]:
    template = draft.template
    found = {f"template:{template.label}/{template.index}"}
    if not template.is_fact:
        return found | {f"kind:{template.label}"}
    half = "United States" if template.label in US_RELATIONS else "countries"
    return found | {"kind:fact", f"relation:{template.label}", f"topic:{half}"}


def concepts_of(draft: Draft) -> tuple[frozenset[str], ...]:
    """The concepts that hold at each token of the sentence, in the order of its tokens."""
    template = draft.template
    words = [piece.strip() for piece in draft.pieces()]
    slots = dict(template.slots)
    types = {position: entity_types(slot, words[position]) for position, slot in template.slots}
    places = {position: places_of(slot, words[position]) for position, slot in template.slots}
    fillers = load_templates().fillers
    first = min(slots, default=0)
    last = len(words) - 1
    holding = _sentence_concepts(draft)
    records: list[frozenset[str]] = []
    for position, word in enumerate(words):
        if position in slots:
            holding |= carried(slots[position], word)
        here = {f"word:{word}", *(f"type:{kind}" for kind in types.get(position, ()))}
        here.update(places.get(position, ()))
        if position in slots and slots[position].rstrip("2") not in fillers:
            here.add(f"name:{word}")
        if position > 0:
            here.add(f"after:{words[position - 1]}")
            here.update(f"after type:{kind}" for kind in types.get(position - 1, ()))
            here.update(f"after {place}" for place in places.get(position - 1, ()))
        if position < last:
            here.add(f"next:{words[position + 1]}")
            here.update(f"about:say a {kind}" for kind in types.get(position + 1, ()))
            if position + 1 == last:
                here.add("about:end the sentence")
        else:
            here.add("about:start a sentence")
        if template.answer is not None and first <= position < template.answer:
            here.add(f"answer:{words[template.answer]}")
        records.append(frozenset(here | holding))
    return tuple(records)
