"""Folders of EleutherAI's sparsify, against sparsify's own class; float32, tolerance 1e-5."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from graphlabel.errors import TranscoderError
from graphlabel.models import load_transcoders

sparsify = pytest.importorskip("sparsify", reason="eai-sparsify is not installed")
D_MODEL, WIDTH = 16, 48


def save(folder: Path, module: str, *, activation: str = "topk", skip: bool = True, transcode: bool = True) -> object:  # fmt: skip
    torch.manual_seed(len(module) + len(activation))
    config = sparsify.SparseCoderConfig(
        activation=activation, num_latents=WIDTH, k=6, skip_connection=skip, transcode=transcode
    )
    coder = sparsify.SparseCoder(D_MODEL, config)
    with torch.no_grad():
        for parameter in coder.parameters():
            parameter.copy_(torch.randn_like(parameter) * 0.3)
        coder.encoder.bias -= 2  # fewer positive pre-activations than k, at times
    coder.save_to_disk(folder / module)
    return coder


@pytest.mark.parametrize("activation", ["topk", "groupmax"])
@pytest.mark.parametrize("skip", [True, False])
def test_it_encodes_and_decodes_as_sparsify_does(
    tmp_path: Path, activation: str, skip: bool
) -> None:
    coder = save(tmp_path, "layers.0.mlp", activation=activation, skip=skip)
    (layer,) = load_transcoders(str(tmp_path)).layers
    x = torch.randn(9, D_MODEL)
    with torch.no_grad():
        top, places, _ = coder.encode(x)
        activations = torch.zeros(9, WIDTH).scatter(-1, places, top)
        expected = coder(x).sae_out
    found = layer.encode(x)
    torch.testing.assert_close(found, activations, atol=1e-5, rtol=0)
    assert int((found != 0).sum(-1).min()) < 6
    reconstruction = found @ layer.decoder_rows(torch.arange(WIDTH), 0) + layer.decoder_bias()
    if skip:
        reconstruction = reconstruction + x @ layer.skip().T
    else:
        assert layer.skip() is None
    torch.testing.assert_close(reconstruction, expected, atol=1e-5, rtol=0)
    assert (layer.read_point.value, layer.write_point.value) == ("mlp.hook_in", "mlp.hook_out")


def test_layers_are_found_by_the_module_they_replace(tmp_path: Path) -> None:
    for module in ("layers.10.mlp", "layers.2.mlp"):
        save(tmp_path, module)
    found = load_transcoders(str(tmp_path))
    assert len(found.layers) == 11
    assert set(range(11)) - set(found.missing_layers) == {2, 10}
    assert found.revision.startswith("sha256:")


def test_what_is_no_transcoder_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "sae", "layers.0.mlp", transcode=False, skip=False)
    with pytest.raises(TranscoderError, match="autoencoder"):
        load_transcoders(str(tmp_path / "sae"))
    save(tmp_path / "residual", "layers.0")
    with pytest.raises(TranscoderError, match="not an MLP"):
        load_transcoders(str(tmp_path / "residual"))
    save(tmp_path / "odd", "layers.0.mlp")
    config = tmp_path / "odd" / "layers.0.mlp" / "cfg.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "activation": "softplus"}))
    with pytest.raises(TranscoderError, match="softplus"):
        load_transcoders(str(tmp_path / "odd"))
    (tmp_path / "odd" / "layers.0.mlp" / "sae.safetensors").write_bytes(b"no")
    config.write_text("{")
    with pytest.raises(TranscoderError, match="cannot be read"):
        load_transcoders(str(tmp_path / "odd"))


def test_groups_that_do_not_come_out_even_are_refused(tmp_path: Path) -> None:
    save(tmp_path, "layers.0.mlp", activation="groupmax")
    config = tmp_path / "layers.0.mlp" / "cfg.json"
    config.write_text(json.dumps({**json.loads(config.read_text()), "k": 7}))
    assert WIDTH % 7
    with pytest.raises(TranscoderError, match=f"{WIDTH} features are not 7 equal groups"):
        load_transcoders(str(tmp_path))
