from __future__ import annotations

from typing import Any

import pytest

from graphlabel.atlas import TRANSCODERS_FOLDER, documents

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.usefixtures("single_thread")
Layer = tuple[Any, Any, dict[str, Any]]


@pytest.fixture(scope="module")
def layers(single_thread: None, model: Any, tokenizer: Any) -> list[Layer]:
    """For each layer the MLP inputs and outputs on fresh documents, and the weights."""
    from safetensors.torch import load_file

    vocab = tokenizer.get_vocab()
    rows = [[vocab[piece] for piece in found.pieces] for found in documents(987_654, 64 * 200)]
    seen: list[tuple[Any, Any]] = []
    handles = [
        layer.mlp.register_forward_hook(
            lambda _, args, output: seen.append(
                (args[0][:, 1:].flatten(0, 1), output[:, 1:].flatten(0, 1))
            )
        )
        for layer in model.model.layers
    ]
    with torch.no_grad():
        model(torch.tensor(rows))
    for handle in handles:
        handle.remove()
    found = []
    for index, (inputs, outputs) in enumerate(seen):
        weights = load_file(TRANSCODERS_FOLDER / f"layer_{index}.safetensors")
        found.append((inputs, outputs, {key: value.float() for key, value in weights.items()}))
    return found


def features_of(inputs: Any, weights: dict[str, Any]) -> Any:
    pre = inputs @ weights["W_enc"].T + weights["b_enc"]
    return pre * (pre > weights["activation_function.threshold"])


def test_layout(layers: list[Layer], model: Any) -> None:
    assert len(layers) == model.config.num_hidden_layers
    assert len(list(TRANSCODERS_FOLDER.glob("layer_*.safetensors"))) == len(layers)
    config = (TRANSCODERS_FOLDER / "config.yaml").read_text(encoding="utf-8")
    for line in (
        "activation: jump_relu",
        "feature_input_hook: mlp.hook_in",
        "feature_output_hook: mlp.hook_out",
        "model_kind: transcoder_set",
    ):
        assert line in config.splitlines()
    size = model.config.hidden_size
    for _, _, weights in layers:
        width = weights["b_enc"].shape[0]
        assert weights["W_enc"].shape == weights["W_dec"].shape == (width, size)
        assert weights["b_dec"].shape == (size,)
        assert weights["activation_function.threshold"].shape == (width,)
        assert float(weights["activation_function.threshold"].min()) >= 0.0
        norms = weights["W_dec"].norm(dim=1)
        assert torch.allclose(norms, torch.ones(width), atol=0.02)


def test_little_variance_is_unexplained(layers: list[Layer]) -> None:
    for inputs, outputs, weights in layers:
        rebuilt = features_of(inputs, weights) @ weights["W_dec"] + weights["b_dec"]
        variance = (outputs - outputs.mean(0)).pow(2).sum()
        assert float((outputs - rebuilt).pow(2).sum() / variance) <= 0.06


def test_features_are_sparse_and_alive(layers: list[Layer]) -> None:
    for inputs, _, weights in layers:
        active = features_of(inputs, weights) > 0
        assert 2.5 <= float(active.float().sum(1).mean()) <= 14
        assert float((~active.any(0)).float().mean()) < 0.05
