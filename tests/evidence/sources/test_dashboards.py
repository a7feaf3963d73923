"""SAEDashboard batches, Neuronpedia's export and feature-circuits, real and made."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from graphlabel.errors import EvidenceError
from graphlabel.evidence import every_record, find_named, open_source, parts_of
from graphlabel.evidence.sources.dashboards import dashboard_record
from graphlabel.graph import FeatureKey
from graphlabel.records import TranscoderSet

KEY = FeatureKey(3, 7)


def rows(path: Path, values: list[Any]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(gzip.compress("".join(json.dumps(value) + "\n" for value in values).encode()))


def write_export(folder: Path, layer: str, features: list[dict[str, Any]], batch: int = 0) -> None:
    """A source's export folder; activations and explanations in files of their own."""
    activations, explanations, plain = [], [], []
    for feature in features:
        owner = {name: feature[name] for name in ("modelId", "layer", "index")}
        activations += [{**owner, **each, "id": "a"} for each in feature["activations"]]
        explanations += [{**owner, **each} for each in feature["explanations"]]
        plain.append({k: v for k, v in feature.items() if k not in ("activations", "explanations")})
    root = folder / layer
    rows(root / f"features/batch-{batch}.jsonl.gz", plain)
    rows(root / f"activations/batch-{batch}.jsonl.gz", activations)
    rows(root / f"explanations-gpt-4o-mini/batch-{batch}.jsonl.gz", explanations)


@pytest.fixture
def export(tmp_path: Path, feature_of: Callable[..., dict[str, Any]]) -> Path:
    """Two layers of one set, one of another, in a model's folder."""
    folder = tmp_path / "m-2b"
    write_export(folder, "3-set-16k", [feature_of(7), feature_of(8)])
    write_export(folder, "3-set-16k", [feature_of(9)], batch=1)
    write_export(folder, "4-set-16k", [feature_of(7, "4-set-16k")])
    write_export(folder, "3-other-16k", [feature_of(7, "3-other-16k")])
    (folder / "3-set-16k/source.jsonl").write_text("{}\n")
    return folder


def test_the_export_gives_what_the_api_gives(export: Path, neuronpedia: Any) -> None:
    source = open_source(export / "3-set-16k")
    api = open_source("neuronpedia:m-2b/set-16k")
    assert source.kind == "Neuronpedia export"
    for feature in (7, 8, 9):
        assert source.get(FeatureKey(3, feature)) == api.get(FeatureKey(3, feature))
    assert source.get(FeatureKey(3, 10)) is None
    assert list(source.keys()) == [(3, 7), (3, 8), (3, 9)]
    assert source.name_of(KEY) == "3-set-16k/7"


def test_activations_in_another_batch_than_the_feature(export: Path, feature_of: Any) -> None:
    moved = export / "3-set-16k/activations/batch-0.jsonl.gz"
    before = open_source(export / "3-set-16k").get(KEY)
    moved.rename(moved.with_name("batch-5.jsonl.gz"))
    assert open_source(export / "3-set-16k").get(KEY) == before
    for file in (export / "3-set-16k/features").iterdir():
        file.unlink()
    source = open_source(export / "3-set-16k")
    assert list(source.keys()) == [(3, 7), (3, 8), (3, 9)]
    record = source.get(KEY)
    assert record is not None
    assert before is not None
    assert (record.quantiles, record.top_logits) == (before.quantiles, ())


def test_all_files_in_one_folder(tmp_path: Path, feature_of: Any) -> None:
    features = [feature_of(7), feature_of(7, "4-set-16k")]
    write_export(tmp_path / "deep", "x", features)
    for role in ("features", "activations", "explanations-gpt-4o-mini"):
        (tmp_path / "deep/x" / role / "batch-0.jsonl.gz").rename(tmp_path / f"{role}-0.jsonl.gz")
    source = open_source(tmp_path)
    assert list(source.keys()) == [(3, 7), (4, 7)]
    for key in source.keys():  # noqa: SIM118
        record = source.get(key)
        assert record is not None
        assert (len(record.quantiles), len(record.explanations)) == (2, 1)


def test_sets_in_one_folder_never_mix(export: Path) -> None:
    source = open_source(export)
    sets = {part.transcoder_set for part in parts_of(source)}
    assert sets == {TranscoderSet("m-2b", "set-16k"), TranscoderSet("m-2b", "other-16k")}
    names = [name for name, _ in every_record(source)]
    assert sorted(names) == [
        "3-other-16k/7",
        "3-set-16k/7",
        "3-set-16k/8",
        "3-set-16k/9",
        "4-set-16k/7",
    ]
    one = open_source(f"m-2b/set-16k={export}")
    assert one.transcoder_set == TranscoderSet("m-2b", "set-16k")
    with pytest.raises(EvidenceError, match="not m-2b ▸ wrong"):
        open_source(f"m-2b/wrong={export}")
    found = find_named(source, "3-other-16k/7")
    assert found is not None
    assert found[0].transcoder_set == TranscoderSet("m-2b", "other-16k")


def test_a_text_that_looks_like_a_field_is_no_field(tmp_path: Path, feature_of: Any) -> None:
    feature = feature_of(7)
    feature["activations"][0]["tokens"][2] = ' "index": "99"'
    feature["explanations"][0]["description"] = '"layer":"5-set-16k", "index": 4'
    write_export(tmp_path, "3-set-16k", [feature])
    source = open_source(tmp_path)
    assert list(source.keys()) == [KEY]
    record = source.get(KEY)
    assert record is not None
    assert record.explanations[0].text.startswith('"layer"')


def test_broken_export_files_are_one_line(export: Path) -> None:
    path = export / "3-set-16k/activations/batch-0.jsonl.gz"
    data = path.read_bytes()
    for broken, message in (
        (data[: len(data) // 2], "cut off"),
        (b"\x1f\x8b\x08" + bytes(40), "corrupt"),
    ):
        path.write_bytes(broken)
        with pytest.raises(EvidenceError, match=message):
            open_source(export / "3-set-16k").get(KEY)
    for row, message in (
        ({"a": 1}, "name no layer"),
        ([1], "where an object"),
        ({"layer": "x", "index": 1}, "name no layer"),
    ):
        rows(path, [row])
        with pytest.raises(EvidenceError, match=message):
            open_source(export / "3-set-16k").get(KEY)
    path.write_bytes(gzip.compress(b"{broken\n"))
    with pytest.raises(EvidenceError, match="not JSON"):
        open_source(export / "3-set-16k").get(KEY)


@pytest.mark.parametrize(
    "bad",
    [
        {"tokens": ["a"], "values": [1.0], "maxValueTokenIndex": 4},
        {"tokens": ["a"], "values": [1.0], "qualifyingTokenIndex": 4},
        {"tokens": [], "values": []},
        {"tokens": ["a"], "values": [None]},
        {"tokens": "a", "values": [1.0]},
        {},
        None,
        7,
    ],
)
def test_bad_activations_are_dropped_and_counted(bad: Any) -> None:
    good = {"tokens": ["a", "b"], "values": [0, 1], "qualifying_token_index": -1, "dfa_maxValue": 0}
    record = dashboard_record(KEY, None, {}, [good, bad])
    assert (len(record.top_examples), record.dropped) == (1, 1)
    assert record.top_examples[0].sampled is None


def test_statistics_that_make_no_sense_are_left_out() -> None:
    feature = {"frac_nonzero": "x", "maxActApprox": [], "pos_str": {}, "freq_hist_data_bar_heights": [1],
               "freq_hist_data_bar_values": [1]}  # fmt: skip
    record = dashboard_record(KEY, None, feature, [], [{"description": " "}, 3, {"description": 4}])
    assert (record.density, record.max_activation, record.histogram, record.explanations) == (
        None,
        None,
        None,
        (),
    )


def batch(**more: Any) -> dict[str, Any]:
    return {"model_id": "gpt2", "layer": 3, "sae_set": "res", "sae_id_suffix": "l0-50", "features": [
        {"feature_index": 7, "activations": [{"tokens": ["a"], "values": [1.0], "bin_min": -1, "bin_max": 1, "bin_contains": -1}]}
    ], **more}  # fmt: skip


def test_batches(tmp_path: Path) -> None:
    (tmp_path / "run_settings.json").write_text('{"a": 1}')
    (tmp_path / "batch-0.json").write_text(json.dumps(batch()))
    (tmp_path / "batch-1.json.gz").write_bytes(gzip.compress(json.dumps(batch(layer=4)).encode()))
    source = open_source(tmp_path)
    assert source.transcoder_set == TranscoderSet("gpt2", "res__l0-50")
    assert list(source.keys()) == [(3, 7), (4, 7)]
    assert open_source(tmp_path / "batch-0.json").get(KEY) == source.get(KEY)
    assert source.key_named("3-res__l0-50/7") == KEY


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"layer": "x"}, "layer is no whole number"),
        ({"sae_set": None}, "sae_set is no text"),
        ({"features": 3}, "a number where a list"),
        ({"features": [3]}, "a number where an object"),
        ({"features": [{}]}, "feature_index"),
    ],
)
def test_broken_batches_are_one_line(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    (tmp_path / "batch-0.json").write_text(json.dumps(batch(**wrong)))
    with pytest.raises(EvidenceError, match=message):
        open_source(tmp_path)


def test_the_real_batches(real_data: Any) -> None:
    source = open_source(real_data("features/sae-dashboard"))
    found = dict(every_record(source))
    assert set(found) == {"0-res-jb/0", "0-res-jb/2", "7-vector_set/0"}
    record = found["0-res-jb/2"]
    assert record.transcoder_set == TranscoderSet("gpt2-small", "res-jb")
    assert len(record.top_examples) == 20
    assert record.quantiles[1].name == "1.367–1.709"
    assert record.dropped == 0
    assert record.top_examples[0].tokens[record.top_examples[0].peak] == " MRI"
    assert record.histogram is not None
    assert record.histogram.high == pytest.approx(1.709, abs=0.001)
    texts = "".join("".join(e.tokens) for e in record.top_examples)
    assert "’" in texts
    assert "âĢ" not in texts
    ends = [part.quantiles[1].examples[0] for part in (found["7-vector_set/0"],)]
    assert ends[0].sampled is not None


def test_the_real_circuit_features(real_data: Any) -> None:
    source = open_source(real_data("features/feature-circuits"))
    found = dict(every_record(source))
    assert len(found) == 23
    record = found["resid_5/3036"]
    assert record.explanations[0].text.startswith("promotes singular verb forms (Active on")
    assert record.key == FeatureKey(5, 3036)
    assert {str(each.transcoder_set and each.transcoder_set.name) for each in found.values()} == {
        "resid",
        "attn",
        "mlp",
    }
    assert all(len(each.top_examples) == 10 and each.top_logits for each in found.values())
    assert "<|endoftext|>" not in {t for e in record.top_examples for t in e.window(-8, 8)}


def contexts(**more: Any) -> dict[str, Any]:
    part = {"submodule_type": "mlp", "layer_idx": 3, "feature_idx": 7}
    return {
        "component": part,
        "top_contexts": [[["a", "b"], [0, 1.0]], [["a"], [0, 1.0]], 3],
        **more,
    }


def test_hook_points_of_one_layer_and_index(tmp_path: Path) -> None:
    other = contexts(component={"submodule_type": "attn", "layer_idx": 3, "feature_idx": 7})
    (tmp_path / "contexts.json").write_text(json.dumps({"0": contexts(), "1": other}))
    (tmp_path / "annotations.jsonl").write_text('{"Name": "mlp_3/7", "Annotation": "said"}\n\n')
    source = open_source(tmp_path)
    found = dict(every_record(source))
    assert set(found) == {"mlp_3/7", "attn_3/7"}
    assert found["mlp_3/7"].explanations[0].method == "person"
    assert found["attn_3/7"].explanations == ()
    assert found["mlp_3/7"].dropped == 2
    assert source.key_named("mlp_3/7") == KEY


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"component": {}}, "names no submodule"),
        ({"component": 4, "top_contexts": 1}, "a number where an object"),
        ({"top_contexts": "x"}, "a text where a list"),
    ],
)
def test_broken_contexts_are_one_line(tmp_path: Path, wrong: dict[str, Any], message: str) -> None:
    (tmp_path / "contexts.json").write_text(json.dumps({"0": contexts(**wrong)}))
    with pytest.raises(EvidenceError, match=message):
        list(every_record(open_source(tmp_path)))
