"""Text that a model writes itself, from nothing but the token that texts begin with."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Int

from graphlabel.atomic import write_bytes
from graphlabel.errors import EvidenceError
from graphlabel.models import LanguageModel, beginning_token

NAME = "self"
"""What such a corpus is called."""
_SEQUENCES = 32
"""Sequences sampled, and kept, together."""


def sampled_sequences(
    model: LanguageModel,
    context_length: int,
    seed: int,
    folder: Path,
    report: Callable[[int], None] = lambda _: None,
) -> Iterator[list[int]]:
    """Endless sequences at temperature 1, each from its beginning to the model's end of text.

    What was sampled is kept in ``folder``, so that nothing is sampled twice; ``report`` is told
    the tokens so far. Each group has a seed of its own. Raises EvidenceError when it cannot be
    written.
    """
    seen = 0
    for number in count():
        path = folder / f"{number:06d}.npy"
        if not path.is_file():
            _keep(path, _sampled(model, context_length, seed * 1_000_003 + number))
        for row in np.load(path, allow_pickle=False):
            ids = _until_end(row.tolist(), _ends(model))
            seen += len(ids)
            report(seen)
            yield ids


@torch.no_grad()
def _sampled(
    model: LanguageModel, context_length: int, seed: int
) -> Int[np.ndarray, "sequences positions"]:
    start = torch.full((_SEQUENCES, 1), beginning_token(model), device=model.device)
    devices = [model.device] if model.device.type == "cuda" else []
    with torch.random.fork_rng(devices=devices):
        torch.manual_seed(seed)
        ids = model.model.generate(  # type: ignore[operator]
            input_ids=start,
            attention_mask=torch.ones_like(start),
            do_sample=True,
            temperature=1.0,
            top_k=0,
            top_p=1.0,
            max_new_tokens=context_length - 1,
            pad_token_id=_ends(model)[0],
        )
    found = np.full((_SEQUENCES, context_length), _ends(model)[0], np.int64)
    found[:, : ids.shape[1]] = ids.cpu().numpy()
    return found


def _ends(model: LanguageModel) -> list[int]:
    """The tokens after which a text is over, the one that pads first."""
    end = model.tokenizer.eos_token_id
    return [beginning_token(model) if end is None else int(end)]


def _until_end(ids: list[int], ends: list[int]) -> list[int]:
    stop = next((place for place in range(1, len(ids)) if ids[place] in ends), len(ids))
    return ids[:stop]


def _keep(path: Path, ids: Int[np.ndarray, "sequences positions"]) -> None:
    buffer = io.BytesIO()
    np.save(buffer, ids)
    write_bytes(path, buffer.getvalue(), EvidenceError)
