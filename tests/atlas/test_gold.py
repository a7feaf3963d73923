"""Gold classes of features whose truth is known because they are made from the concepts."""

from __future__ import annotations

from pathlib import Path

import msgspec
import numpy as np
import pytest
from scipy import sparse

from graphlabel.atlas import documents
from graphlabel.atlas.gold import (
    FAMILIES,
    GoldFeature,
    find_gold,
    half_of,
    read_gold,
    write_gold,
)
from graphlabel.atlas.sentences import Document
from graphlabel.errors import EvidenceError


@pytest.fixture(scope="module")
def found() -> list[Document]:
    return list(documents(31, 64_000))


@pytest.fixture(scope="module")
def gold(found: list[Document]) -> dict[str, GoldFeature]:
    """Features that fire exactly where a concept holds, and some that do not."""
    records = [concepts for document in found for concepts in document.concepts]

    def where(concept: str) -> np.ndarray:
        return np.array([concept in record for record in records], dtype=np.float32)

    draws = np.random.default_rng(0).random(len(records))
    the = where("word:the")
    columns = {
        "word": 2 * where("word:state"),
        "place": where("place:Texas"),
        "after": where("after type:country"),
        "next": 3 * where("about:say a person"),
        "carried": where("state:Texas"),
        "relation": where("relation:two_hop"),
        "both": where("about:start a sentence"),
        "chance": (draws < 0.01).astype(np.float32),
        "third": the * (draws < 1 / 3),
        "weak": np.maximum(5 * where("word:state"), draws < 0.3),
        "first": where("special:bos"),
        "seldom": the * (np.cumsum(the) < 9),
    }
    activations = sparse.csr_matrix(np.stack(list(columns.values()), axis=1))
    return {each.feature: each for each in find_gold(list(columns), activations, found)}


@pytest.mark.parametrize(
    ("feature", "chosen", "concept"),
    [
        ("word", "input", "word:state"),
        ("place", "input", "place:Texas"),
        ("after", "input", "after type:country"),
        ("next", "output", "about:say a person"),
        ("carried", "cross", "state:Texas"),
        ("relation", "cross", "relation:two_hop"),
    ],
)
def test_a_feature_made_of_a_concept_has_its_class(
    gold: dict[str, GoldFeature], feature: str, chosen: str, concept: str
) -> None:
    found = gold[feature]
    assert (found.chosen, found.status, found.concept) == (chosen, "gold", concept)
    assert found.f1 == 1.0
    assert found.clear


def test_a_feature_that_fires_by_chance_is_obscure(gold: dict[str, GoldFeature]) -> None:
    assert (gold["chance"].chosen, gold["chance"].status) == ("obscure", "gold")


@pytest.mark.parametrize(
    ("feature", "status"),
    [("both", "ambiguous"), ("third", "partial"), ("first", "rare"), ("seldom", "rare")],
)
def test_what_activations_cannot_tell_is_left_out(
    gold: dict[str, GoldFeature], feature: str, status: str
) -> None:
    assert (gold[feature].chosen, gold[feature].status) == (None, status)
    assert not gold[feature].clear


def test_a_feature_that_is_plain_when_strong_is_judged_there(gold: dict[str, GoldFeature]) -> None:
    assert (gold["weak"].chosen, gold["weak"].concept) == ("input", "word:state")
    assert gold["weak"].level == 0.25


def test_what_else_is_alike_is_told() -> None:
    found = list(documents(32, 64_000))
    fires = [["word:seat" in concepts] for document in found for concepts in document.concepts]
    activations = sparse.csr_matrix(np.array(fires, dtype=np.float32))
    only = find_gold(["seat"], activations, found)[0]
    assert (only.chosen, only.also) == ("input", "next:of")
    assert only.also_precision == 1.0


def test_every_family_but_special_has_one_class() -> None:
    names = [name for families in FAMILIES.values() for name in families]
    assert len(names) == len(set(names))
    assert "special" not in names


def test_halves_are_even_and_stay() -> None:
    halves = [half_of(f"{layer}/{feature}") for layer in range(4) for feature in range(768)]
    assert 0.45 < halves.count("dev") / len(halves) < 0.55
    assert [half_of("0/0"), half_of("3/767")] == [half_of("0/0"), half_of("3/767")]
    assert half_of("0/1", seed=1) in ("dev", "held-out")


def test_gold_files_round_trip(gold: dict[str, GoldFeature], tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    write_gold(list(gold.values()), path)
    assert list(read_gold(path)) == list(gold.values())
    first = msgspec.json.decode(path.read_bytes().splitlines()[0])
    assert (first["feature"], first["class"]) == ("word", "input")


@pytest.mark.parametrize("content", [b"{", b'{"feature": 3}\n', b"\xff\n"])
def test_broken_gold_is_refused_in_one_line(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "gold.jsonl"
    path.write_bytes(content)
    with pytest.raises(EvidenceError, match="no gold file") as caught:
        list(read_gold(path))
    assert "\n" not in str(caught.value)
    with pytest.raises(EvidenceError):
        list(read_gold(tmp_path / "none.jsonl"))
