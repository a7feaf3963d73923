"""Recognising a sentence of the world from its text, the reverse of spelling a draft out."""

from __future__ import annotations

from functools import lru_cache

from graphlabel.atlas.drafts import Draft
from graphlabel.atlas.pieces import split
from graphlabel.atlas.templates import ANSWER_SLOT, Template, load_templates
from graphlabel.atlas.world import load_world


@lru_cache(maxsize=1)
def _words_of_slots() -> dict[str, frozenset[str]]:
    world, book = load_world(), load_templates()
    words = {name: frozenset(fillers) for name, fillers in book.fillers.items()}
    words["city"] = frozenset(world.state_of_place)
    words["state"] = frozenset(world.state_by_name)
    words["country"] = frozenset(world.country_by_name)
    words["state capital"] = frozenset(state.capital for state in world.states)
    words["country capital"] = frozenset(world.country_of_capital)
    for slot in ("continent", "language", "currency"):
        words[slot] = frozenset(getattr(country, slot) for country in world.countries)
    return words


def _match(template: Template, pieces: tuple[str, ...]) -> Draft | None:
    if len(pieces) != len(template.pieces):
        return None
    half = "country capital" if "country" in template.label else "state capital"
    slots = dict(template.slots)
    fill: list[str] = []
    for position, (piece, wanted) in enumerate(zip(pieces, template.pieces, strict=True)):
        if position not in slots:
            if piece != wanted:
                return None
            continue
        slot = slots[position].rstrip("2")
        if piece.strip() not in _words_of_slots()[half if slot == "capital" else slot]:
            return None
        fill.append(piece.strip())
    return Draft(template, tuple(fill))


def parse_sentence(text: str) -> Draft:
    """The draft whose text this is; one space before the text is accepted.

    Raises ValueError where no template produces the text.
    """
    pieces = split(text.removeprefix(" "))
    book = load_templates()
    for templates in (*book.relations.values(), *book.prose.values()):
        for template in templates:
            draft = _match(template, pieces)
            if draft is not None:
                return draft
    known = ", ".join(ANSWER_SLOT)
    raise ValueError(f"no template of atlas produces {text!r} (relations: {known}, and prose)")
