"""Drawing tokens from a loaded model, with nothing inherited from its checkpoint (torch)."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from graphlabel.labeling.verbalizers.sampling import Sampling
from graphlabel.models import LanguageModel


@torch.no_grad()
def generate(
    model: LanguageModel, network: Any, sampling: Sampling, seed: int, **inputs: Tensor
) -> list[tuple[str, bool]]:
    """What a network says after prompts of one length, and whether it came to an end.

    ``inputs`` is ``input_ids`` or ``inputs_embeds``; ``network`` the model, or it with an adapter.
    """
    prompt = next(iter(inputs.values())).to(model.device)
    mask = torch.ones(prompt.shape[:2], dtype=torch.long, device=model.device)
    settings = _settings(model, sampling)
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        ids = network.generate(
            **dict.fromkeys(inputs, prompt), attention_mask=mask, generation_config=settings
        )
    start = prompt.shape[1] if "input_ids" in inputs else 0
    ends = (
        {settings.eos_token_id}
        if isinstance(settings.eos_token_id, int)
        else set(settings.eos_token_id)
    )
    rows = [row[start:].tolist() for row in ids]
    return [(_text(model.tokenizer, row), any(i in ends for i in row)) for row in rows]


def _settings(model: LanguageModel, sampling: Sampling) -> Any:
    """Plain sampling: checkpoints inherit top-k, top-p and penalties from their base model."""
    from transformers import GenerationConfig

    network: Any = model.model
    own, tokenizer = network.generation_config, model.tokenizer
    ends = own.eos_token_id if own.eos_token_id is not None else int(tokenizer.eos_token_id or 0)
    pad = own.pad_token_id
    if pad is None:
        pad = ends[0] if isinstance(ends, list) else ends
    drawn = {"temperature": sampling.temperature, "top_k": 0, "top_p": 1.0}
    return GenerationConfig(
        max_new_tokens=sampling.max_tokens,
        do_sample=sampling.temperature > 0,
        **(drawn if sampling.temperature > 0 else {}),
        repetition_penalty=1.0,
        eos_token_id=ends,
        pad_token_id=pad,
        bos_token_id=own.bos_token_id,
    )


def _text(tokenizer: Any, ids: list[int]) -> str:
    """Token ids as text without special tokens; tags that are special tokens stay."""
    special = set(tokenizer.all_special_ids)
    kept = [i for i in ids if i not in special or "explanation" in tokenizer.decode([i])]
    return str(tokenizer.decode(kept))
