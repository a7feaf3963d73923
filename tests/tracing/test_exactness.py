"""The sweep against an independent reference by autograd, float64: max|dA| / max|A| ≤ 1e-8.

The reference re-implements nothing of the sweep: it runs the model's own modules with attention
patterns and norm scales detached, every MLP replaced by the sum of its sources, and differentiates.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from small_models import N_LAYERS, save_model, save_transcoders

from graphlabel.errors import GraphLabelError
from graphlabel.models import (
    LanguageModel,
    Transcoders,
    load_language_model,
    load_transcoders,
    prompt_of_ids,
)
from graphlabel.tracing import TraceSettings, trace
from graphlabel.tracing.frozen import freeze
from graphlabel.tracing.sources import Sources, find_sources
from graphlabel.tracing.targets import salient_logits

IDS = [1, 10, 21, 5, 44, 10, 30]
SETTINGS = TraceSettings(max_feature_nodes=None, dtype="float64", max_n_logits=4)
FAMILIES = ["llama", "mistral", "qwen2", "qwen3", "gemma2"]
KINDS = ["relu", "jump_relu", "topk", "skip", "clt"]
HOOKS = [("mlp.hook_in", "mlp.hook_out"), ("hook_resid_mid", "hook_mlp_out"),
         ("ln2.hook_normalized", "hook_mlp_out")]  # fmt: skip


def load(tmp_path: Path, family: str, kind: str, hooks: tuple[str, str] = HOOKS[0]) -> tuple[LanguageModel, Transcoders]:  # fmt: skip
    model = load_language_model(str(save_model(tmp_path / family, family)), dtype=torch.float64)
    folder = save_transcoders(tmp_path / kind, kind, read=hooks[0], write=hooks[1])
    return model, load_transcoders(str(folder))


class Reference:
    """The local replacement model on autograd, with a leaf for every write."""

    def __init__(self, model: LanguageModel, transcoders: Transcoders) -> None:
        self.model, self.transcoders = model, transcoders
        prompt = prompt_of_ids(model, IDS)
        self.frozen = freeze(model, prompt, torch.float64)
        self.sources = find_sources(self.frozen, transcoders, first_position=1)
        self.vectors = self._vectors()
        self.tokens = self.frozen.token_vectors.clone().requires_grad_()
        self.writes = [torch.zeros_like(self.tokens).requires_grad_() for _ in range(N_LAYERS)]
        self.reads: list[Tensor] = []
        self.output = self._run()

    def _vectors(self) -> Tensor:
        """What every feature writes to every layer: (layers, features, d)."""
        sources = self.sources
        vectors = torch.zeros(N_LAYERS, *sources.encoder.shape, dtype=torch.float64)
        for transcoder in self.transcoders.layers:
            mine = (sources.layer == transcoder.layer).nonzero().flatten()
            for write in transcoder.write_layers:
                rows = transcoder.decoder_rows(sources.feature[mine], write).double()
                vectors[write, mine] = rows * sources.activation[mine, None]
        return vectors

    def _norm(self, module: torch.nn.Module, x: Tensor, frozen_at: Tensor) -> Tensor:
        epsilon = getattr(module, "variance_epsilon", None) or module.eps
        scale = torch.rsqrt(frozen_at.pow(2).mean(-1, keepdim=True) + epsilon)
        offset = 1.0 if self.model.config.model_type == "gemma2" else 0.0
        return x * scale * (module.weight + offset)

    def _run(self) -> Tensor:
        """Forward with real values detached where frozen; writes are added as zero-valued leaves."""
        architecture = self.model.architecture
        x = self.tokens
        config = self.model.config
        n_heads, n_groups, d_head = (
            config.num_attention_heads,
            config.num_key_value_heads,
            config.head_dim,
        )
        real = self._real_residuals()
        for layer in range(N_LAYERS):
            block, at = self.model.block(layer), real[layer]
            h = self._norm(block.get_submodule(architecture.attention_norm), x, at["pre"])
            v = h @ block.self_attn.v_proj.weight.T
            v = v.view(-1, n_groups, d_head).repeat_interleave(n_heads // n_groups, dim=1)
            mixed = torch.einsum("hqk,khd->qhd", self.frozen.layers[layer].pattern, v)
            out = mixed.reshape(len(IDS), -1) @ block.self_attn.o_proj.weight.T
            if architecture.post_attention_norm:
                out = self._norm(
                    block.get_submodule(architecture.post_attention_norm), out, at["attn"]
                )
            mid = x + out
            transcoder = self.transcoders.layers[layer]
            point = transcoder.read_point.value
            norm = block.get_submodule(architecture.mlp_norm)
            read = mid
            if point == "mlp.hook_in":
                read = self._norm(norm, mid, at["mid"])
            elif point == "ln2.hook_normalized":
                epsilon = getattr(norm, "variance_epsilon", None) or norm.eps
                read = mid * torch.rsqrt(at["mid"].pow(2).mean(-1, keepdim=True) + epsilon)
            self.reads.append(read)
            written = self.writes[layer]
            skip = transcoder.skip()
            if skip is not None:
                written = written + read @ skip.double().T
            if transcoder.write_point.value == "mlp.hook_out" and architecture.post_mlp_norm:
                written = self._norm(
                    block.get_submodule(architecture.post_mlp_norm), written, at["mlp"]
                )
            x = mid + written
        final = self.model.module(architecture.final_norm)
        return self._norm(final, x, real[-1]["final"])

    def _real_residuals(self) -> list[dict[str, Tensor]]:
        architecture, found = self.model.architecture, []
        names = {"pre": architecture.attention_norm, "mid": architecture.mlp_norm,
                 "attn": architecture.post_attention_norm, "mlp": architecture.post_mlp_norm}  # fmt: skip
        handles = []
        store: list[dict[str, Tensor]] = [{} for _ in range(N_LAYERS + 1)]

        def keep(layer: int, name: str):  # type: ignore[no-untyped-def]
            def hook(_m: object, args: tuple[Tensor, ...]) -> None:
                store[layer][name] = args[0][0].detach()

            return hook

        for layer in range(N_LAYERS):
            for name, module in names.items():
                if module:
                    part = self.model.block(layer).get_submodule(module)
                    handles.append(part.register_forward_pre_hook(keep(layer, name)))
        final = self.model.module(architecture.final_norm)
        handles.append(final.register_forward_pre_hook(keep(N_LAYERS, "final")))
        self.model.model(input_ids=torch.tensor([IDS]))
        for handle in handles:
            handle.remove()
        found += store
        return found

    def row(self, scalar: Tensor, sources: Sources) -> np.ndarray:
        """Direct effects of every source on a scalar."""
        leaves = [self.tokens, *self.writes]
        gradients = torch.autograd.grad(scalar, leaves, retain_graph=True, allow_unused=True)
        gradients = [
            g.detach() if g is not None else torch.zeros_like(self.tokens) for g in gradients
        ]
        row = np.zeros(sources.n_columns)
        at = torch.stack(gradients[1:])[:, sources.position]
        row[: sources.n_features] = torch.einsum("lfd,lfd->f", at, self.vectors).numpy()
        place = sources.n_features
        for layer in range(N_LAYERS):
            for position in range(len(IDS)):
                row[place] = float(gradients[1 + layer][position] @ sources.errors[layer, position])
                place += 1
        row[place:] = (gradients[0] * self.frozen.token_vectors).sum(-1).detach().numpy()
        return row


def reference_matrix(model: LanguageModel, transcoders: Transcoders) -> np.ndarray:
    reference = Reference(model, transcoders)
    sources = reference.sources
    rows = []
    for i in range(sources.n_features):
        layer, position = int(sources.layer[i]), int(sources.position[i])
        weight, _ = transcoders.layers[layer].encoder()
        encoder = weight[int(sources.feature[i])].double()
        rows.append(reference.row(reference.reads[layer][position] @ encoder, sources))
    logits = salient_logits(model, reference.frozen, max_n_logits=4)
    unembedding = model.model.lm_head.weight
    for token in logits.ids:
        direction = unembedding[token] - unembedding.mean(0)
        rows.append(reference.row(reference.output[-1] @ direction, sources))
    return np.array(rows)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("kind", KINDS)
def test_the_sweep_equals_autograd(tmp_path: Path, family: str, kind: str) -> None:
    check(*load(tmp_path, family, kind))


@pytest.mark.parametrize("family", ["llama", "gemma2"])
@pytest.mark.parametrize("hooks", HOOKS[1:])
def test_every_read_and_write_point(tmp_path: Path, family: str, hooks: tuple[str, str]) -> None:
    check(*load(tmp_path, family, "skip", hooks))


def check(model: LanguageModel, transcoders: Transcoders) -> None:
    expected = reference_matrix(model, transcoders)
    traced = trace(model, transcoders, prompt_of_ids(model, IDS), SETTINGS)
    order = traced.order
    rows = np.concatenate([traced.adjacency[order.features], traced.adjacency[order.logits]])
    found = rows[:, : expected.shape[1]]
    assert found.dtype == np.float64
    assert np.abs(found - expected).max() / np.abs(expected).max() <= 1e-8
    # causality and the order of layers: exactly zero
    features = traced.active_features
    for i, (layer, position, _) in enumerate(features.tolist()):
        forbidden = (features[:, 0] >= layer) | (features[:, 1] > position)
        assert not found[i, : len(features)][forbidden].any()
        errors = found[i, order.errors].reshape(N_LAYERS, len(IDS))
        assert not errors[layer:].any()
        assert not errors[:, position + 1 :].any()
        assert not found[i, order.tokens][position + 1 :].any()


@pytest.mark.parametrize("kind", KINDS)
def test_sources_and_constants_add_up_to_the_pre_activation(tmp_path: Path, kind: str) -> None:
    """Conservation, float64: what is no node is b_enc, b_dec and position 0's MLP outputs.

    Tolerance 1e-6: the model's own norms compute in float32, whatever its weights are in.
    """
    model, transcoders = load(tmp_path, "llama", kind)
    reference = Reference(model, transcoders)
    sources = reference.sources
    matrix = reference_matrix(model, transcoders)
    for i in range(0, sources.n_features, 5):
        layer, position = int(sources.layer[i]), int(sources.position[i])
        transcoder = transcoders.layers[layer]
        weight, bias = (part.double() for part in transcoder.encoder())
        feature = int(sources.feature[i])
        block = reference.frozen.layers[layer]
        x = block.residual_mid[position] * block.read_scale(transcoder.read_point)[position]
        pre = float(x @ weight[feature] + bias[feature])
        target = reference.reads[layer][position] @ weight[feature]
        gradients = torch.autograd.grad(target, reference.writes, retain_graph=True, allow_unused=True)  # fmt: skip
        constants = float(bias[feature])
        for write, gradient in enumerate(gradients):
            if gradient is None:
                continue
            real = reference.frozen.layers[write]
            constants += float(gradient[0] @ _unexplained(reference, real, write))
            constants += float(
                gradient[1:].sum(0) @ transcoders.layers[write].decoder_bias().double()
            )
        assert matrix[i].sum() + constants == pytest.approx(pre, abs=1e-6)


def _unexplained(reference: Reference, real: object, layer: int) -> Tensor:
    """What the MLP wrote at position 0, less the skip path that the sweep does follow."""
    output = real.mlp_output[0]  # type: ignore[attr-defined]
    transcoder = reference.transcoders.layers[layer]
    skip = transcoder.skip()
    if skip is None:
        return output
    scale = real.read_scale(transcoder.read_point)  # type: ignore[attr-defined]
    return output - (real.residual_mid[0] * scale[0]) @ skip.double().T  # type: ignore[attr-defined]


def test_greedy_selection_takes_the_most_influential(tmp_path: Path) -> None:
    """With a limit, rows are the ones the slow rule chooses, and equal those of the full trace."""
    model, transcoders = load(tmp_path, "llama", "relu")
    prompt = prompt_of_ids(model, IDS)
    full = trace(model, transcoders, prompt, SETTINGS)
    limit, batch, interval = 40, 4, 2
    settings = TraceSettings(
        max_feature_nodes=limit, batch_size=batch, update_interval=interval,
        dtype="float64", max_n_logits=4,
    )  # fmt: skip
    some = trace(model, transcoders, prompt, settings)
    n = len(full.selected_features)
    columns = full.adjacency[:, : full.order.logits.start]
    normalized = np.abs(columns) / np.maximum(np.abs(columns).sum(1, keepdims=True), 1e-8)
    visited: list[int] = []
    while len(visited) < limit:
        known = np.zeros((len(columns), len(columns)))
        rows = [*visited, *range(full.order.logits.start, len(columns))]
        known[rows, : columns.shape[1]] = normalized[rows]
        weights = np.zeros(len(columns))
        weights[full.order.logits] = full.logit_probabilities
        influence, step = np.zeros(len(columns)), weights
        while (step := step @ known).any():
            influence += step
        ranked = [i for i in np.argsort(-influence[:n], kind="stable") if i not in visited]
        visited += [int(i) for i in ranked[: min(batch * interval, limit - len(visited))]]
    assert some.selected_features.tolist() == sorted(visited)
    rows = full.adjacency[np.ix_(some.selected_features, some.selected_features)]
    np.testing.assert_allclose(some.adjacency[:limit, :limit], rows, atol=1e-12)


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        ("no config", "config.yaml"),
        ("layers", "3 layers"),
        ("width", "d_model"),
        ("hook", "feature_input_hook"),
        ("corrupt", "cannot be read"),
        ("kind", "model_kind"),
    ],
)
def test_transcoders_that_do_not_fit_get_one_line(
    tmp_path: Path, damage: str, message: str
) -> None:
    model = load_language_model(str(save_model(tmp_path / "model", "llama")))
    folder = save_transcoders(tmp_path / "set", "relu")
    config = folder / "config.yaml"
    if damage == "no config":
        config.unlink()
    elif damage == "layers":
        (folder / "layer_2.safetensors").unlink()
    elif damage == "width":
        from safetensors.torch import save_file

        narrow = {"W_enc": torch.zeros(4, 8), "b_enc": torch.zeros(4), "W_dec": torch.zeros(4, 8),
                  "b_dec": torch.zeros(8)}  # fmt: skip
        for layer in range(N_LAYERS):
            save_file(narrow, folder / f"layer_{layer}.safetensors")
    elif damage == "hook":
        config.write_text(config.read_text().replace("mlp.hook_in", "somewhere"))
    elif damage == "kind":
        config.write_text(config.read_text().replace("transcoder_set", "lorsa"))
    else:
        (folder / "layer_1.safetensors").write_bytes(b"not safetensors")
    with pytest.raises(GraphLabelError, match=message) as caught:
        trace(model, load_transcoders(str(folder)), prompt_of_ids(model, IDS))
    assert "\n" not in str(caught.value)
