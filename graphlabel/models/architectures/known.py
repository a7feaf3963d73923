"""The architectures that can be traced."""

from __future__ import annotations

from dataclasses import replace

from graphlabel.models.architectures.adapter import Architecture
from graphlabel.models.architectures.norms import Norm
from graphlabel.models.architectures.projections import Layout, ValueProjection

LLAMA = Architecture(model_types=("llama", "mistral", "qwen2", "qwen3"))
"""Llama 2 and 3 and the models that share its block: Mistral, Qwen 2 and 2.5, Qwen 3."""

PHI_3 = Architecture(
    model_types=("phi3",),
    value=ValueProjection("self_attn.qkv_proj", Layout.LAST),
)

GEMMA_2 = Architecture(
    model_types=("gemma2",),
    mlp_norm="pre_feedforward_layernorm",
    post_attention_norm="post_attention_layernorm",
    post_mlp_norm="post_feedforward_layernorm",
    norm=Norm(weight_offset=1.0),
    embedding_scale=lambda d_model: d_model**0.5,
)

GEMMA_3 = replace(
    GEMMA_2,
    model_types=("gemma3_text",),
    unscaled_in_circuit_tracer=True,
    instruction_header=("gemma-3", 4),
)

GEMMA_3_MULTIMODAL = replace(
    GEMMA_3,
    model_types=("gemma3",),
    blocks="model.language_model.layers",
    embedding="model.language_model.embed_tokens",
    final_norm="model.language_model.norm",
)
"""Gemma 3's text model inside the wrapper that also sees images; prompts are text."""

OLMO_2 = Architecture(
    model_types=("olmo2",),
    attention_norm=None,
    mlp_norm=None,
    post_attention_norm="post_attention_layernorm",
    post_mlp_norm="post_feedforward_layernorm",
)
"""Norms sit on the outputs of attention and MLP, none before them."""

GPT_2 = Architecture(
    model_types=("gpt2",),
    blocks="transformer.h",
    embedding="transformer.wte",
    final_norm="transformer.ln_f",
    attention_norm="ln_1",
    value=ValueProjection("attn.c_attn", Layout.LAST),
    output="attn.c_proj",
    mlp_norm="ln_2",
    norm=Norm(centred=True),
)
"""Position embeddings are no part of a token's vector; they are constants."""

GPT_NEOX = Architecture(
    model_types=("gpt_neox",),
    blocks="gpt_neox.layers",
    embedding="gpt_neox.embed_in",
    final_norm="gpt_neox.final_layer_norm",
    value=ValueProjection("attention.query_key_value", Layout.PER_HEAD),
    output="attention.dense",
    norm=Norm(centred=True),
    parallel_flag="use_parallel_residual",
)
"""Pythia and its kin; attention and MLP side by side, unless the configuration says otherwise."""

ARCHITECTURES = (
    LLAMA, PHI_3, GEMMA_2, GEMMA_3, GEMMA_3_MULTIMODAL, OLMO_2, GPT_2, GPT_NEOX,
)  # fmt: skip
