from __future__ import annotations

import re
import subprocess
import sys

import pytest

from graphlabel.atlas import documents, generate, load_world
from graphlabel.atlas.concepts import (
    ABSTRACT_FAMILIES,
    CARRIED_FAMILIES,
    INPUT_FAMILIES,
    OUTPUT_FAMILIES,
)
from graphlabel.atlas.drafts import Drawer, every_draft
from graphlabel.atlas.parsing import parse_sentence
from graphlabel.atlas.pieces import split
from graphlabel.atlas.sentences import find_concepts
from graphlabel.atlas.templates import ANSWER_SLOT, load_templates

DALLAS = "Fact: the capital of the state containing Dallas is Austin."


def at(text: str, token: str) -> frozenset[str]:
    return find_concepts(text)[split(text).index(token)]


def test_every_relation_has_twelve_templates() -> None:
    relations = load_templates().relations
    assert set(relations) == set(ANSWER_SLOT)
    assert min(len(templates) for templates in relations.values()) >= 12


def test_generator_is_deterministic() -> None:
    assert generate(3, 50) == generate(3, 50)
    assert generate(3, 50) != generate(4, 50)
    assert list(documents(3, 640)) == list(documents(3, 640))


def test_pieces_spell_the_text_and_align_with_concepts() -> None:
    for sentence in generate(5, 1500):
        assert "".join(sentence.pieces) == sentence.text
        assert split(sentence.text) == sentence.pieces
        assert len(sentence.concepts) == len(sentence.pieces)
        for piece, concepts in zip(sentence.pieces, sentence.concepts, strict=True):
            assert f"word:{piece.strip()}" in concepts


def test_next_concept_names_the_next_token() -> None:
    for sentence in generate(6, 300):
        for here, after in zip(sentence.concepts, sentence.pieces[1:], strict=False):
            assert [c for c in here if c.startswith("next:")] == [f"next:{after.strip()}"]


def test_families_are_the_documented_ones() -> None:
    documented = {*INPUT_FAMILIES, *CARRIED_FAMILIES, *OUTPUT_FAMILIES, *ABSTRACT_FAMILIES}
    found = {
        concept.split(":", 1)[0]
        for document in documents(7, 6400)
        for concepts in document.concepts
        for concept in concepts
    }
    assert found == documented


def test_documents_are_full_sequences() -> None:
    found = list(documents(8, 6400, context=64))
    assert len(found) == 100
    for document in found:
        assert len(document.pieces) == len(document.concepts) == 64
        assert document.pieces[0] == "<bos>"
        assert document.concepts[0] == {"special:bos"}
        assert split(document.text) == document.pieces[1:]
        assert document.starts[0] == 1
        assert all(document.pieces[start][0] == " " for start in document.starts[1:])


def test_held_out_cities_are_never_in_a_two_hop_sentence() -> None:
    held_out = {city.name for city in load_world().cities if city.held_out}
    mentioned: set[str] = set()
    drawer = Drawer(9)
    for _ in range(30_000):
        draft = drawer.draft()
        names = held_out.intersection(draft.fill)
        if draft.template.label == "two_hop":
            assert not names
        mentioned |= names
    assert mentioned == held_out


def test_two_hop_sentence_about_dallas() -> None:
    draft = parse_sentence(DALLAS)
    assert draft.template.label == "two_hop"
    assert draft in set(every_draft("two_hop"))
    assert {"word:the", "next:capital", "relation:two_hop", "kind:fact"} <= at(DALLAS, " the")
    assert not {c for c in at(DALLAS, " containing") if c.startswith(("state:", "answer:"))}
    assert {"about:say a city", "next:Dallas"} <= at(DALLAS, " containing")
    city = at(DALLAS, " Dallas")
    assert {"city:Dallas", "state:Texas", "type:city", "answer:Austin", "name:Dallas"} <= city
    assert {"place:Texas", "city in:Texas"} <= city
    verb = at(DALLAS, " is")
    assert {"after place:Texas", "after city in:Texas"} <= verb
    assert {"next:Austin", "about:say a capital", "state:Texas", "after:Dallas"} <= verb
    assert "capital:Austin" not in verb
    end = at(DALLAS, " Austin")
    assert {"capital:Austin", "city:Austin", "type:capital", "about:end the sentence"} <= end
    assert "answer:Austin" not in end
    assert "place:Texas" in end
    assert "city in:Texas" not in end
    assert "about:start a sentence" in at(DALLAS, ".")


def test_country_sentence() -> None:
    text = "Most people in Brazil speak Portuguese."
    assert "country:Brazil" not in at(text, " in")
    assert {"country:Brazil", "continent:South America", "topic:countries"} <= at(text, " Brazil")
    speak = at(text, " speak")
    assert {"about:say a language", "answer:Portuguese", "next:Portuguese"} <= speak
    assert "language:Portuguese" not in speak
    assert "language:Portuguese" in at(text, ".")


def test_prose_sentence() -> None:
    text = "My aunt lives in Reno, Nevada, near the old bridge."
    assert {"kind:travel", "word:aunt", "type:relative", "after:My"} <= at(text, " aunt")
    assert {"about:say a state", "state:Nevada", "next:Nevada"} <= at(text, ",")
    assert {"state:Nevada", "city:Reno"} <= at(text, " bridge")
    assert not {c for c in at(text, ",") if c.startswith(("answer:", "relation:"))}


def test_unknown_sentence_is_refused() -> None:
    with pytest.raises(ValueError, match="no template"):
        parse_sentence("Dallas is a planet.")


def test_import_is_light() -> None:
    code = "import sys, graphlabel.atlas; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    for heavy in ("torch", "transformers", "numpy"):
        assert re.search(rf"'{heavy}'", done.stdout) is None
