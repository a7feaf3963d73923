"""Feature JSON files and circuit-tracer's packed features, local and over HTTP."""

from __future__ import annotations

import gzip
import json
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from graphlabel.errors import EvidenceError, FeatureListError
from graphlabel.evidence import get_records, open_source
from graphlabel.evidence.sources.feature_json import Numbering, numbering_of
from graphlabel.graph import FeatureKey
from graphlabel.graph.pairing import cantor
from graphlabel.records import TranscoderSet

EXAMPLE = {
    "tokens": ["<bos>", "the", " capital", " of"],
    "tokens_acts_list": [9.0, 0, 3.5, 1.0],
    "train_token_ind": 2,
    "is_repeated_datapoint": False,
}


def feature(index: int = 7, **more: Any) -> dict[str, Any]:
    """A feature as circuit-tracer writes it."""
    low = {**EXAMPLE, "train_token_ind": 3}
    return {
        "index": index,
        "transcoder_id": "set-a",
        "examples_quantiles": [
            {"quantile_name": "Subsample interval 0", "examples": [low]},
            {"quantile_name": "Top activations", "examples": [EXAMPLE, EXAMPLE]},
        ],
        "top_logits": [" Austin", " Dallas"],
        "bottom_logits": [["x", -0.5]],
        "act_min": 0.0,
        "act_max": 4.0,
        "histogram": [5, 2, 1],
        "quantile_values": [0, 1],
        "activation_frequency": 0.001,
        **more,
    }


def write_json(folder: Path, name: str, value: Any) -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(value))
    return folder


def write_packed(folder: Path, layers: dict[int, list[Any]], deflate: bool = False) -> Path:
    """Packed features; None in a layer is a feature without a record."""
    folder.mkdir(parents=True, exist_ok=True)
    index = {}
    for layer, features in layers.items():
        data, offsets = b"", [0]
        for each in features:
            if each is not None:
                raw = json.dumps(each).encode()
                packed = zlib.compress(raw) if deflate else gzip.compress(raw)
                data += len(packed).to_bytes(4, "little") + packed
            offsets.append(len(data))
        (folder / f"layer_{layer}.bin").write_bytes(data)
        index[str(layer)] = {"filename": f"layer_{layer}.bin", "offsets": offsets}
    (folder / "index.json.gz").write_bytes(gzip.compress(json.dumps(index).encode()))
    return folder


def check(record: Any) -> None:
    """The record of ``feature()``."""
    assert [q.name for q in record.quantiles] == ["Top activations", "Subsample interval 0"]
    top, low = record.quantiles[0].examples[0], record.quantiles[1].examples[0]
    assert top.tokens == ("<bos>", "the", " capital", " of")
    assert (top.peak, top.sampled, low.peak, low.sampled) == (2, 2, 2, 3)
    assert top.special == {0}
    assert [e.token for e in record.top_logits] == [" Austin", " Dallas"]
    assert record.bottom_logits[0].value == -0.5
    assert (record.density, record.max_activation, record.dropped) == (0.001, 4.0, 0)
    assert (record.histogram.low, record.histogram.high) == (0.0, 4.0)
    assert record.histogram.counts == (5, 2, 1)


@pytest.mark.parametrize("numbering", list(Numbering))
def test_every_numbering_is_recognised_and_found(tmp_path: Path, numbering: Numbering) -> None:
    keys = [FeatureKey(3, 15_000), FeatureKey(7, 16_449), FeatureKey(20, 15_589)]
    if numbering is Numbering.OPAQUE:
        keys = [FeatureKey(0, code) for code in (16449840, 18346193, 29033762)]
    for key in keys:
        write_json(tmp_path, f"{numbering.name_of(key)}.json", feature())
    source = open_source(tmp_path)
    assert numbering_of(tmp_path) is numbering
    assert list(source.keys()) == keys
    for key in keys:
        record = source.get(key)
        check(record)
        assert record is not None
        assert record.key == key
        assert source.key_named(source.name_of(key)) == key
    # a number of another layer's feature is never taken for this one
    assert source.get(FeatureKey(3, 1)) is None


@given(st.integers(0, 100), st.integers(0, 99_999), st.sampled_from(list(Numbering)))
def test_names_come_back(layer: int, feature: int, numbering: Numbering) -> None:
    key = FeatureKey(0 if numbering is Numbering.OPAQUE else layer, feature)
    assert numbering.key_of(numbering.name_of(key)) == key


def test_an_opaque_number_is_found_whatever_the_layer(tmp_path: Path) -> None:
    write_json(tmp_path, "16449840.json", feature())
    write_json(tmp_path, "18346193.json", feature())
    source = open_source(tmp_path)
    assert source.get(FeatureKey(7, 16449840)) is not None


def test_identity_is_the_stated_one_or_the_files(tmp_path: Path) -> None:
    write_json(tmp_path, "1_7.json", feature())
    record = open_source(tmp_path).get(FeatureKey(1, 7))
    assert record is not None
    assert record.transcoder_set == TranscoderSet("", "set-a")
    stated = open_source(f"gemma-2-2b/clt-hp={tmp_path}")
    assert stated.transcoder_set == TranscoderSet("gemma-2-2b", "clt-hp")
    record = stated.get(FeatureKey(1, 7))
    assert record is not None
    assert record.transcoder_set == stated.transcoder_set


def test_over_http(tmp_path: Path, serve_folder: Any) -> None:
    keys = [FeatureKey(3, 5), FeatureKey(2, 9)]
    for key in keys:
        write_json(tmp_path, f"features/set/{cantor(*key)}.json", feature())
    server = serve_folder(tmp_path)
    place = f"{server.base}/features/set/"
    records = get_records(open_source(place), [*keys, FeatureKey(1, 1)])
    check(records[keys[0]])
    check(records[keys[1]])
    assert records[FeatureKey(1, 1)] is None
    asked = len(server.requests)
    offline = open_source(place, offline=True)
    assert get_records(offline, keys) == {key: records[key] for key in keys}
    assert len(server.requests) == asked
    with pytest.raises(FeatureListError, match="cannot be listed"):
        offline.keys()


def test_anthropics_numbers_over_http(tmp_path: Path, serve_folder: Any) -> None:
    write_json(tmp_path, "16449840.json", feature())
    source = open_source(serve_folder(tmp_path).base)
    assert source.get(FeatureKey(7, 16449840)) is not None


@pytest.mark.parametrize("deflate", [False, True])
def test_packed_features(tmp_path: Path, deflate: bool, serve_folder: Any) -> None:
    layers = {0: [feature(0), None, feature(2)], 5: [None, feature(1)]}
    write_packed(tmp_path / "features", layers, deflate)
    server = serve_folder(tmp_path)
    for place in (tmp_path / "features", tmp_path, f"{server.base}/features"):
        source = open_source(place)
        assert source.kind == "packed features"
        assert list(source.keys()) == [(0, 0), (0, 2), (5, 1)]
        check(source.get(FeatureKey(0, 2)))
        assert source.get(FeatureKey(0, 1)) is None
        assert source.get(FeatureKey(0, 3)) is None
        assert source.get(FeatureKey(1, 0)) is None
        assert source.get(FeatureKey(0, -1)) is None
    asked = len(server.requests)
    offline = open_source(f"{server.base}/features", offline=True)
    check(offline.get(FeatureKey(0, 2)))
    assert len(server.requests) == asked


def test_a_server_without_byte_ranges(tmp_path: Path, web: Any) -> None:
    write_packed(tmp_path, {0: [feature(0), feature(1)]})

    def answer(_: str, path: str, *__: object) -> tuple[int, dict[str, str], bytes]:
        return 200, {}, (tmp_path / path.strip("/")).read_bytes()

    source = open_source(web(answer).base)
    with pytest.raises(EvidenceError, match="parts of files; download it"):
        source.get(FeatureKey(0, 1))


@pytest.mark.parametrize("cut", [3, 10, 60])
def test_truncated_shards_are_one_line(tmp_path: Path, cut: int) -> None:
    write_packed(tmp_path, {0: [feature(0)]})
    shard = tmp_path / "layer_0.bin"
    shard.write_bytes(shard.read_bytes()[:cut])
    with pytest.raises(EvidenceError, match="cut off"):
        open_source(tmp_path).get(FeatureKey(0, 0))
    shard.unlink()
    with pytest.raises(EvidenceError, match="get it as well"):
        open_source(tmp_path).get(FeatureKey(0, 0))


def test_corrupt_records_and_indices_are_one_line(tmp_path: Path) -> None:
    write_packed(tmp_path, {0: [feature(0)]})
    shard = tmp_path / "layer_0.bin"
    data = bytearray(shard.read_bytes())
    data[40:60] = bytes(20)
    shard.write_bytes(bytes(data))
    with pytest.raises(EvidenceError, match="corrupt"):
        open_source(tmp_path).get(FeatureKey(0, 0))
    for index, message in (
        ({"0": {"filename": "../../etc/passwd", "offsets": [0, 1]}}, "outside its folder"),
        ({"0": {"filename": "/etc/passwd", "offsets": [0, 1]}}, "outside its folder"),
        ({"0": {"filename": "layer_0.bin", "offsets": [5, 1]}}, "do not rise"),
        ({"0": {"filename": "layer_0.bin", "offsets": ["a", 1]}}, "do not rise"),
        ({"0": {"filename": "layer_0.bin", "offsets": [[0], [1, 2]]}}, "do not rise"),
        ({"0": {"filename": 3, "offsets": [0, 1]}}, "no layer with a filename"),
        ({"x": {"filename": "a", "offsets": [0, 1]}}, "no layer with a filename"),
        ([1], "where an object should be"),
        ({}, "names no layer"),
    ):
        (tmp_path / "index.json.gz").write_bytes(gzip.compress(json.dumps(index).encode()))
        with pytest.raises(EvidenceError, match=message):
            open_source(tmp_path)
    whole = gzip.compress(json.dumps({"0": {}}).encode())
    for data, message in ((whole[:-9], "cut off"), (b"\x1f\x8b" + bytes(30), "corrupt")):
        (tmp_path / "index.json.gz").write_bytes(data)
        with pytest.raises(EvidenceError, match=message):
            open_source(tmp_path)


BAD_EXAMPLES = {
    "no tokens": {**EXAMPLE, "tokens": [], "tokens_acts_list": []},
    "one activation short": {**EXAMPLE, "tokens_acts_list": [1.0, 2.0]},
    "NaN": {**EXAMPLE, "tokens_acts_list": [0, float("nan"), 1, 2]},
    "infinite": {**EXAMPLE, "tokens_acts_list": [0, float("inf"), 1, 2]},
    "a text for a number": {**EXAMPLE, "tokens_acts_list": [0, "1", 1, 2]},
    "true for a number": {**EXAMPLE, "tokens_acts_list": [0, True, 1, 2]},
    "peak outside": {**EXAMPLE, "train_token_ind": 4},
    "negative peak": {**EXAMPLE, "train_token_ind": -1},
    "peak is a text": {**EXAMPLE, "train_token_ind": "x"},
    "tokens are numbers": {**EXAMPLE, "tokens": [1, 2, 3, 4]},
    "only special tokens": {"tokens": ["<bos>", "<pad>"], "tokens_acts_list": [1.0, 2.0]},
    "no object": "the",
    "nothing": None,
}


@pytest.mark.parametrize("bad", BAD_EXAMPLES.values(), ids=BAD_EXAMPLES)
def test_a_bad_example_is_dropped_and_counted(tmp_path: Path, bad: Any) -> None:
    value = feature(examples_quantiles=[{"quantile_name": "top", "examples": [EXAMPLE, bad]}])
    write_json(tmp_path, "1_7.json", value)
    record = open_source(tmp_path).get(FeatureKey(1, 7))
    assert record is not None
    assert (len(record.top_examples), record.dropped) == (1, 1)


def test_a_byte_that_is_not_utf8_costs_a_character_not_the_feature(tmp_path: Path) -> None:
    write_json(tmp_path, "1_7.json", feature(top_logits=["caf?", " Dallas"]))
    path = tmp_path / "1_7.json"
    path.write_bytes(path.read_bytes().replace(b"caf?", b"caf\xe9"))
    record = open_source(tmp_path).get(FeatureKey(1, 7))
    assert record is not None
    assert [each.token for each in record.top_logits] == ["caf\N{REPLACEMENT CHARACTER}", " Dallas"]
    assert len(record.top_examples) == 2


def test_features_with_no_or_one_example(tmp_path: Path) -> None:
    for number, examples in enumerate(([], [EXAMPLE])):
        write_json(
            tmp_path, f"1_{number}.json", feature(examples_quantiles=[{"examples": examples}])
        )
    source = open_source(tmp_path)
    for number in (0, 1):
        record = source.get(FeatureKey(1, number))
        assert record is not None
        assert len(record.top_examples) == number


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"index": 7}', "no “examples_quantiles”"),
        ('{"examples_quantiles": {}}', "an object where a list should be"),
        ('{"examples_quantiles": [3]}', "a number where an object"),
        ('{"examples_quantiles": [{"examples": "x"}]}', "a text where a list"),
        ("[]", "a list where an object"),
        ('{"examples_quantiles": [', "not JSON"),
        ("<html>", "web page"),
        ("", "not JSON"),
    ],
)
def test_wrong_json_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    write_json(tmp_path, "1_6.json", feature())
    source = open_source(tmp_path)
    (tmp_path / "1_7.json").write_text(text)
    with pytest.raises(EvidenceError, match=message) as raised:
        source.get(FeatureKey(1, 7))
    assert "\n" not in str(raised.value)
    assert "1_7.json" in str(raised.value)


def test_optional_fields_that_make_no_sense_are_left_out(tmp_path: Path) -> None:
    wrong = {"top_logits": 3, "bottom_logits": [4, None], "histogram": ["x"], "act_max": "high",
             "activation_frequency": 7, "transcoder_id": 9}  # fmt: skip
    write_json(tmp_path, "1_7.json", feature(**wrong))
    record = open_source(tmp_path).get(FeatureKey(1, 7))
    assert record is not None
    assert (record.top_logits, record.bottom_logits, record.histogram) == ((), (), None)
    assert (record.density, record.max_activation, record.transcoder_set) == (None, 3.5, None)


def test_a_page_that_unpacks_to_too_much_is_not_read(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setattr("graphlabel.evidence.sources.loose.LARGEST", 1000)
    (tmp_path / "index.json.gz").write_bytes(gzip.compress(b" " * 5000))
    with pytest.raises(EvidenceError, match="unpacks to more"):
        open_source(tmp_path)
