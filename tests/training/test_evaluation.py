"""Evaluations against sums done by hand, in every family and kind of set."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import CONFIGS, N_LAYERS, READS, save_model, save_transcoders

from graphlabel.errors import TranscoderError
from graphlabel.models import fitted, load_language_model, load_transcoders
from graphlabel.models.capture import capturing, transcoder_inputs
from graphlabel.training import evaluate

ROWS = np.concatenate(
    [np.ones((6, 1), np.int64), np.random.default_rng(0).integers(4, 60, (6, 11))], axis=1
)


def by_hand(model, transcoders, read=lambda _: None):
    """What the MLPs write and what a set writes there, from one clean pass, float32."""
    ids = torch.from_numpy(ROWS)
    mlps = {str(i): (model.block(i).get_submodule("mlp"), True) for i in range(N_LAYERS)}
    with capturing(mlps) as written:
        inputs = list(transcoder_inputs(model, transcoders, ids))
    rebuilt = []
    for layer, mine in enumerate(transcoders.layers):
        total = mine.decoder_bias() + torch.zeros_like(inputs[layer])
        for source in transcoders.layers[: layer + 1]:
            if layer in source.write_layers:
                every = torch.arange(source.n_features)
                total += source.encode(inputs[source.layer]) @ source.decoder_rows(every, layer)
        if (skip := mine.skip()) is not None:
            total += inputs[layer] @ skip.T
        rebuilt.append(total)
    return [written[str(i)] for i in range(N_LAYERS)], rebuilt, inputs


@pytest.mark.parametrize("kind", ["relu", "jump_relu", "topk", "skip", "clt", "clt_skip"])
def test_numbers_are_what_their_definitions_say(tmp_path: Path, kind: str) -> None:
    model = load_language_model(str(save_model(tmp_path / "m", "llama")))
    transcoders = fitted(model, load_transcoders(str(save_transcoders(tmp_path / "t", kind))))
    found = evaluate(model, transcoders, ROWS, splice_tokens=10**6, batch_size=4)
    assert (found.tokens, found.splice_tokens) == (66, 66)
    written, rebuilt, inputs = by_hand(model, transcoders)
    for layer in found.layers:
        y, guess = (each[layer.layer][:, 1:].flatten(0, 1) for each in (written, rebuilt))
        fvu = (y - guess).square().sum() / (y - y.mean(0)).square().sum()
        assert layer.fvu == pytest.approx(float(fvu), rel=1e-4)  # float32 sums
        fires = transcoders.layers[layer.layer].encode(inputs[layer.layer])[:, 1:] > 0
        assert layer.l0 == pytest.approx(float(fires.sum(-1).float().mean()), rel=1e-6)
        assert layer.dead == int((~fires.flatten(0, 1).any(0)).sum())


def constant(bias):
    """A hook that has an MLP write a constant everywhere but at the first position."""

    def write(_module, _inputs, output):
        return torch.cat([output[:, :1], bias.expand_as(output[:, 1:])], dim=1)

    return write


@pytest.mark.parametrize("family", [name for name in CONFIGS if name not in READS])
def test_an_mlp_replaced_by_what_it_writes_anyway_changes_nothing_but_that(
    tmp_path: Path, family: str
) -> None:
    """A set of constants: splicing it in is the same as having each MLP write that constant."""
    model = load_language_model(str(save_model(tmp_path / "m", family)))
    folder = save_transcoders(tmp_path / "t", "relu")
    transcoders = fitted(model, load_transcoders(str(folder)))
    for layer in transcoders.layers:
        weight, bias = layer.encoder()
        weight.zero_()
        bias.fill_(-1.0)
    found = evaluate(model, transcoders, ROWS, splice_tokens=10**6)
    assert {layer.l0 for layer in found.layers} == {0.0}
    assert all(layer.dead == layer.features for layer in found.layers)

    def loss() -> float:
        logits = model.model(input_ids=torch.from_numpy(ROWS)).logits[:, :-1].flatten(0, 1)
        wanted = torch.from_numpy(ROWS[:, 1:]).flatten()
        return float(torch.nn.functional.cross_entropy(logits.float(), wanted))

    assert found.cross_entropy == pytest.approx(loss(), rel=1e-5)
    handles = []
    for number, layer in enumerate(transcoders.layers):
        mlp = model.block(number).get_submodule("mlp")
        handles.append(mlp.register_forward_hook(constant(layer.decoder_bias())))
    assert found.cross_entropy_spliced == pytest.approx(loss(), rel=1e-5)
    for handle in handles[1:]:
        handle.remove()
    assert found.layers[0].cross_entropy == pytest.approx(loss(), rel=1e-5)
    handles[0].remove()


def test_a_layer_without_transcoder_keeps_its_mlp(tmp_path: Path) -> None:
    model = load_language_model(str(save_model(tmp_path / "m", "llama")))
    transcoders = load_transcoders(str(save_transcoders(tmp_path / "t", "gap")))
    found = evaluate(model, transcoders, ROWS, splice_tokens=0)
    assert [layer.layer for layer in found.layers] == [0, 2]
    assert found.cross_entropy is None
    assert found.layers[0].cross_entropy is None


def test_broken_weights_are_told(tmp_path: Path) -> None:
    model = load_language_model(str(save_model(tmp_path / "m", "llama")))
    transcoders = load_transcoders(str(save_transcoders(tmp_path / "t", "relu")))
    transcoders.layers[1].encoder()[1].fill_(torch.nan)
    with pytest.raises(TranscoderError, match="layer 1 gives NaN"):
        evaluate(model, transcoders, ROWS, splice_tokens=0)
