"""Which kind a place is, and several sources as one."""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from graphlabel import atlas
from graphlabel.errors import EvidenceError, FeatureListError, FeatureNotFoundError
from graphlabel.evidence import (
    CombinedSource,
    FeatureSource,
    every_record,
    find_named,
    get_records,
    need,
    open_source,
    open_sources,
    parts_of,
)
from graphlabel.evidence.opening import KNOWN_KINDS
from graphlabel.evidence.source import PlainNames
from graphlabel.evidence.whereabouts import likely_place
from graphlabel.graph import FeatureKey
from graphlabel.records import FeatureRecord, TranscoderSet, same_model

FEATURE = {"examples_quantiles": [{"quantile_name": "top", "examples": []}]}


class Fixed(PlainNames):
    """Some features of a set; notes down what it is asked."""

    kind = "fixed"

    def __init__(self, name: str, features: Iterable[int], owner: TranscoderSet | None) -> None:
        self.name = name
        self.transcoder_set = owner
        self.features = set(features)
        self.fetched: list[int] = []

    def get(self, key: FeatureKey) -> FeatureRecord | None:
        known = key.layer == 0 and key.feature in self.features
        return FeatureRecord(key, self.transcoder_set, ()) if known else None

    def keys(self) -> Iterator[FeatureKey]:
        return iter(FeatureKey(0, feature) for feature in sorted(self.features))

    def fetch(self, keys: Iterable[FeatureKey], report: object = None) -> None:
        self.fetched += [key.feature for key in keys]


class Unlisted(Fixed):
    """Cannot list its features."""

    def keys(self) -> Iterator[FeatureKey]:
        raise FeatureListError("cannot be listed")


A, B = TranscoderSet("m", "a"), TranscoderSet("m", "b")


def test_the_first_that_has_a_feature_gives_it() -> None:
    one, two = Fixed("one", {1, 2}, A), Fixed("two", {2, 3}, B)
    both = CombinedSource([one, two])
    assert isinstance(both, FeatureSource)
    keys = [FeatureKey(0, feature) for feature in (1, 2, 3, 4)]
    records = get_records(both, keys)
    sets = [record.transcoder_set if record else None for record in records.values()]
    assert sets == [A, A, B, None]
    # what the first has is not asked of the second
    assert (one.fetched, two.fetched) == ([1, 2, 3, 4], [3, 4])
    assert list(both.keys()) == [(0, 1), (0, 2), (0, 3)]
    assert both.transcoder_set is None
    assert CombinedSource([one, Fixed("three", {9}, A)]).transcoder_set == A
    assert both.name == "one and two"
    with pytest.raises(FeatureNotFoundError, match="one and two has no feature L0 #4"):
        need(both, keys[3])


def test_every_record_of_every_set_comes_once() -> None:
    parts = [Fixed("one", {1, 2}, A), Fixed("again", {2, 3}, A), Fixed("two", {2}, B)]
    found = [
        (record.transcoder_set, record.key.feature)
        for _, record in every_record(CombinedSource(parts))
    ]
    assert found == [(A, 1), (A, 2), (A, 3), (B, 2)]


def test_combined_sources_within_combined_ones_are_taken_apart() -> None:
    parts = [Fixed(name, {1}, A) for name in "abc"]
    nested = CombinedSource([CombinedSource(parts[:2]), parts[2]])
    assert nested.parts == parts_of(nested) == tuple(parts)


def test_sources_that_cannot_be_listed() -> None:
    listed, unlisted = Fixed("one", {1}, A), Unlisted("two", {2}, A)
    assert list(CombinedSource([listed, unlisted]).keys()) == [(0, 1)]
    with pytest.raises(FeatureListError):
        CombinedSource([unlisted, unlisted]).keys()
    with pytest.raises(FeatureListError):
        list(every_record(CombinedSource([listed, unlisted])))


def test_finding_by_name() -> None:
    source = CombinedSource([Fixed("one", {1}, A), Fixed("two", {2}, B)])
    found = find_named(source, "L0 #2")
    assert found is not None
    assert (found[0].name, found[1]) == ("two", (0, 2))
    missing = find_named(source, "0/9")
    assert missing is not None
    assert missing[0].name == "one"
    assert find_named(source, "dog") is None


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("gemma-2-2b", "gemma-2-2b", True),
        ("google/gemma-2-2b", "gemma-2-2b", True),
        ("google/gemma-2-2b", "unsloth/gemma-2-2b", False),
        ("gemma-2-2b", "gemma-2-9b", False),
        ("google/", "other/", False),
        ("", "google/", False),
    ],
)
def test_models_by_hub_id_and_by_name(one: str, other: str, same: bool) -> None:
    assert same_model(one, other) is same
    assert TranscoderSet(one, "s").matches(TranscoderSet(other, "s")) is same
    assert not TranscoderSet(one, "s").matches(TranscoderSet(other, "t"))


def test_an_index_is_opened_and_says_its_kind() -> None:
    source = open_sources([atlas.INDEX_FOLDER])
    assert source.kind == "feature index"
    key = next(source.keys())
    assert source.key_named(source.name_of(key)) == key
    with pytest.raises(EvidenceError, match="not other ▸ set"):
        open_source(f"other/set={atlas.INDEX_FOLDER}")


def test_what_is_no_source_lists_the_known_kinds(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.json").write_text('{"a": 1}')
    (tmp_path / "list.json").write_text("[1]")
    for place in ("empty", "notes.json", "list.json"):
        with pytest.raises(EvidenceError) as raised:
            open_source(tmp_path / place)
        assert all(kind in str(raised.value) for kind in KNOWN_KINDS)
        assert "\n" not in str(raised.value)
    (tmp_path / "page.json").write_text("<html>")
    with pytest.raises(EvidenceError, match="web page"):
        open_source(tmp_path / "page.json")
    (tmp_path / "cut.json.gz").write_bytes(gzip.compress(b"{}")[:-5])
    with pytest.raises(EvidenceError, match="cut off"):
        open_source(tmp_path / "cut.json.gz")
    with pytest.raises(EvidenceError, match="no feature source is named"):
        open_sources([])


@pytest.mark.parametrize("place", ["https://", "http://user:secret@host/x", "http://[bad"])
def test_broken_addresses(place: str) -> None:
    with pytest.raises(EvidenceError) as raised:
        open_source(place)
    assert "secret" not in str(raised.value)


def test_a_folder_of_sets_asks_which(tmp_path: Path) -> None:
    for name in ("set-a", "set-b"):
        (tmp_path / "features" / name).mkdir(parents=True)
        (tmp_path / "features" / name / "1_7.json").write_text(json.dumps(FEATURE))
    with pytest.raises(EvidenceError, match="name one of them: set-a, set-b"):
        open_source(tmp_path)
    assert open_source(tmp_path / "features/set-b").get(FeatureKey(1, 7)) is not None


def test_a_place_with_an_equals_sign_is_a_path_when_it_exists(
    tmp_path: Path, monkeypatch: Any
) -> None:
    folder = tmp_path / "runs" / "lr=3"
    folder.mkdir(parents=True)
    (folder / "1_7.json").write_text(json.dumps(FEATURE))
    monkeypatch.chdir(tmp_path)
    assert open_source("runs/lr=3").transcoder_set is None
    assert open_source("m/s=runs/lr=3").transcoder_set == TranscoderSet("m", "s")


def test_an_id_of_the_hub_is_told_what_to_do() -> None:
    with pytest.raises(EvidenceError, match=r"hf download mntss/a-set --include"):
        open_source("mntss/a-set")
    with pytest.raises(EvidenceError, match=r"check --features$"):
        open_source("nowhere/at/all")


def test_a_set_tells_where_its_evidence_is() -> None:
    by_hand = likely_place("gemma-2-2b", "clt-hp", on_neuronpedia=False)
    assert by_hand is None
    served = likely_place("gemma-2-2b", "clt-hp", on_neuronpedia=True)
    assert served == "--features neuronpedia:gemma-2-2b/clt-hp"
    fetched = likely_place("", "mntss/a-set@main", on_neuronpedia=True)
    assert fetched is not None
    assert fetched.startswith("hf download mntss/a-set --include")
