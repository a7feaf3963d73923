"""Linear layers laid out for oneDNN against the same layers as they were, bfloat16."""

from __future__ import annotations

import copy

import pytest
import torch

from graphlabel.embedding import packed
from graphlabel.embedding.packed import pack_linears
from graphlabel.processor import cpu_has_bfloat16

pytestmark = pytest.mark.skipif(
    not (cpu_has_bfloat16() and packed._has_operators()), reason="no bfloat16 products here"
)
TOLERANCE = 2**-6
"""Of numbers about 1 in size; a bfloat16 has 8 bits."""


def bert(activation: str) -> torch.nn.Module:
    """A small BERT with seeded weights."""
    from transformers import BertConfig, BertModel

    torch.manual_seed(0)
    config = BertConfig(
        vocab_size=50,
        hidden_size=32,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=64,
        hidden_act=activation,
    )
    model: torch.nn.Module = BertModel(config).eval().to(torch.bfloat16)
    return model


@pytest.mark.parametrize("activation", ["gelu", "relu", "gelu_new"])
@pytest.mark.parametrize("shape", [(1, 3), (7, 11)])
def test_the_layers_give_what_they_gave(activation: str, shape: tuple[int, int]) -> None:
    model = bert(activation)
    faster = copy.deepcopy(model)
    pack_linears(faster)
    ids = torch.arange(shape[0] * shape[1]).view(shape) % 50
    with torch.inference_mode():
        expected, found = (each(ids).last_hidden_state.float() for each in (model, faster))
    torch.testing.assert_close(found, expected, atol=TOLERANCE, rtol=TOLERANCE)
    assert "forward" in vars(faster.encoder.layer[0].intermediate.dense)


def test_without_the_operators_all_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed, "_has_operators", lambda: False)
    model = bert("gelu")
    pack_linears(model)
    assert not any("forward" in vars(module) for module in model.modules())
