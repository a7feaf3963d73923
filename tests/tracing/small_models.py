"""Small random models and transcoders written to disk, as a user would have them."""

from __future__ import annotations

from pathlib import Path

import torch
import yaml
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers
from transformers import (
    AutoModelForCausalLM,
    Gemma2Config,
    Gemma3Config,
    Gemma3TextConfig,
    GPT2Config,
    GPTNeoXConfig,
    LlamaConfig,
    MistralConfig,
    Olmo2Config,
    Phi3Config,
    PretrainedConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

VOCABULARY = 60
D_MODEL = 32
N_LAYERS = 3
WIDTH = 48
CHAT_TEMPLATE = "{{ bos_token }}{% for message in messages %}{{ ' w9 ' + message['content'] + ' w8' }}{% endfor %}"

_SPECIALS = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 3}
_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": D_MODEL,
    "intermediate_size": 64,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    **_SPECIALS,
    "tie_word_embeddings": False,
}
_GEMMA = {**_SHAPE, "query_pre_attn_scalar": 8, "sliding_window": 4}
_NEOX = {
    name: value for name, value in _SHAPE.items() if "key_value" not in name and name != "head_dim"
}


def _gemma3_text() -> Gemma3TextConfig:
    kinds = ["sliding_attention", "full_attention", "sliding_attention"]
    return Gemma3TextConfig(**_GEMMA, layer_types=kinds)


def _gemma3() -> Gemma3Config:
    vision = {"hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 1,
              "num_attention_heads": 2, "image_size": 14, "patch_size": 14}  # fmt: skip
    return Gemma3Config(
        text_config=_gemma3_text().to_dict(), vision_config=vision, mm_tokens_per_image=1,
        image_token_index=59, boi_token_index=58, eoi_token_index=57, tie_word_embeddings=False,
    )  # fmt: skip


CONFIGS = {
    "llama": lambda: LlamaConfig(**_SHAPE),
    "mistral": lambda: MistralConfig(**_SHAPE, sliding_window=4),
    "qwen2": lambda: Qwen2Config(**_SHAPE),
    "qwen3": lambda: Qwen3Config(**_SHAPE),
    "phi3": lambda: Phi3Config(**_SHAPE, sliding_window=4),
    "gemma2": lambda: Gemma2Config(**_GEMMA, attn_logit_softcapping=5.0, final_logit_softcapping=6.0),
    "gemma3_text": _gemma3_text,
    "gemma3": _gemma3,
    "olmo2": lambda: Olmo2Config(**_SHAPE),
    "gpt2": lambda: GPT2Config(
        vocab_size=VOCABULARY, n_embd=D_MODEL, n_layer=N_LAYERS, n_head=4, n_positions=64,
        tie_word_embeddings=False, **_SPECIALS,
    ),
    "gpt_neox": lambda: GPTNeoXConfig(**_NEOX, use_parallel_residual=True),
    "gpt_neox_sequential": lambda: GPTNeoXConfig(**_NEOX, use_parallel_residual=False),
}  # fmt: skip
KINDS = ["relu", "jump_relu", "topk", "batch_topk", "skip", "clt", "clt_skip", "gap"]
READS = {"olmo2": ("mlp.hook_in", "hook_resid_mid")}
"""Read points of families that lack one."""


def save_model(folder: Path, family: str, seed: int = 0) -> Path:
    """A random model of a family with a word-level tokenizer, in Hugging Face's form."""
    torch.manual_seed(seed)
    config: PretrainedConfig = CONFIGS[family]()
    model = AutoModelForCausalLM.from_config(config)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if parameter.dim() == 1 and name.endswith("weight"):
                parameter.add_(torch.randn_like(parameter) * 0.2)
            else:
                parameter.copy_(torch.randn_like(parameter) * 0.25)
    model.save_pretrained(folder)
    specials = ["<unk>", "<bos>", "<eos>", "<pad>"]
    words = specials + [f"w{i}" for i in range(VOCABULARY - len(specials))]
    tokenizer = Tokenizer(models.WordLevel({w: i for i, w in enumerate(words)}, unk_token="<unk>"))
    tokenizer.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        unk_token="<unk>",
        bos_token="<bos>",
        eos_token="<eos>",
        pad_token="<pad>",
        chat_template=CHAT_TEMPLATE,
    ).save_pretrained(folder)
    return folder


def save_transcoders(
    folder: Path,
    kind: str,
    *,
    read: str = "mlp.hook_in",
    write: str = "mlp.hook_out",
    seed: int = 1,
) -> Path:
    """Random transcoders in circuit-tracer's layout, of one of KINDS."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    cross = kind.startswith("clt")
    config = {
        "model_kind": "cross_layer_transcoder" if cross else "transcoder_set",
        "model_name": "tiny",
        "scan": f"tiny-{kind}",
        "feature_input_hook": read,
        "feature_output_hook": write,
        "activation": kind if kind in ("jump_relu", "topk", "batch_topk") else "relu",
    }
    if kind == "topk":
        config["k"] = 6
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for layer in range(N_LAYERS):
        tensors = {
            "W_enc": torch.randn(WIDTH, D_MODEL) * 0.3,
            "b_enc": torch.randn(WIDTH) * 0.1 - 0.4,
            "b_dec": torch.randn(D_MODEL) * 0.1,
        }
        decoder = torch.randn(WIDTH, N_LAYERS - layer if cross else 1, D_MODEL) * 0.2
        if kind.endswith("skip"):
            tensors["W_skip"] = torch.randn(D_MODEL, D_MODEL) * 0.1
        if kind == "jump_relu":
            tensors["activation_function.threshold"] = torch.rand(WIDTH) * 0.2
        if kind == "batch_topk":
            tensors["threshold"] = torch.tensor(0.3)
        if cross:
            numbered = {f"{name}_{layer}": tensor for name, tensor in tensors.items()}
            save_file(numbered, folder / f"W_enc_{layer}.safetensors")
            save_file({f"W_dec_{layer}": decoder}, folder / f"W_dec_{layer}.safetensors")
        elif not (kind == "gap" and layer == 1):
            tensors["W_dec"] = decoder[:, 0].contiguous()
            save_file(tensors, folder / f"layer_{layer}.safetensors")
    return folder
