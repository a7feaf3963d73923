"""A tiny chat model made into an NLA: an AV that names six directions, an AR that knows them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
import yaml
from safetensors.torch import save_file
from tokenizers import Tokenizer, models, pre_tokenizers, processors
from torch import nn
from transformers import (
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    PreTrainedTokenizerFast,
    Qwen2Config,
    Qwen2ForCausalLM,
)

WIDTH = 32
LAYER = 1
WORDS = ("capitals", "rivers", "numbers", "verbs", "colours", "code")
TEMPLATE = "say what the vector <concept> {injection_char} </concept> is"
CRITIC = "<text> {explanation} </text> <summary>"
_TEXT = (
    *TEMPLATE.replace("{injection_char}", "㈎").split(),
    *CRITIC.replace("{explanation}", "x").split(),
)
_VOCABULARY = dict.fromkeys(("<unk>", "<bos>", "<eos>", "<turn>", "?", "Layer:", "1", "0", "<explanation>",
                             "</explanation>", *_TEXT, *WORDS, "the", "of", "Dallas", "is"))  # fmt: skip
VOCABULARY = {word: number for number, word in enumerate(_VOCABULARY)}
SCALE = {"qwen2": 6.0, "gemma3_text": 40.0}


@dataclass(frozen=True)
class Pair:
    """Where an AV, its AR and the model they read are."""

    av: Path
    ar: Path
    source: Path
    directions: np.ndarray
    """One row a word, float32, orthogonal."""


def tokenizer(*, bos: bool) -> PreTrainedTokenizerFast:
    """Words between spaces; with ``bos`` a text begins with <bos>, also in the chat template."""
    words = Tokenizer(models.WordLevel(VOCABULARY, unk_token="<unk>"))
    words.pre_tokenizer = pre_tokenizers.WhitespaceSplit()
    if bos:
        words.post_processor = processors.TemplateProcessing(
            single="<bos> $A", special_tokens=[("<bos>", VOCABULARY["<bos>"])]
        )
    made = PreTrainedTokenizerFast(
        tokenizer_object=words,
        unk_token="<unk>",
        eos_token="<eos>",
        bos_token="<bos>" if bos else None,
    )
    start = "<bos> " if bos else ""
    made.chat_template = (
        start + "{% for m in messages %}{{ m['content'] }} {% endfor %}"
        "{% if add_generation_prompt %}<turn>{% endif %}"
    )
    return made


def network(family: str, seed: int, layers: int = 2) -> Any:
    """A random model of a family, float32."""
    torch.manual_seed(seed)
    common = {
        "vocab_size": len(VOCABULARY), "hidden_size": WIDTH, "intermediate_size": 64,
        "num_hidden_layers": layers, "num_attention_heads": 2, "num_key_value_heads": 1,
        "max_position_embeddings": 64, "eos_token_id": VOCABULARY["<eos>"], "pad_token_id": 0,
        "bos_token_id": None, "tie_word_embeddings": True,
    }  # fmt: skip
    if family == "qwen2":
        return Qwen2ForCausalLM(Qwen2Config(**common))
    return Gemma3ForCausalLM(Gemma3TextConfig(**common, head_dim=16, query_pre_attn_scalar=16))


def sidecar(family: str, **changes: Any) -> dict[str, Any]:
    """An AV's sidecar, with changes to its sections."""
    whole: dict[str, Any] = {
        "kind": "nla_model", "role": "av", "d_model": WIDTH, "extraction_layer_index": LAYER,
        "extraction": {"injection_scale": SCALE[family], "mse_scale": math.sqrt(WIDTH)},
        "tokens": {
            "injection_char": "㈎", "injection_token_id": VOCABULARY["㈎"],
            "injection_left_neighbor_id": VOCABULARY["<concept>"],
            "injection_right_neighbor_id": VOCABULARY["</concept>"],
        },
        "prompt_templates": {"av": TEMPLATE},
    }  # fmt: skip
    for name, value in changes.items():
        whole[name] = {**whole[name], **value} if isinstance(whole.get(name), dict) else value
    return whole


def write_sidecar(folder: Path, content: dict[str, Any]) -> Path:
    path = folder / "nla_meta.yaml"
    path.write_text(yaml.safe_dump(content, allow_unicode=True), encoding="utf-8")
    return path


def make_pair(folder: Path, family: str, *, steps: int = 250) -> Pair:
    """Train an AV and an AR on the spot (a few seconds) and save both as released ones are."""
    generator = np.random.default_rng(0)
    basis, _ = np.linalg.qr(generator.normal(size=(WIDTH, WIDTH)))
    directions = basis[: len(WORDS)].astype(np.float32)
    words = tokenizer(bos=family != "qwen2")
    pair = Pair(folder / "av", folder / "ar", folder / "source", directions)
    for place in (pair.av, pair.ar, pair.source):
        place.mkdir(parents=True)
        words.save_pretrained(place)
    network(family, seed=5, layers=3).save_pretrained(pair.source)
    _train_av(network(family, seed=1), words, family, directions, steps).save_pretrained(pair.av)
    write_sidecar(pair.av, sidecar(family))
    critic, head = _train_ar(network(family, seed=2, layers=LAYER + 1), words, directions, steps)
    critic.save_pretrained(pair.ar)
    save_file({"weight": head.weight.detach().contiguous()}, pair.ar / "value_head.safetensors")
    suffix = [VOCABULARY[word] for word in ("</text>", "<summary>")]
    write_sidecar(pair.ar, {
        "kind": "nla_model", "role": "critic", "d_model": WIDTH,
        "critic": {"extraction_layer_index": LAYER}, "extraction": {"mse_scale": math.sqrt(WIDTH)},
        "tokens": {"critic_suffix_ids": suffix}, "prompt_templates": {"critic": CRITIC},
    })  # fmt: skip
    return pair


def _train_av(model: Any, words: Any, family: str, directions: np.ndarray, steps: int) -> Any:
    """Teach a model to say ``<explanation> word </explanation>`` of an injected direction."""
    chat = [{"role": "user", "content": TEMPLATE.replace("{injection_char}", "㈎")}]
    prompt = words.apply_chat_template(
        chat, tokenize=True, add_generation_prompt=True, return_dict=True
    )["input_ids"]
    place = prompt.index(VOCABULARY["㈎"])
    answers = [
        words.encode(f"<explanation> the {word} </explanation> <eos>", add_special_tokens=False)
        for word in WORDS
    ]
    ids = torch.tensor([prompt + answer for answer in answers])
    labels = ids.clone()
    labels[:, : len(prompt)] = -100
    vectors = torch.from_numpy(directions) * SCALE[family]
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3)
    for _ in range(steps):
        rows = model.get_input_embeddings()(ids)
        mask = torch.zeros_like(ids, dtype=torch.bool)
        mask[:, place] = True
        rows = torch.where(mask[..., None], vectors[:, None, :], rows)
        loss = model(inputs_embeds=rows, labels=labels).loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval()


def _train_ar(model: Any, words: Any, directions: np.ndarray, steps: int) -> tuple[Any, nn.Linear]:
    """Teach the output of the last block, at the last token, the direction of a word."""
    torch.manual_seed(3)
    head = nn.Linear(WIDTH, WIDTH, bias=False)
    ids = torch.tensor(
        [words(CRITIC.replace("{explanation}", f"the {word}"))["input_ids"] for word in WORDS]
    )
    wanted = torch.from_numpy(directions)
    optimizer = torch.optim.AdamW([*model.parameters(), *head.parameters()], lr=3e-3)
    for _ in range(steps):
        states: list[torch.Tensor] = []
        handle = model.model.layers[-1].register_forward_hook(
            lambda _m, _i, output, kept=states: kept.append(
                output[0] if isinstance(output, tuple) else output
            )
        )
        model.model(input_ids=ids, use_cache=False)
        handle.remove()
        again = head(states[0][:, -1])
        loss = 1 - torch.cosine_similarity(again, wanted).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval(), head
