"""The feature index against a brute-force pass over all activations, float32 (acts kept in fp16)."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import N_LAYERS, WIDTH, save_model, save_transcoders

from graphlabel.errors import EvidenceError, FeatureNotFoundError
from graphlabel.evidence import need, open_source
from graphlabel.evidence.building import IndexSettings, build_index
from graphlabel.evidence.building.tables import Firings, Histograms, priorities
from graphlabel.graph import FeatureKey
from graphlabel.models import load_language_model, load_transcoders
from graphlabel.models.capture import transcoder_inputs

SEQUENCES = [[1, *row] for row in np.random.default_rng(0).integers(4, 60, (40, 15)).tolist()]
SETTINGS = IndexSettings(top=5, quantiles=4, per_quantile=2, reservoir=30, radius=4, batch_size=8)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[torch.Tensor]]:
    folder = tmp_path_factory.mktemp("index")
    model = load_language_model(str(save_model(folder / "model", "llama")))
    transcoders = load_transcoders(str(save_transcoders(folder / "set", "jump_relu")))
    build_index(model, transcoders, SEQUENCES, folder / "index", SETTINGS, corpus="random")
    inputs = transcoder_inputs(model, transcoders, torch.tensor(SEQUENCES))
    activations = []
    for transcoder, x in zip(transcoders.layers, inputs, strict=True):
        acts = transcoder.encode(x)
        acts[:, 0] = 0
        activations.append(acts)
    return folder, activations


def test_top_examples_density_and_histogram_are_exact(
    built: tuple[Path, list[torch.Tensor]],
) -> None:
    folder, activations = built
    source = open_source(folder / "index")
    for layer in range(N_LAYERS):
        acts = activations[layer]
        for feature in range(0, WIDTH, 5):
            record = need(source, FeatureKey(layer, feature))
            mine = acts[..., feature]
            peaks = mine.amax(dim=1).sort(descending=True).values
            expected = peaks[peaks > 0][: SETTINGS.top].numpy()
            found = [example.peak_activation for example in record.top_examples]
            np.testing.assert_allclose(found, expected, rtol=1e-3)
            assert record.density == pytest.approx(float((mine > 0).float().mean()), abs=1e-6)
            if record.histogram:
                assert sum(record.histogram.counts) == int((mine > 0).sum())
            for example in record.top_examples:
                assert "<bos>" not in example.window(-8, 8)


def test_quantiles_cover_the_distribution_from_high_to_low(
    built: tuple[Path, list[torch.Tensor]],
) -> None:
    folder, activations = built
    source = open_source(folder / "index")
    feature = int((activations[1] > 0).sum((0, 1)).argmax())
    record = need(source, FeatureKey(1, feature))
    assert [quantile.name for quantile in record.quantiles] == ["top", "q3", "q2", "q1", "q0"]
    centre = SETTINGS.radius
    means = [np.mean([max(e.activations[centre - 4 : centre + 1]) for e in q.examples]) for q in record.quantiles[1:]]  # fmt: skip
    assert means[0] > means[-1]


def test_batches_change_nothing(built: tuple[Path, list[torch.Tensor]], tmp_path: Path) -> None:
    folder, _ = built
    model = load_language_model(str(folder / "model"))
    transcoders = load_transcoders(str(folder / "set"))
    other = IndexSettings(top=5, quantiles=4, per_quantile=2, reservoir=30, radius=4, batch_size=40)
    build_index(model, transcoders, SEQUENCES, tmp_path / "index", other, corpus="random")
    one, two = open_source(folder / "index"), open_source(tmp_path / "index")
    for key in one.keys():  # noqa: SIM118  # a source is no mapping
        left, right = need(one, key), need(two, key)
        assert [q.name for q in left.quantiles] == [q.name for q in right.quantiles]
        assert left.histogram == right.histogram
        texts = [[e.tokens for e in r.quantiles[0].examples] for r in (left, right)]
        assert texts[0] == texts[1]


def test_logits_are_the_decoder_through_norm_and_unembedding(
    built: tuple[Path, list[torch.Tensor]],
) -> None:
    folder, _ = built
    model = load_language_model(str(folder / "model"))
    transcoder = load_transcoders(str(folder / "set")).layers[1]
    direction = transcoder.decoder_rows(torch.tensor([7]), 1)[0] * model.model.model.norm.weight
    logits = model.model.lm_head.weight @ direction
    logits = logits - logits.mean()
    record = need(open_source(folder / "index"), FeatureKey(1, 7))
    best = int(logits.argmax())
    assert record.top_logits[0].token == model.tokenizer.decode([best])
    assert record.top_logits[0].value == pytest.approx(float(logits[best]), rel=1e-4)
    assert record.bottom_logits[0].value == pytest.approx(float(logits.min()), rel=1e-4)


def test_priorities_are_uniform_and_depend_on_nothing_else() -> None:
    token, feature = torch.arange(20_000), torch.full((20_000,), 3)
    found = priorities(token, feature, seed=1)
    assert 0 <= float(found.min()) < float(found.max()) < 1
    assert float(found.mean()) == pytest.approx(0.5, abs=0.01)
    assert len(found.unique()) == 20_000
    torch.testing.assert_close(priorities(token[5:6], feature[:1], 1), found[5:6])
    assert abs(float(torch.corrcoef(torch.stack([found[:-1], found[1:]]))[0, 1])) < 0.03


def test_histograms_do_not_depend_on_the_order() -> None:
    values = torch.rand(500) * torch.logspace(-2, 2, 500)
    tables = []
    for order in (torch.arange(500), torch.arange(500).flip(0)):
        table = Histograms(1)
        for part in torch.split(values[order], 50):
            zeros = torch.zeros(len(part), dtype=torch.int64)
            table.add(Firings(zeros, zeros, zeros, part))
        tables.append(table)
    assert float(tables[0].high) == float(tables[1].high)
    torch.testing.assert_close(tables[0].counts, tables[1].counts)


def test_missing_and_broken_sources_get_one_line(
    built: tuple[Path, list[torch.Tensor]], tmp_path: Path
) -> None:
    folder, _ = built
    source = open_source(folder / "index")
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


def test_an_empty_corpus_is_refused(built: tuple[Path, list[torch.Tensor]], tmp_path: Path) -> None:
    folder, _ = built
    model = load_language_model(str(folder / "model"))
    transcoders = load_transcoders(str(folder / "set"))
    with pytest.raises(EvidenceError, match="empty"):
        build_index(model, transcoders, [], tmp_path / "index")


def test_broken_examples_are_dropped_and_counted(tmp_path: Path) -> None:
    from graphlabel.evidence.index.format import Manifest
    from graphlabel.evidence.index.writer import write_layer, write_manifest, write_vocabulary
    from graphlabel.records import TranscoderSet

    good = {"ids": [0, 1], "acts": [0.0, 2.0]}
    bad = [{"ids": [1], "acts": [float("nan")]}, {"ids": [1, 1], "acts": [1.0]}, {"ids": [0], "acts": [1.0]}, {"ids": [], "acts": []}]  # fmt: skip
    row = {"feature": 0, "density": 0.1, "max_activation": 2.0, "histogram_low": 0.0, "histogram_high": 2.0,
           "histogram": [1], "top_logits": [], "bottom_logits": [],
           "quantiles": [{"name": "top", "examples": [good, *bad]}]}  # fmt: skip
    write_layer(tmp_path, 0, [row])
    write_vocabulary(tmp_path, ["<bos>", "a"])
    write_manifest(tmp_path, Manifest(TranscoderSet("m", "s"), (0,), 1, 10, special_token_ids=(0,)))
    record = need(open_source(tmp_path), FeatureKey(0, 0))
    assert (len(record.top_examples), record.dropped) == (1, 4)
