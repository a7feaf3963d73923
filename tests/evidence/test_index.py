"""The index's reader: this version's files and those of version 1."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import save_model, save_transcoders

from graphlabel.errors import EvidenceError, FeatureNotFoundError
from graphlabel.evidence import need, open_source
from graphlabel.evidence.building import IndexSettings, Run, build_index
from graphlabel.graph import FeatureKey
from graphlabel.models import load_language_model, load_transcoders

SEQUENCES = [[1, *row] for row in np.random.default_rng(0).integers(4, 60, (40, 15)).tolist()]
SETTINGS = IndexSettings(top=5, quantiles=4, per_quantile=2, reservoir=30, radius=4, batch_size=8)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("index")
    model = load_language_model(str(save_model(folder / "model", "llama")))
    transcoders = load_transcoders(str(save_transcoders(folder / "set", "jump_relu")))
    build_index(Run(model, transcoders, SEQUENCES, SETTINGS, "random"), folder / "index")
    return folder / "index"


def test_features_that_fired_are_listed(built: Path) -> None:
    source = open_source(built)
    keys = list(source.keys())
    assert keys == sorted(keys)
    assert all(need(source, key).quantiles for key in keys)
    key = keys[0]
    assert next(q.name for q in need(source, key).quantiles) == "top"
    assert "<bos>" in {e.tokens[0] for key in keys for e in need(source, key).top_examples}


def test_version_1_is_read(built: Path, tmp_path: Path) -> None:
    """Version 1 had float16 activations and did not say which token an example was drawn for."""
    for path in built.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    manifest = json.loads((tmp_path / "index.json").read_text())
    (tmp_path / "index.json").write_text(json.dumps(manifest | {"version": 1}))
    example = pa.struct([("ids", pa.list_(pa.int32())), ("acts", pa.list_(pa.float16()))])
    quantiles = pa.list_(pa.struct([("name", pa.string()), ("examples", pa.list_(example))]))
    for path in tmp_path.glob("layer_*"):
        rows = pq.read_table(path).to_pylist()
        for each in (e for row in rows for q in row["quantiles"] for e in q["examples"]):
            del each["token"]
            each["acts"] = np.array(each["acts"], np.float16)
        schema = pq.read_schema(path)
        schema = schema.set(len(schema) - 1, pa.field("quantiles", quantiles))
        pq.write_table(pa.Table.from_pylist(rows, schema=schema), path, row_group_size=64)
    old, new = open_source(tmp_path), open_source(built)
    for key in new.keys():  # noqa: SIM118  # a source is no mapping
        one, two = need(old, key), need(new, key)
        assert {e.sampled for q in one.quantiles for e in q.examples} == {None}
        assert [e.tokens for e in one.top_examples] == [e.tokens for e in two.top_examples]
        np.testing.assert_allclose(
            [e.peak_activation for e in one.top_examples],
            [e.peak_activation for e in two.top_examples],
            rtol=1e-3,
        )


def test_missing_and_broken_sources_get_one_line(built: Path, tmp_path: Path) -> None:
    source = open_source(built)
    assert source.get(FeatureKey(9, 0)) is None
    with pytest.raises(FeatureNotFoundError, match="L0 #999"):
        need(source, FeatureKey(0, 999))
    with pytest.raises(EvidenceError, match="no feature source"):
        open_source(tmp_path / "nowhere")
    with pytest.raises(EvidenceError, match=r"no index\.json"):
        open_source(tmp_path)
    (tmp_path / "index.json").write_text("{}")
    with pytest.raises(EvidenceError, match="broken"):
        open_source(tmp_path)


def test_broken_examples_are_dropped_and_counted(tmp_path: Path) -> None:
    from graphlabel.evidence.index.format import LAYER_SCHEMA, Manifest
    from graphlabel.evidence.index.writer import write_layer, write_manifest, write_vocabulary
    from graphlabel.records import TranscoderSet

    good = {"ids": [0, 1], "acts": [0.0, 2.0]}
    bad = [{"ids": [1], "acts": [float("nan")]}, {"ids": [1, 1], "acts": [1.0]}, {"ids": [0], "acts": [1.0]}, {"ids": [], "acts": []}]  # fmt: skip
    row = {"feature": 0, "density": 0.1, "max_activation": 2.0, "histogram_low": 0.0, "histogram_high": 2.0,
           "histogram": [1], "top_logits": [], "bottom_logits": [],
           "quantiles": [{"name": "top", "examples": [good, *bad]}]}  # fmt: skip
    write_layer(tmp_path, 0, pa.Table.from_pylist([row], schema=LAYER_SCHEMA))
    write_vocabulary(tmp_path, ["<bos>", "a"])
    write_manifest(tmp_path, Manifest(TranscoderSet("m", "s"), (0,), 1, 10, special_token_ids=(0,)))
    record = need(open_source(tmp_path), FeatureKey(0, 0))
    assert (len(record.top_examples), record.dropped) == (1, 4)
