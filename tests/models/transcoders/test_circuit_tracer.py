"""circuit-tracer's folders, lists and published quirks; what is broken gets one line."""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from safetensors.torch import load_file, save_file

sys.path.insert(0, str(Path(__file__).parents[2] / "tracing"))
from small_models import D_MODEL, N_LAYERS, WIDTH, save_model, save_transcoders

from graphlabel.errors import GraphLabelError, TranscoderError
from graphlabel.models import fitted, load_language_model, load_transcoders
from graphlabel.models.transcoders import JumpReLU, ReLU, TopK
from graphlabel.models.transcoders.hub import Reference, parse_reference
from graphlabel.models.transcoders.weights import SafetensorsFile


def configure(folder: Path, **changes: object) -> None:
    path = folder / "config.yaml"
    config = {**yaml.safe_load(path.read_text()), **changes}
    path.write_text(yaml.safe_dump({k: v for k, v in config.items() if v is not None}))


def scoped(folder: Path) -> dict[str, torch.Tensor]:
    """A transcoder's tensors by Gemma Scope's names: the encoder stored transposed."""
    tensors = load_file(folder / "layer_0.safetensors")
    return {
        "W_enc": tensors["W_enc"].T.contiguous(),
        "b_enc": tensors["b_enc"],
        "W_dec": tensors["W_dec"],
        "b_dec": tensors["b_dec"],
        "threshold": tensors["activation_function.threshold"],
    }


def test_gemma_scope_archives_and_their_list(tmp_path: Path) -> None:
    plain = load_transcoders(str(save_transcoders(tmp_path / "plain", "jump_relu"))).layers[0]
    folder = save_transcoders(tmp_path / "scope", "jump_relu")
    np.savez(folder / "params.npz", **{k: v.numpy() for k, v in scoped(folder).items()})
    configure(folder, transcoders=["params.npz", None, "layer_2.safetensors"])
    found = load_transcoders(str(folder))
    assert found.missing_layers == (1,)
    same(plain, found.layers[0])


def test_gemma_scope_2_files(tmp_path: Path) -> None:
    plain_folder = save_transcoders(tmp_path / "plain", "jump_relu")
    plain = load_transcoders(str(plain_folder)).layers[0]
    folder = save_transcoders(tmp_path / "scope", "jump_relu")
    skip = torch.randn(D_MODEL, D_MODEL)
    for layer in range(N_LAYERS):
        tensors = {k.replace("W_", "w_"): v for k, v in scoped(plain_folder).items()}
        save_file(
            {**tensors, "affine_skip_connection": skip}, folder / f"layer_{layer}.safetensors"
        )
    found = load_transcoders(str(folder)).layers[0]
    same(plain, found)
    x = torch.randn(4, D_MODEL)
    torch.testing.assert_close(x @ found.skip().T, x @ skip)


def test_gemma_scope_2_across_layers(tmp_path: Path) -> None:
    """Every decoder holds all layers of the model; those below its own are no part of it."""
    folder = save_transcoders(tmp_path / "set", "clt")
    decoders = torch.randn(N_LAYERS, WIDTH, N_LAYERS, D_MODEL)
    for layer in range(N_LAYERS):
        tensors = {
            "w_enc": torch.randn(D_MODEL, WIDTH), "b_enc": torch.randn(WIDTH),
            "w_dec": decoders[layer], "b_dec": torch.randn(D_MODEL), "threshold": torch.rand(WIDTH),
        }  # fmt: skip
        save_file(tensors, folder / f"params_{layer}.safetensors")
    configure(folder, transcoders=[f"params_{i}.safetensors" for i in range(N_LAYERS)])
    found = load_transcoders(str(folder))
    assert found.layers[1].write_layers == range(1, 3)
    rows = found.layers[1].decoder_rows(torch.tensor([5, 0]), 2)
    torch.testing.assert_close(rows, decoders[1, [5, 0], 2])
    assert isinstance(found.layers[1].activation, JumpReLU)


def same(one: object, other: object) -> None:
    x = torch.randn(5, D_MODEL)
    torch.testing.assert_close(one.encode(x), other.encode(x))
    rows = torch.tensor([3, 3, 0, 40])
    torch.testing.assert_close(one.decoder_rows(rows, 0), other.decoder_rows(rows, 0))
    torch.testing.assert_close(one.encoder_rows(rows), other.encoder_rows(rows))
    torch.testing.assert_close(one.decoder_bias(), other.decoder_bias())


def test_the_configuration_says_which_activation(tmp_path: Path) -> None:
    """As in circuit-tracer: what is named counts, a threshold only where nothing else is."""
    folder = save_transcoders(tmp_path / "set", "jump_relu")
    for activation, expected in (("relu", ReLU), ("topk", TopK), (None, JumpReLU), ("jump_relu", JumpReLU)):  # fmt: skip
        configure(folder, activation=activation, k=3)
        assert isinstance(load_transcoders(str(folder)).layers[0].activation, expected)
    configure(folder, activation="topk", k=None)
    with pytest.raises(TranscoderError, match="gives no k"):
        load_transcoders(str(folder))
    configure(folder, scan="facebook/crv-8b-instruct-transcoders")
    assert load_transcoders(str(folder)).layers[0].activation.k == 128
    configure(folder, activation="gelu")
    assert isinstance(load_transcoders(str(folder)).layers[0].activation, JumpReLU)
    plain = save_transcoders(tmp_path / "plain", "relu")
    configure(plain, activation="gelu")
    with pytest.raises(TranscoderError, match="gelu"):
        load_transcoders(str(plain))
    configure(plain, activation="batch_topk")
    with pytest.raises(TranscoderError, match="threshold that BatchTopK learnt"):
        load_transcoders(str(plain))


def test_batch_topk_uses_its_threshold(tmp_path: Path) -> None:
    layer = load_transcoders(str(save_transcoders(tmp_path, "batch_topk"))).layers[0]
    x = torch.randn(6, D_MODEL)
    weight, bias = layer.encoder()
    pre = x @ weight.T + bias
    torch.testing.assert_close(layer.encode(x), torch.relu(pre) * (torch.relu(pre) > 0.3))


@pytest.mark.parametrize("rows", [[], [7], [7, 0, 7], list(range(WIDTH))])
def test_rows_are_read_alone(tmp_path: Path, rows: list[int]) -> None:
    folder = save_transcoders(tmp_path, "clt")
    places = torch.tensor(rows, dtype=torch.int64)
    for name in ("W_enc_0", "W_dec_0"):
        weights = SafetensorsFile(folder / f"{name}.safetensors")
        torch.testing.assert_close(weights.rows(name, places), weights.read(name)[places])
    layer = load_transcoders(str(folder)).layers[0]
    for write_layer in (2, 0, 1):
        expected = SafetensorsFile(folder / "W_dec_0.safetensors").read("W_dec_0")
        found = layer.decoder_rows(places, write_layer)
        torch.testing.assert_close(found, expected[places, write_layer])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no config", "config.yaml"),
        ("no yaml", "cannot be read"),
        ("layers", "3 layers"),
        ("too many", "4 layers"),
        ("width", "d_model"),
        ("hook", "feature_input_hook"),
        ("no hook", "feature_output_hook"),
        ("corrupt", "cannot be read"),
        ("cut", "cannot be read"),
        ("lacks", "lacks b_enc"),
        ("shapes", "b_enc has the shape"),
        ("skip", "W_skip has the shape"),
        ("threshold", r"threshold has the shape \(3,\)"),
        ("kind", "model_kind"),
        ("list", "no file"),
        ("hub", "on the hub|cannot be reached"),
    ],
)
def test_transcoders_that_do_not_fit_get_one_line(
    tmp_path: Path, damage: str, message: str
) -> None:
    model = load_language_model(str(save_model(tmp_path / "model", "llama")))
    folder = save_transcoders(tmp_path / "set", "relu")
    file = folder / "layer_1.safetensors"
    tensors = load_file(file)
    if damage == "no config":
        (folder / "config.yaml").unlink()
    elif damage == "no yaml":
        (folder / "config.yaml").write_text("a: [")
    elif damage == "layers":
        (folder / "layer_2.safetensors").unlink()
    elif damage == "too many":
        save_file(tensors, folder / "layer_3.safetensors")
    elif damage == "width":
        narrow = {"W_enc": torch.zeros(4, 8), "b_enc": torch.zeros(4), "W_dec": torch.zeros(4, 8),
                  "b_dec": torch.zeros(8)}  # fmt: skip
        for layer in range(N_LAYERS):
            save_file(narrow, folder / f"layer_{layer}.safetensors")
    elif damage in ("hook", "no hook"):
        configure(folder, **({"feature_input_hook": "somewhere"} if damage == "hook" else {"feature_output_hook": None}))  # fmt: skip
    elif damage == "kind":
        configure(folder, model_kind="lorsa")
    elif damage == "corrupt":
        file.write_bytes(b"not safetensors")
    elif damage == "cut":
        file.write_bytes(file.read_bytes()[:-100])
    elif damage == "lacks":
        save_file({k: v for k, v in tensors.items() if k != "b_enc"}, file)
    elif damage == "shapes":
        save_file({**tensors, "b_enc": torch.zeros(3)}, file)
    elif damage == "skip":
        save_file({**tensors, "W_skip": torch.zeros(D_MODEL, 3)}, file)
    elif damage == "threshold":
        save_transcoders(folder, "jump_relu")
        save_file({**tensors, "activation_function.threshold": torch.zeros(3)}, file)
    else:
        configure(folder, transcoders=["hf://a/b/c.npz" if damage == "hub" else "x.npz"])
    with pytest.raises(GraphLabelError, match=message) as caught:
        fitted(model, load_transcoders(str(folder)))
    assert "\n" not in str(caught.value)


def test_a_set_for_some_layers_is_taken_when_it_says_so(tmp_path: Path) -> None:
    model = load_language_model(str(save_model(tmp_path / "model", "llama")))
    folder = save_transcoders(tmp_path / "set", "relu")
    (folder / "layer_2.safetensors").unlink()
    assert fitted(model, load_transcoders(str(folder)), partial=True).missing_layers == (2,)
    (folder / "layer_0.safetensors").unlink()
    assert fitted(model, load_transcoders(str(folder))).missing_layers == (0, 2)


def test_points_a_family_does_not_have(tmp_path: Path) -> None:
    from graphlabel.models import prompt_of_ids
    from graphlabel.tracing import trace

    model = load_language_model(str(save_model(tmp_path / "model", "olmo2")))
    folder = save_transcoders(tmp_path / "set", "relu", read="ln2.hook_normalized")
    with pytest.raises(TranscoderError, match="olmo2 models have no norm before the MLP"):
        trace(model, load_transcoders(str(folder)), prompt_of_ids(model, [1, 5, 6]))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("owner/name", Reference("owner/name")),
        ("owner/name@v1", Reference("owner/name", "", "v1")),
        ("owner/name/a/b@v1", Reference("owner/name", "a/b", "v1")),
        ("hf://owner/name/a.npz", Reference("owner/name", "a.npz")),
        ("hf://owner/name/a/b.npz?revision=abc", Reference("owner/name", "a/b.npz", "abc")),
        ("gemma", Reference("mwhanna/gemma-scope-transcoders")),
    ],
)
def test_places_on_the_hub(name: str, expected: Reference) -> None:
    assert parse_reference(name) == expected


def test_what_is_no_place_on_the_hub() -> None:
    with pytest.raises(TranscoderError, match="no hub id"):
        parse_reference("nowhere")
    with pytest.raises(TranscoderError, match="cannot be reached"):
        load_transcoders("nobody/no-such-transcoders/folder@main")


@pytest.mark.parametrize("kind", ["relu", "jump_relu", "topk", "clt"])
def test_broken_weights_are_named(tmp_path: Path, kind: str) -> None:
    """A threshold would take NaN for a feature that does not fire."""
    from graphlabel.models import prompt_of_ids
    from graphlabel.tracing import trace

    folder = save_transcoders(tmp_path / kind, kind)
    file, name = ("W_enc_1", "W_enc_1") if kind == "clt" else ("layer_1", "W_enc")
    weights = load_file(folder / f"{file}.safetensors")
    weights[name][3, 5] = float("nan")
    save_file(weights, folder / f"{file}.safetensors")
    model = load_language_model(str(save_model(tmp_path / "tiny", "llama")))
    with pytest.raises(TranscoderError, match=r"layer 1 gives NaN .*; its file is broken"):
        trace(model, load_transcoders(str(folder)), prompt_of_ids(model, [1, 4, 5]))
    model.block(0).mlp.down_proj.weight.data[0, 0] = torch.inf
    with pytest.raises(
        TranscoderError, match="the model gives NaN or infinite activations at layer 1"
    ):
        trace(model, load_transcoders(str(folder)), prompt_of_ids(model, [1, 4, 5]))
