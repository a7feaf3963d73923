"""sae-lens transcoders, against sae-lens's own classes; float32, tolerance 1e-5."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch

from graphlabel.errors import TranscoderError
from graphlabel.models import load_transcoders
from graphlabel.models.transcoders.sae_lens import choose_ids

with warnings.catch_warnings():  # transformer-lens warns of itself
    warnings.simplefilter("ignore")
    from sae_lens import (
        JumpReLUSkipTranscoder,
        JumpReLUSkipTranscoderConfig,
        JumpReLUTranscoder,
        JumpReLUTranscoderConfig,
        SkipTranscoder,
        SkipTranscoderConfig,
        StandardSAE,
        StandardSAEConfig,
        Transcoder,
        TranscoderConfig,
    )

D_MODEL, WIDTH = 16, 48
KINDS = {
    "transcoder": (Transcoder, TranscoderConfig),
    "skip": (SkipTranscoder, SkipTranscoderConfig),
    "jumprelu": (JumpReLUTranscoder, JumpReLUTranscoderConfig),
    "jumprelu skip": (JumpReLUSkipTranscoder, JumpReLUSkipTranscoderConfig),
}


def save(folder: Path, kind: str, layer: int = 0, **options: Any) -> Any:
    torch.manual_seed(layer)
    names = {name: options.pop(name) for name in list(options) if "hook_name" in name}
    transcoder, configuration = KINDS[kind]
    config = configuration(d_in=D_MODEL, d_sae=WIDTH, d_out=D_MODEL, dtype="float32", device="cpu", apply_b_dec_to_input=False, **options)  # fmt: skip
    config.metadata.hook_name = f"blocks.{layer}.ln2.hook_normalized"
    config.metadata.hook_name_out = f"blocks.{layer}.hook_mlp_out"
    config.metadata.model_name = "tiny"
    for name, value in names.items():
        config.metadata[name] = value
    made = transcoder(config)
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            parameter.copy_(torch.randn_like(parameter) * (0.2 if "W" in name else 0.3))
    made.save_model(folder / f"layer_{layer}")
    return made


@pytest.mark.parametrize("kind", KINDS)
def test_it_encodes_and_decodes_as_sae_lens_does(tmp_path: Path, kind: str) -> None:
    """Thresholds below 0 too: sae-lens rectifies before it compares."""
    made = save(tmp_path, kind)
    found = load_transcoders(str(tmp_path))
    (layer,) = found.layers
    x = torch.randn(9, D_MODEL)
    with torch.no_grad():
        expected = made.encode(x)
        whole = made(x)
    activations = layer.encode(x)
    torch.testing.assert_close(activations, expected, atol=1e-5, rtol=0)
    reconstruction = activations @ layer.decoder_rows(torch.arange(WIDTH), 0) + layer.decoder_bias()
    skip = layer.skip()
    assert (skip is not None) == ("skip" in kind)
    if skip is not None:
        reconstruction = reconstruction + x @ skip.T
    torch.testing.assert_close(reconstruction, whole, atol=1e-5, rtol=0)
    assert layer.read_point.value == "ln2.hook_normalized"
    assert layer.write_point.value == "hook_mlp_out"
    assert found.model_name == "tiny"


def test_layers_come_from_the_hooks_and_may_be_missing(tmp_path: Path) -> None:
    save(tmp_path, "transcoder", 3)
    save(tmp_path, "transcoder", 1)
    found = load_transcoders(str(tmp_path))
    assert found.missing_layers == (0, 2)


def test_two_of_one_layer_are_refused(tmp_path: Path) -> None:
    for layer, name in enumerate(("narrow", "wide")):
        save(tmp_path, next(iter(KINDS)), layer, hook_name="blocks.3.ln2.hook_normalized")
        (tmp_path / f"layer_{layer}").rename(tmp_path / name)
    with pytest.raises(TranscoderError, match="several transcoders of layer 3, wide among them"):
        load_transcoders(str(tmp_path))


def test_what_cannot_be_traced_is_refused(tmp_path: Path) -> None:
    save(tmp_path / "normed", "transcoder", normalize_activations="layer_norm")
    with pytest.raises(TranscoderError, match="not linear"):
        load_transcoders(str(tmp_path / "normed"))
    config = StandardSAEConfig(d_in=D_MODEL, d_sae=WIDTH)
    config.metadata.hook_name = "blocks.0.hook_mlp_out"
    StandardSAE(config).save_model(tmp_path / "sae" / "layer_0")
    with pytest.raises(TranscoderError, match="no transcoder"):
        load_transcoders(str(tmp_path / "sae"))
    (tmp_path / "normed" / "layer_0" / "sae_weights.safetensors").write_bytes(b"no")
    with pytest.raises(TranscoderError, match="sae-lens cannot load") as caught:
        load_transcoders(str(tmp_path / "normed"))
    assert "\n" not in str(caught.value)


def test_modules_of_transformers_say_more_than_hook_names(tmp_path: Path) -> None:
    """Gemma Scope 2: sae-lens's hook_mlp_in is behind the norm."""
    names = {
        "hook_name": "blocks.0.hook_mlp_in",
        "hf_hook_name": "model.layers.0.pre_feedforward_layernorm.output",
        "hf_hook_name_out": "model.layers.0.post_feedforward_layernorm.output",
    }
    save(tmp_path, "jumprelu skip", **names)
    (layer,) = load_transcoders(str(tmp_path)).layers
    assert (layer.read_point.value, layer.write_point.value) == ("mlp.hook_in", "hook_mlp_out")
    save(tmp_path, "transcoder", hook_name="blocks.0.hook_mlp_in")
    with pytest.raises(TranscoderError, match="hook_mlp_in"):
        load_transcoders(str(tmp_path))


def release(name: str) -> tuple[str, ...]:
    from sae_lens.loading.pretrained_saes_directory import get_pretrained_saes_directory

    return tuple(get_pretrained_saes_directory()[name].saes_map)


def test_a_release_is_one_set_over_all_layers() -> None:
    chosen = choose_ids(release("gemma-scope-2b-pt-transcoders"), "")
    assert list(chosen) == list(range(26))
    assert chosen[25] == "layer_25/width_16k/average_l0_41"
    many = release("gemma-scope-2-1b-pt-transcoders-all")
    assert list(choose_ids(many, "")) == list(range(26))
    affine = choose_ids(many, "layer_{}_width_16k_l0_small_affine")
    assert set(affine.values()) == {f"layer_{i}_width_16k_l0_small_affine" for i in range(26)}
    two = choose_ids(many, "layer_0_width_16k_l0_big,layer_7_width_262k_l0_big")
    assert list(two) == [0, 7]
    with pytest.raises(TranscoderError, match="both of layer 0"):
        choose_ids(many, "layer_0_width_16k_l0_big,layer_0_width_262k_l0_big")
    with pytest.raises(TranscoderError, match="has no"):
        choose_ids(many, "layer_0_width_3k")


def test_releases_that_cannot_be_had() -> None:
    with pytest.raises(TranscoderError, match=r"no release .*gemma-scope-2b-pt-transcoders"):
        load_transcoders("sae-lens:nothing")
    with pytest.raises(TranscoderError, match=r"mntss/clt-gemma-2-2b-2\.5M"):
        load_transcoders("sae-lens:mntss-gemma-2-2b-2.5m-clt-as-per-layer")
    with pytest.raises(TranscoderError, match="sae-lens cannot load") as caught:
        load_transcoders("sae-lens:gemma-scope-2b-pt-transcoders:layer_3/width_16k/average_l0_54")
    assert "\n" not in str(caught.value)
