"""A built index against a reference that keeps every activation; float32, exact."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[2] / "tracing"))
sys.path.insert(0, str(Path(__file__).parent))
from dense_reference import activations, expected, window
from small_models import N_LAYERS, WIDTH, save_model, save_transcoders

from graphlabel.errors import EvidenceError, TranscoderError, UsageError
from graphlabel.evidence import need, open_source
from graphlabel.evidence.building import (
    IndexSettings,
    Run,
    Shard,
    build_index,
    build_shard,
    token_sequences,
)
from graphlabel.evidence.building.build import build_part, merged
from graphlabel.evidence.building.make import load_part
from graphlabel.evidence.building.publish import publish, staging_folder
from graphlabel.graph import FeatureKey
from graphlabel.models import LanguageModel, Transcoders, load_language_model, load_transcoders

RANDOM = np.random.default_rng(0)
SEQUENCES = [[1, *row] for row in RANDOM.integers(4, 60, (140, 15)).tolist()]
# copies, a special token in the middle, and tails that repeat elsewhere
SEQUENCES[7] = SEQUENCES[3]
SEQUENCES[50][8] = 2
SEQUENCES += SEQUENCES[:20]
SETTINGS = IndexSettings(
    top=5, quantiles=4, per_quantile=2, reservoir=30, radius=4, batch_size=8, context_length=1_000
)
SPECIAL = {0, 1, 2, 3}


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_language_model(str(save_model(tmp_path_factory.mktemp("model") / "model", "llama")))


@pytest.fixture(scope="module")
def transcoders(tmp_path_factory: pytest.TempPathFactory) -> Transcoders:
    folder = tmp_path_factory.mktemp("sets")
    return load_transcoders(str(save_transcoders(folder / "set", "jump_relu")))


def contents(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir())}


@pytest.mark.parametrize("kind", ["jump_relu", "relu", "topk", "clt"])
def test_an_index_is_what_the_reference_says(
    kind: str, model: LanguageModel, tmp_path: Path
) -> None:
    transcoders = load_transcoders(str(save_transcoders(tmp_path / "set", kind)))
    build_index(Run(model, transcoders, SEQUENCES, SETTINGS, "random"), tmp_path / "index")
    source = open_source(tmp_path / "index")
    dense = activations(model, transcoders, SEQUENCES)
    n_tokens = sum(token not in SPECIAL for ids in SEQUENCES for token in ids)
    for layer in range(N_LAYERS):
        for feature in range(0, WIDTH, 3):
            record = need(source, FeatureKey(layer, feature))
            want = expected(
                dense[layer][..., feature], SEQUENCES, layer, feature, SETTINGS, SPECIAL
            )
            assert record.density == pytest.approx(want.fired / n_tokens, rel=1e-6)
            found = [e.peak_activation for e in record.top_examples]
            assert found == [value for value, _ in want.top]
            for example, (_, around) in zip(record.top_examples, want.top, strict=True):
                assert example.sampled == example.peak
                names = model.tokenizer.convert_ids_to_tokens([i for i in around[4:13] if i >= 0])
                assert list(example.window(-4, 4)) == names
            sampled = {
                q.name: [e.activations[e.sampled or 0] for e in q.examples]
                for q in record.quantiles[1:]
            }
            assert sampled == want.quantiles
            if record.histogram:
                low, high, counts = (
                    record.histogram.low,
                    record.histogram.high,
                    record.histogram.counts,
                )
                edges = np.linspace(low, high, len(counts) + 1)
                # bins are closed above: count what is larger than each edge
                above = [(want.values > np.float32(edge)).sum() for edge in edges]
                assert list(counts) == (-np.diff(above)).tolist()
            assert record.max_activation == max(want.values, default=0)


def test_examples_are_never_copies_of_each_other(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    long = replace(SETTINGS, radius=8, top=20)
    build_index(Run(model, transcoders, SEQUENCES, long), tmp_path / "index")
    source = open_source(tmp_path / "index")
    copied = 0
    for key in source.keys():  # noqa: SIM118  # a source is no mapping
        record = need(source, key)
        top = [window(list(e.token_ids), e.peak, SPECIAL) for e in record.top_examples]
        drawn = [
            window(list(e.token_ids), e.sampled or 0, SPECIAL)
            for quantile in record.quantiles[1:]
            for e in quantile.examples
        ]
        assert len(set(top)) == len(top)
        assert len(set(drawn)) == len(drawn)
        copied += len(top)
    assert copied > 200


@pytest.mark.parametrize("batch_size", [3, 300])
def test_batches_change_nothing(
    batch_size: int, model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    mixed = [ids[: 2 + number % 15] for number, ids in enumerate(SEQUENCES)] + [[1, *range(4, 50)]]
    build_index(Run(model, transcoders, mixed, SETTINGS), tmp_path / "one")
    other = replace(SETTINGS, batch_size=batch_size)
    build_index(Run(model, transcoders, mixed, other), tmp_path / "two")
    one, two = contents(tmp_path / "one"), contents(tmp_path / "two")
    assert {n: d for n, d in one.items() if n != "index.json"} == {
        n: d for n, d in two.items() if n != "index.json"
    }


@pytest.mark.parametrize("count", [2, 5])
def test_shards_merge_to_the_same_bytes(
    count: int, model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS, "random")
    build_index(run, tmp_path / "whole")
    for number in range(count):
        build_part(run, tmp_path / f"part{number}", Shard(number, count))
    # read back from their files, and in another order
    parts = [load_part(tmp_path / f"part{number}") for number in reversed(range(count))]
    publish(merged(parts), model, transcoders, tmp_path / "merged")
    assert contents(tmp_path / "merged") == contents(tmp_path / "whole")


def test_a_missing_or_foreign_part_is_refused(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS, "random")
    one = build_part(run, tmp_path / "one", Shard(0, 2))
    with pytest.raises(EvidenceError, match="name every shard once"):
        merged([one])
    with pytest.raises(EvidenceError, match="name every shard once"):
        merged([one, one])
    other = replace(run, settings=replace(SETTINGS, seed=1))
    with pytest.raises(EvidenceError, match=r"different settings \(seed\)"):
        merged([one, build_part(other, tmp_path / "two", Shard(1, 2))])
    with pytest.raises(EvidenceError, match="no part of an index"):
        load_part(tmp_path)


def test_a_stopped_run_goes_on_and_ends_the_same(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS, "random")
    build_index(run, tmp_path / "whole")
    read = 0

    def stopping() -> object:
        nonlocal read
        for read, ids in enumerate(SEQUENCES):
            if read == 100:
                raise KeyboardInterrupt
            yield ids

    with pytest.raises(KeyboardInterrupt):
        build_index(replace(run, sequences=stopping()), tmp_path / "index", checkpoint_every=1)  # type: ignore[arg-type]
    assert not (tmp_path / "index").exists()
    assert staging_folder(tmp_path / "index").is_dir()
    with pytest.raises(EvidenceError, match=r"other settings \(top\)"):
        build_index(replace(run, settings=replace(SETTINGS, top=9)), tmp_path / "index")
    seen: list[int] = []
    build_index(run, tmp_path / "index", report=seen.append)
    assert seen[0] >= 16 * 15  # it did not start anew: a block was done
    assert contents(tmp_path / "index") == contents(tmp_path / "whole")
    assert not staging_folder(tmp_path / "index").exists()


def test_a_broken_checkpoint_is_told(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS, "random")
    build_part(run, tmp_path / "part")
    layer = next((tmp_path / "part").glob("layer_1.*"))
    layer.write_bytes(layer.read_bytes()[:-50])
    with pytest.raises(EvidenceError, match="is broken"):
        load_part(tmp_path / "part")
    (tmp_path / "part" / "state.json").write_text("{")
    with pytest.raises(EvidenceError, match=r"state\.json is broken"):
        build_part(run, tmp_path / "part")


def test_what_is_there_is_not_destroyed(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS, "random")
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "thesis.tex").write_text("x")
    with pytest.raises(EvidenceError, match="no feature index"):
        build_index(run, tmp_path / "mine", force=True)
    build_index(run, tmp_path / "index")
    before = contents(tmp_path / "index")
    with pytest.raises(EvidenceError, match="holds an index already"):
        build_index(run, tmp_path / "index")
    assert contents(tmp_path / "index") == before
    build_index(replace(run, corpus="other"), tmp_path / "index", force=True)
    assert contents(tmp_path / "index") != before


def test_a_part_replaces_nothing_but_a_part(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS, "random")
    (tmp_path / "thesis.tex").write_text("x")
    with pytest.raises(EvidenceError, match="no part of an index"):
        build_shard(run, tmp_path, Shard(0, 2), force=True)
    build_shard(run, tmp_path / "part", Shard(0, 2))
    with pytest.raises(EvidenceError, match=r"other settings \(corpus\)"):
        build_shard(replace(run, corpus="other"), tmp_path / "part", Shard(0, 2))
    with pytest.raises(EvidenceError, match=r"other settings \(shard\)"):
        build_shard(run, tmp_path / "part", Shard(1, 2))
    part = build_shard(run, tmp_path / "part", Shard(1, 2), force=True)
    assert part.progress.shard == Shard(1, 2)


def test_a_full_disk_leaves_nothing_half_written(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import pyarrow.parquet as pq

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(pq, "write_table", full)
    with pytest.raises(EvidenceError, match="No space left on device"):
        build_index(Run(model, transcoders, SEQUENCES, SETTINGS), tmp_path / "index")
    assert not (tmp_path / "index").exists()


def test_layers_and_features_can_be_chosen(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    run = Run(model, transcoders, SEQUENCES, SETTINGS)
    build_index(run, tmp_path / "whole")
    some = replace(SETTINGS, layers=(1,), max_features_per_layer=10)
    build_index(replace(run, settings=some), tmp_path / "some")
    source, whole = open_source(tmp_path / "some"), open_source(tmp_path / "whole")
    assert {key.layer for key in source.keys()} == {1}  # noqa: SIM118
    assert source.get(FeatureKey(1, 10)) is None
    for feature in range(10):
        assert source.get(FeatureKey(1, feature)) == whole.get(FeatureKey(1, feature))
    with pytest.raises(UsageError, match="no transcoder for layer 9"):
        build_index(replace(run, settings=replace(SETTINGS, layers=(9,))), tmp_path / "none")


def test_topk_subsets_compete_with_all_features(model: LanguageModel, tmp_path: Path) -> None:
    transcoders = load_transcoders(str(save_transcoders(tmp_path / "set", "topk")))
    run = Run(model, transcoders, SEQUENCES, SETTINGS)
    build_index(run, tmp_path / "whole")
    some = replace(run, settings=replace(SETTINGS, max_features_per_layer=5))
    build_index(some, tmp_path / "some")
    one, two = open_source(tmp_path / "some"), open_source(tmp_path / "whole")
    assert all(one.get(FeatureKey(0, f)) == two.get(FeatureKey(0, f)) for f in range(5))


def test_bad_input_gets_one_line(model: LanguageModel, tmp_path: Path) -> None:
    wide = save_transcoders(tmp_path / "set", "relu")
    transcoders = load_transcoders(str(wide))
    with pytest.raises(EvidenceError, match="empty"):
        build_index(Run(model, transcoders, [], SETTINGS), tmp_path / "index")
    from safetensors.torch import load_file, save_file

    for path in wide.glob("*.safetensors"):
        tensors = load_file(path)
        tensors["W_enc"] = torch.zeros(WIDTH, 16)
        save_file(tensors, path)
    with pytest.raises(TranscoderError, match=r"width 16.* d_model 32"):
        build_index(
            Run(model, load_transcoders(str(wide)), SEQUENCES, SETTINGS), tmp_path / "index"
        )
    with pytest.raises(UsageError, match="reservoir is 3"):
        IndexSettings(reservoir=3)
    with pytest.raises(EvidenceError, match="longer than the 64"):
        list(token_sequences(model, ["w1"], 65))


def test_activations_that_are_not_finite_are_told(
    model: LanguageModel, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from safetensors.torch import load_file, save_file

    folder = save_transcoders(tmp_path / "set", "relu")
    tensors = load_file(folder / "layer_0.safetensors")
    tensors["b_enc"][3] = torch.inf
    save_file(tensors, folder / "layer_0.safetensors")
    with pytest.raises(EvidenceError, match="infinite"):
        build_index(
            Run(model, load_transcoders(str(folder)), SEQUENCES, SETTINGS), tmp_path / "index"
        )


def test_sequences_begin_once_and_hold_the_tokens_asked_for(model: LanguageModel) -> None:
    words = " ".join(f"w{i % 50}" for i in range(100))
    documents = [words, "", "<bos> w1 w2", words]
    found = list(token_sequences(model, documents, 32, 150))
    assert all(ids[0] == 1 and 1 not in ids[1:] and len(ids) <= 32 for ids in found)
    assert sum(len(ids) - 1 for ids in found) == 150
    everything = list(token_sequences(model, documents, 32))
    assert sum(len(ids) - 1 for ids in everything) == 202


def test_logits_are_the_decoder_through_norm_and_unembedding(
    model: LanguageModel, transcoders: Transcoders, tmp_path: Path
) -> None:
    build_index(Run(model, transcoders, SEQUENCES, SETTINGS), tmp_path / "index")
    direction = transcoders.layers[1].decoder_rows(torch.tensor([7]), 1)[0]
    logits = model.model.lm_head.weight @ (direction * model.model.model.norm.weight)  # type: ignore[union-attr,operator]
    logits = logits - logits.mean()
    record = need(open_source(tmp_path / "index"), FeatureKey(1, 7))
    best, worst = int(logits.argmax()), int(logits.argmin())
    assert record.top_logits[0].token == model.tokenizer.decode([best])
    assert record.top_logits[0].value == pytest.approx(float(logits[best]), rel=1e-4)
    assert record.bottom_logits[0].token == model.tokenizer.decode([worst])
    assert record.bottom_logits[0].value == pytest.approx(float(logits[worst]), rel=1e-4)
