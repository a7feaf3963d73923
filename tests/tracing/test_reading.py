"""What transcoders read is the same for a trace and for an index; every device traces alike."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from small_models import CONFIGS, KINDS, READS

from graphlabel.models import LanguageModel, Transcoders, prompt_of_ids
from graphlabel.models.capture import transcoder_inputs
from graphlabel.tracing import TraceSettings, trace, verify
from graphlabel.tracing.frozen import freeze

IDS = [1, 10, 21, 5, 44, 10, 30]
Loader = Callable[..., tuple[LanguageModel, Transcoders]]
DEVICES = ["cuda"] if torch.cuda.is_available() else []


@pytest.mark.parametrize("family", CONFIGS)
def test_an_index_reads_what_a_trace_reads(load: Loader, family: str) -> None:
    """float32, tolerance 1e-5."""
    points = READS.get(family, ("mlp.hook_in", "hook_resid_mid", "ln2.hook_normalized"))
    for point in points:
        model, transcoders = load(family, "relu", point, dtype=torch.float32)
        frozen = freeze(model, prompt_of_ids(model, IDS), torch.float32)
        inputs = transcoder_inputs(model, transcoders, torch.tensor([IDS, IDS]))
        for block, transcoder, x in zip(frozen.layers, transcoders.layers, inputs, strict=True):
            assert x.shape == (2, len(IDS), model.d_model)
            torch.testing.assert_close(x[1], block.read(transcoder.read_point), atol=1e-5, rtol=0)


def test_frozen_norms_are_the_models_own(load: Loader) -> None:
    """The final norm and what follows it, float32: 1e-5 and, for logits, 1e-4."""
    for family in CONFIGS:
        model, _ = load(family, "relu", dtype=torch.float32)
        frozen = freeze(model, prompt_of_ids(model, IDS), torch.float32)
        with torch.no_grad():
            final = model.module(model.architecture.final_norm)(frozen.final_residual)
            logits = model.module(model.architecture.unembedding)(final[-1])
        torch.testing.assert_close(frozen.final_norm(frozen.final_residual), final, atol=1e-5, rtol=1e-5)  # fmt: skip
        cap = getattr(model.config, "final_logit_softcapping", None)
        logits = torch.tanh(logits / cap) * cap if cap else logits
        torch.testing.assert_close(logits, frozen.logits, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("device", DEVICES)
@pytest.mark.parametrize(("family", "kind"), zip(CONFIGS, (KINDS * 2)[: len(CONFIGS)], strict=True))
def test_a_gpu_traces_as_the_cpu_does(load: Loader, device: str, family: str, kind: str) -> None:
    """float64: rows by autograd 1e-10; the CPU's matrix 1e-5 (models compute in float32 inside)."""
    model, transcoders = load(family, kind)
    settings = TraceSettings(dtype="float64", max_feature_nodes=None)
    prompt = prompt_of_ids(model, IDS)
    expected = trace(model, transcoders, prompt, settings)
    try:
        model.model.to(device)
        found = trace(model, transcoders, prompt, settings)
        assert verify(model, transcoders, found, settings, 10).worst <= 1e-10
    finally:
        model.model.to("cpu")
    np.testing.assert_array_equal(found.active_features, expected.active_features)
    scale = np.abs(expected.adjacency).max()
    np.testing.assert_allclose(found.adjacency, expected.adjacency, atol=1e-5 * scale)
