"""One tokenisation pass over many texts: lengths for batching, unknown tokens, padded batches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

REPLACEMENT = "\ufffd"


def clean(text: str) -> str:
    """The text with lone surrogates, which no tokenizer takes, as U+FFFD."""
    if text.isascii():
        return text
    return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


@dataclass(frozen=True, eq=False)
class TokenizedTexts:
    """Token ids of many texts, truncated to what the encoder reads."""

    ids: list[list[int]]
    unknown: Bool[np.ndarray, " texts"]
    """Whether a text has an unknown token, or no token but special ones."""
    pad: int
    pad_left: bool

    def padded(self, places: Int[np.ndarray, " batch"]) -> dict[str, Int[np.ndarray, "batch n"]]:
        """Some texts as input ids, attention mask and token types, int64."""
        rows = [self.ids[place] for place in places]
        longest = max(map(len, rows))
        input_ids = np.full((len(rows), longest), self.pad, dtype=np.int64)
        mask = np.zeros_like(input_ids)
        for number, row in enumerate(rows):
            where = slice(longest - len(row), longest) if self.pad_left else slice(len(row))
            input_ids[number, where] = row
            mask[number, where] = 1
        types = np.zeros_like(mask)
        return {"input_ids": input_ids, "attention_mask": mask, "token_type_ids": types}


def tokenize(tokenizer: Any, texts: Sequence[str], *, special: bool) -> TokenizedTexts:
    """Tokenise texts once, with the special tokens the encoder adds or without.

    Takes tokenizers of transformers and of the tokenizers library (static embeddings). An encoder
    without a tokenizer, or whose tokenizer knows no unknown token, has no unknown texts.
    """
    if not texts or tokenizer is None:
        empty = np.zeros(len(texts), dtype=bool)
        return TokenizedTexts([[] for _ in texts], empty, 0, False)
    if hasattr(tokenizer, "encode_batch"):
        encoded = tokenizer.encode_batch(list(texts), add_special_tokens=special)
        ids, added = [each.ids for each in encoded], 0
        name = getattr(tokenizer.model, "unk_token", None)
        unknown = tokenizer.token_to_id(name) if isinstance(name, str) else None
    else:
        ids = _truncated_ids(tokenizer, texts, special=special)
        added = tokenizer.num_special_tokens_to_add() if special else 0
        unknown = getattr(tokenizer, "unk_token_id", None)
    flags = [len(each) <= added or unknown in each for each in ids]
    return TokenizedTexts(
        ids,
        np.array(flags, dtype=bool),
        int(getattr(tokenizer, "pad_token_id", None) or 0),
        getattr(tokenizer, "padding_side", "right") == "left",
    )


def _truncated_ids(tokenizer: Any, texts: Sequence[str], *, special: bool) -> list[list[int]]:
    """Token ids by a tokenizer of transformers."""
    call = partial(
        tokenizer,
        add_special_tokens=special,
        truncation=True,
        return_attention_mask=False,
        return_token_type_ids=False,
        verbose=False,
    )
    backend = getattr(tokenizer, "backend_tokenizer", None)
    if backend is None:
        return list(call(list(texts))["input_ids"])
    call([""])  # sets how the backend truncates
    # most of a call goes into what it makes of the backend's answer
    return [each.ids for each in backend.encode_batch_fast(list(texts), add_special_tokens=special)]
