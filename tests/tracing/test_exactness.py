"""The sweep against an independent reference by autograd, float64: max|dA| / max|A| ≤ 1e-8.

Every architecture × every kind of transcoder; exact zeros; conservation.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

sys.path.insert(0, str(Path(__file__).parent))
from reference import Reference
from small_models import CONFIGS, KINDS, N_LAYERS, READS, VOCABULARY

from graphlabel.models import (
    LanguageModel,
    Transcoders,
    prompt_of_ids,
)
from graphlabel.tracing import TraceSettings, trace
from graphlabel.tracing.constants import Constant, constants
from graphlabel.tracing.encoding import find_sources
from graphlabel.tracing.frozen import FrozenModel, freeze
from graphlabel.tracing.sources import Sources
from graphlabel.tracing.sweep import Targets, direct_effects, feature_targets
from graphlabel.tracing.targets import salient_logits

IDS = [1, 10, 21, 5, 44, 10, 30]
SETTINGS = TraceSettings(max_feature_nodes=None, dtype="float64", max_n_logits=4)
POINTS = [
    (read, write)
    for read in ("mlp.hook_in", "hook_resid_mid", "ln2.hook_normalized")
    for write in ("mlp.hook_out", "hook_mlp_out")
]
Loader = Callable[..., tuple[LanguageModel, Transcoders]]


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_sweep_equals_autograd(load: Loader, family: str, kind: str) -> None:
    check(*load(family, kind))


@pytest.mark.parametrize("points", POINTS[1:], ids="→".join)
@pytest.mark.parametrize("family", ["llama", "gemma3", "olmo2", "gpt2", "gpt_neox"])
def test_every_read_and_write_point(load: Loader, family: str, points: tuple[str, str]) -> None:
    if points[0] not in READS.get(family, points):
        pytest.skip("the family has no such point")
    check(*load(family, "skip", *points))


def check(model: LanguageModel, transcoders: Transcoders) -> None:
    prompt = prompt_of_ids(model, IDS)
    frozen = freeze(model, prompt, torch.float64)
    sources = find_sources(frozen, transcoders, first_position=1)
    logits = salient_logits(model, frozen, max_n_logits=4)
    unembedding = model.model.lm_head.weight
    directions = unembedding[list(logits.ids)] - unembedding.mean(0)
    expected = Reference(model, transcoders, IDS).matrix(sources, directions)
    traced = trace(model, transcoders, prompt, SETTINGS)
    order = traced.order
    rows = np.concatenate([traced.adjacency[order.features], traced.adjacency[order.logits]])
    found = rows[:, : expected.shape[1]]
    assert found.dtype == np.float64
    assert len(traced.selected_features) > 20
    assert np.abs(found - expected).max() / np.abs(expected).max() <= 1e-8
    check_zeros(found, traced.active_features, len(IDS))


def check_zeros(found: np.ndarray, features: np.ndarray, n_positions: int) -> None:
    """Causality and the order of layers: exactly zero."""
    n = len(features)
    for i, (layer, position, _) in enumerate(features.tolist()):
        forbidden = (features[:, 0] >= layer) | (features[:, 1] > position)
        assert not found[i, :n][forbidden].any()
        errors = found[i, n : n + N_LAYERS * n_positions].reshape(N_LAYERS, n_positions)
        assert not errors[layer:].any()
        assert not errors[:, position + 1 :].any()
        assert not errors[:, 0].any()
        assert not found[i, n + N_LAYERS * n_positions :][position + 1 :].any()
    assert np.abs(found).max() > 0


@pytest.mark.parametrize("family", CONFIGS)
@pytest.mark.parametrize("kind", KINDS)
def test_sources_and_constants_add_up(load: Loader, family: str, kind: str) -> None:
    conserve(*load(family, kind), IDS)


@settings(max_examples=40, deadline=None, derandomize=True)
@given(
    ids=st.lists(st.integers(4, VOCABULARY - 1), min_size=1, max_size=11),
    family=st.sampled_from(sorted(CONFIGS)),
    kind=st.sampled_from(KINDS),
    write=st.sampled_from(["mlp.hook_out", "hook_mlp_out"]),
)
def test_they_add_up_on_any_prompt(
    load: Loader, ids: list[int], family: str, kind: str, write: str
) -> None:
    conserve(*load(family, kind, "hook_resid_mid", write), [1, *ids])


def conserve(model: LanguageModel, transcoders: Transcoders, ids: list[int]) -> None:
    """Conservation, float64: a target's value is the sum of its edges and the listed constants.

    Tolerance 2e-6 of the largest value: the models' own norms and softmaxes compute in float32,
    whatever their weights are in.
    """
    frozen = freeze(model, prompt_of_ids(model, ids), torch.float64)
    sources = find_sources(frozen, transcoders, first_position=1)
    logits = salient_logits(model, frozen, max_n_logits=4)
    bias = frozen.final_norm.bias
    own = torch.zeros(len(logits.ids)).double() if bias is None else logits.directions @ bias
    value = logits.directions @ frozen.final_norm(frozen.final_residual)[-1]
    add_up(frozen, sources, logits.as_targets(frozen), own, value)

    values = []
    for transcoder, block in zip(transcoders.layers, frozen.layers, strict=True):
        mine = sources.layer == transcoder.layer
        weight, bias = (part.double() for part in transcoder.encoder())
        pre = block.read(transcoder.read_point) @ weight.T + bias
        values.append(pre[sources.position[mine], sources.feature[mine]])
    if sources.n_features:
        everything = torch.arange(sources.n_features)
        targets, bias = feature_targets(sources, everything), sources.encoder(everything)[1]
        add_up(frozen, sources, targets, bias, torch.cat(values))


def add_up(
    frozen: FrozenModel, sources: Sources, targets: Targets, own: torch.Tensor, value: torch.Tensor
) -> None:
    parts = constants(frozen, sources, targets, own)
    assert set(parts) == set(Constant)
    total = direct_effects(frozen, sources, targets).sum(dim=1) + sum(parts.values())
    assert (total - value).abs().max() <= 2e-6 * value.abs().max().clamp(min=1)
