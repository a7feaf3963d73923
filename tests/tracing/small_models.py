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
    LlamaConfig,
    MistralConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen3Config,
)

VOCABULARY = 60
D_MODEL = 32
N_LAYERS = 3
WIDTH = 48

_SHAPE = {
    "vocab_size": VOCABULARY,
    "hidden_size": D_MODEL,
    "intermediate_size": 64,
    "num_hidden_layers": N_LAYERS,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 64,
    "bos_token_id": 1,
    "eos_token_id": 2,
    "pad_token_id": 3,
    "tie_word_embeddings": False,
}
CONFIGS = {
    "llama": lambda: LlamaConfig(**_SHAPE),
    "mistral": lambda: MistralConfig(**_SHAPE, sliding_window=4),
    "qwen2": lambda: Qwen2Config(**_SHAPE),
    "qwen3": lambda: Qwen3Config(**_SHAPE),
    "gemma2": lambda: Gemma2Config(
        **_SHAPE,
        query_pre_attn_scalar=8,
        sliding_window=4,
        attn_logit_softcapping=5.0,
        final_logit_softcapping=6.0,
    ),
}


def save_model(folder: Path, family: str, seed: int = 0) -> Path:
    """A random model of a family with a word-level tokenizer, in Hugging Face's form."""
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(CONFIGS[family]())
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            if "norm" in name:
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
    """Random transcoders in circuit-tracer's layout: relu, jump_relu, topk, skip or clt."""
    torch.manual_seed(seed)
    folder.mkdir(parents=True, exist_ok=True)
    config = {
        "model_kind": "cross_layer_transcoder" if kind == "clt" else "transcoder_set",
        "model_name": "tiny",
        "scan": f"tiny-{kind}",
        "feature_input_hook": read,
        "feature_output_hook": write,
        "activation": {"jump_relu": "jump_relu", "topk": "topk"}.get(kind, "relu"),
    }
    if kind == "topk":
        config["k"] = 6
    (folder / "config.yaml").write_text(yaml.safe_dump(config))
    for layer in range(N_LAYERS):
        encoder, bias = torch.randn(WIDTH, D_MODEL) * 0.3, torch.randn(WIDTH) * 0.1 - 0.4
        b_dec = torch.randn(D_MODEL) * 0.1
        if kind == "clt":
            decoder = torch.randn(WIDTH, N_LAYERS - layer, D_MODEL) * 0.2
            names = {f"W_enc_{layer}": encoder, f"b_enc_{layer}": bias, f"b_dec_{layer}": b_dec}
            save_file(names, folder / f"W_enc_{layer}.safetensors")
            save_file({f"W_dec_{layer}": decoder}, folder / f"W_dec_{layer}.safetensors")
            continue
        tensors = {
            "W_enc": encoder,
            "b_enc": bias,
            "W_dec": torch.randn(WIDTH, D_MODEL) * 0.2,
            "b_dec": b_dec,
        }
        if kind == "jump_relu":
            tensors["activation_function.threshold"] = torch.rand(WIDTH) * 0.2
        if kind == "skip":
            tensors["W_skip"] = torch.randn(D_MODEL, D_MODEL) * 0.1
        save_file(tensors, folder / f"layer_{layer}.safetensors")
    return folder
