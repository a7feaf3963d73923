"""Models of every kind of file, prompts through a template, first positions."""

from __future__ import annotations

import struct
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "tracing"))
from small_models import CONFIGS, D_MODEL, N_LAYERS, save_model

from graphlabel.errors import ModelError, PromptError, UnsupportedArchitectureError, UsageError
from graphlabel.models import LanguageModel, check_dtype, load_language_model, read_prompt
from graphlabel.models.architectures import architecture_of
from graphlabel.models.architectures.known import ARCHITECTURES


@pytest.fixture(scope="module")
def llama(tmp_path_factory: pytest.TempPathFactory) -> LanguageModel:
    return load_language_model(str(save_model(tmp_path_factory.mktemp("m") / "tiny", "llama")))


@pytest.mark.parametrize("family", CONFIGS)
def test_every_family_is_read(tmp_path: Path, family: str) -> None:
    model = load_language_model(str(save_model(tmp_path / family, family)), dtype=torch.bfloat16)
    assert (model.n_layers, model.d_model) == (N_LAYERS, D_MODEL)
    assert model.context_length == 64
    assert model.is_parallel == (family == "gpt_neox")
    assert next(model.model.parameters()).dtype == torch.bfloat16
    assert read_prompt(model, "w0 w1").ids == (1, 4, 5)


def test_the_registry_names_every_model_type_once() -> None:
    types = [name for each in ARCHITECTURES for name in each.model_types]
    assert len(types) == len(set(types))
    with pytest.raises(UnsupportedArchitectureError, match=r"“bloom”.*gemma3, gemma3_text.*qwen3"):
        architecture_of("bloom")


@pytest.mark.parametrize(
    ("family", "name", "first"),
    [
        ("gemma3_text", "google/gemma-3-1b-it", 4),
        ("gemma3", "gemma-3-4b-it", 4),
        ("gemma3_text", "google/gemma-3-1b-pt", 1),
        ("gemma2", "google/gemma-2-2b-it", 1),
        ("llama", "gemma-3-it", 1),
    ],
)
def test_instruction_tuned_gemma_3_begins_after_its_header(
    family: str, name: str, first: int
) -> None:
    assert architecture_of(family).first_feature_position(name) == first


def test_a_snapshot_of_the_hub_keeps_its_id(tmp_path: Path) -> None:
    commit = "0123456789" * 4
    folder = tmp_path / "models--google--gemma-3-1b-it" / "snapshots" / commit
    model = load_language_model(str(save_model(folder, "gemma3_text")))
    assert model.name == "google/gemma-3-1b-it"
    assert model.revision == commit
    assert model.first_feature_position == 4


def test_a_chat_prompt_goes_through_the_template(llama: LanguageModel) -> None:
    prompt = read_prompt(llama, "w0 w1", chat=True)
    assert prompt.tokens == ("<bos>", "w9", "w0", "w1", "w8")
    assert prompt.text == "<bos> w9 w0 w1 w8"


def test_there_are_never_two_first_tokens(llama: LanguageModel) -> None:
    assert read_prompt(llama, "<bos> <bos> w0").ids == (1, 4)
    doubled = (
        "{{ bos_token }} {{ bos_token }}{% for m in messages %} {{ m['content'] }}{% endfor %}"
    )
    before = llama.tokenizer.chat_template
    try:
        llama.tokenizer.chat_template = doubled
        assert read_prompt(llama, "w0", chat=True).ids == (1, 4)
        llama.tokenizer.chat_template = "{{ raise_exception('no\nsuch role') }}"
        with pytest.raises(PromptError, match="template of tiny fails: no") as caught:
            read_prompt(llama, "w0", chat=True)
        assert "\n" not in str(caught.value)
        llama.tokenizer.chat_template = None
        with pytest.raises(PromptError, match="no chat template"):
            read_prompt(llama, "w0", chat=True)
    finally:
        llama.tokenizer.chat_template = before


def test_mps_has_no_float64() -> None:
    with pytest.raises(UsageError, match="no float64"):
        check_dtype(torch.float64, torch.device("mps"))
    check_dtype(torch.float64, torch.device("cpu"))
    check_dtype(torch.float32, torch.device("mps"))


def test_corrupt_weights_are_one_line(tmp_path: Path) -> None:
    folder = save_model(tmp_path / "tiny", "llama")
    weights = folder / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:-200])
    with pytest.raises(ModelError, match="cannot load the model in") as caught:
        load_language_model(str(folder))
    assert "\n" not in str(caught.value)


def test_a_gguf_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelError, match=r"holds no none\.gguf"):
        load_language_model(str(tmp_path), gguf_file="none.gguf")


def test_a_broken_gguf_file_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "a.gguf").write_bytes(b"GGUF")
    with pytest.raises(ModelError, match=r"cannot load .*a\.gguf: ") as caught:
        load_language_model(str(tmp_path / "a.gguf"))
    assert "\n" not in str(caught.value)


def test_gguf_files_need_their_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from transformers import modeling_gguf_pytorch_utils as utilities

    key = b"general.architecture"
    header = struct.pack("<4sIQQ", b"GGUF", 3, 0, 1)
    entry = struct.pack("<Q", len(key)) + key + struct.pack("<IQ", 8, 5) + b"llama"
    (tmp_path / "a.gguf").write_bytes(header + entry)
    monkeypatch.setattr(utilities, "is_gguf_available", lambda *_: False)
    with pytest.raises(ModelError, match=r"graphlabel\[gguf\]"):
        load_language_model(str(tmp_path / "a.gguf"))


def test_a_gguf_file_holds_the_same_model(llama: LanguageModel, tmp_path: Path) -> None:
    """Written with the gguf package, read through transformers: the same logits, float32, 1e-4."""
    gguf = pytest.importorskip("gguf", reason="needs the gguf extra")
    path = tmp_path / "tiny.gguf"
    write_gguf(gguf, llama, path)
    for loaded in (load_language_model(str(path)), load_language_model(str(tmp_path), gguf_file="tiny.gguf")):  # fmt: skip
        assert loaded.name == "tiny"
        assert loaded.revision.startswith("sha256:")
        ids = torch.tensor([[1, 5, 9, 30]])
        torch.testing.assert_close(loaded.model(ids).logits, llama.model(ids).logits, atol=1e-4, rtol=0)  # fmt: skip


def write_gguf(gguf: object, model: LanguageModel, path: Path) -> None:
    """The model in GGUF, float32; queries and keys in the order that llama.cpp's rotation asks for."""
    config = model.config
    writer = gguf.GGUFWriter(path, "llama")  # type: ignore[attr-defined]
    writer.add_name("tiny")
    writer.add_block_count(config.num_hidden_layers)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(config.hidden_size)
    writer.add_feed_forward_length(config.intermediate_size)
    writer.add_head_count(config.num_attention_heads)
    writer.add_head_count_kv(config.num_key_value_heads)
    writer.add_key_length(config.head_dim)
    writer.add_value_length(config.head_dim)
    writer.add_layer_norm_rms_eps(config.rms_norm_eps)
    writer.add_rope_freq_base(10000.0)
    writer.add_rope_dimension_count(config.head_dim)
    writer.add_vocab_size(config.vocab_size)
    words = ["<unk>", "<bos>", "<eos>", "<pad>", "a", "b", "ab", *(f"w{i}" for i in range(53))]
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(words)
    writer.add_token_merges(["a b"])
    writer.add_token_types([3 if word.startswith("<") else 1 for word in words])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    names = {
        "model.embed_tokens": "token_embd", "model.norm": "output_norm", "lm_head": "output",
        "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
        "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
        "self_attn.o_proj": "attn_output", "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up",
        "mlp.down_proj": "ffn_down", "model.layers": "blk",
    }  # fmt: skip
    heads = {"q_proj": config.num_attention_heads, "k_proj": config.num_key_value_heads}
    for name, tensor in model.model.state_dict().items():
        array = tensor.float().numpy()
        for part, count in heads.items():
            if part in name:
                array = (
                    array.reshape(count, 2, -1, array.shape[1]).swapaxes(1, 2).reshape(array.shape)
                )
        for old, new in names.items():
            name = name.replace(old, new)
        writer.add_tensor(name, np.ascontiguousarray(array))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
