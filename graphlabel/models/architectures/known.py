"""The architectures that can be traced."""

from __future__ import annotations

from graphlabel.models.architectures.adapter import Architecture, Norm

LLAMA = Architecture(model_types=("llama", "mistral", "qwen2", "qwen3"))
"""Llama 2 and 3 and the models that share its block: Mistral, Qwen 2 and 2.5, Qwen 3."""

GEMMA_2 = Architecture(
    model_types=("gemma2",),
    mlp_norm="pre_feedforward_layernorm",
    post_attention_norm="post_attention_layernorm",
    post_mlp_norm="post_feedforward_layernorm",
    norm=Norm(weight_offset=1.0),
    embedding_scale=lambda d_model: d_model**0.5,
)

ARCHITECTURES = (LLAMA, GEMMA_2)
