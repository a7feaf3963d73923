"""Sentence-transformers models with random weights, made on the spot."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

WORDS = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "the", "a", "of", "is", "in", "capital", "texas"]
WORDS += ["austin", "dallas", "##s", "##ing", ",", ".", "!"]
WORDS += [f"w{i}" for i in range(60)] + list("abcdefghij")


def _tokenizer(pad_left: bool = False) -> Any:
    from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors
    from transformers import PreTrainedTokenizerFast

    vocabulary = {word: number for number, word in enumerate(WORDS)}
    made = Tokenizer(models.WordPiece(vocabulary, unk_token="[UNK]"))
    made.normalizer = normalizers.BertNormalizer()
    made.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    made.post_processor = processors.BertProcessing(("[SEP]", 3), ("[CLS]", 2))
    return PreTrainedTokenizerFast(
        tokenizer_object=made, unk_token="[UNK]", pad_token="[PAD]", cls_token="[CLS]",
        sep_token="[SEP]", model_max_length=32, padding_side="left" if pad_left else "right",
    )  # fmt: skip


def save_encoder(
    folder: Path,
    *,
    pooling: str | tuple[str, ...] = "mean",
    normalize: bool = True,
    dense: bool = False,
    pad_left: bool = False,
    prompt: str | None = None,
    seed: int = 0,
) -> Path:
    """Save a two-layer BERT of 32 dimensions with some modules behind it."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import (
        Dense,
        Normalize,
        Pooling,
        Transformer,
    )
    from transformers import BertConfig, BertModel

    torch.manual_seed(seed)
    config = BertConfig(
        vocab_size=len(WORDS), hidden_size=32, num_hidden_layers=2, num_attention_heads=2,
        intermediate_size=64, max_position_embeddings=32,
    )  # fmt: skip
    # random weights of this size make texts differ as they do in trained encoders
    config.initializer_range = 0.2
    BertModel(config).save_pretrained(folder / "bert")
    _tokenizer(pad_left).save_pretrained(folder / "bert")
    width = 32 * (1 if isinstance(pooling, str) else len(pooling))
    modules: list[Any] = [Transformer(str(folder / "bert")), Pooling(32, pooling_mode=pooling)]
    modules += [Dense(width, 16)] * dense + [Normalize()] * normalize
    model = SentenceTransformer(modules=modules, device="cpu")
    if prompt is not None:
        model.prompts, model.default_prompt_name = {"p": prompt}, "p"
    model.save(str(folder / "saved"))
    return folder / "saved"


def save_static_encoder(folder: Path) -> Path:
    """Save a table of word vectors: an encoder without a transformer."""
    from sentence_transformers import SentenceTransformer
    from sentence_transformers.sentence_transformer.modules import StaticEmbedding
    from tokenizers import Tokenizer

    torch.manual_seed(0)
    tokenizer: Tokenizer = _tokenizer()._tokenizer
    static = StaticEmbedding(tokenizer, embedding_dim=24)
    SentenceTransformer(modules=[static], device="cpu").save(str(folder / "static"))
    return folder / "static"
