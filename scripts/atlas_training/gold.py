"""The gold file of atlas: where each feature fires, judged by the generator's record."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import torch
from scipy import sparse
from transformers import LlamaForCausalLM

from graphlabel.atlas import documents
from graphlabel.atlas.gold import find_gold, write_gold
from scripts.atlas_training.transcoder_files import load_transcoder

GOLD_SEED = 6_000
GOLD_TOKENS = 400_000


@torch.no_grad()
def activations_of(
    model: LlamaForCausalLM, folder: Path, rows: torch.Tensor
) -> tuple[list[str], sparse.csr_matrix]:
    """The features' names and their activations: one row a token, documents in turn."""
    layers = list(model.model.layers)
    transcoders = [load_transcoder(folder, layer) for layer in range(len(layers))]
    blocks: list[list[sparse.csr_matrix]] = []
    for start in range(0, len(rows), 64):
        seen: list[sparse.csr_matrix] = []
        handles = [
            layer.mlp.register_forward_hook(
                lambda _, args, __, transcoder=transcoder, seen=seen: seen.append(
                    sparse.csr_matrix(transcoder.encode(args[0].flatten(0, 1)).numpy())
                )
            )
            for layer, transcoder in zip(layers, transcoders, strict=True)
        ]
        model.model(rows[start : start + 64])
        for handle in handles:
            handle.remove()
        blocks.append(seen)
    names = [
        f"{layer}/{feature}"
        for layer, transcoder in enumerate(transcoders)
        for feature in range(transcoder.encoder.shape[0])
    ]
    return names, sparse.csr_matrix(sparse.vstack([sparse.hstack(seen) for seen in blocks]))


def build_gold(
    model: LlamaForCausalLM, out: Path, vocab: dict[str, int], seed: int, n_tokens: int
) -> dict[str, dict[str, int]]:
    """Write gold.jsonl; returns how many features of each half are of each class or left out."""
    found = list(documents(seed + GOLD_SEED, n_tokens))
    rows = torch.tensor([[vocab[piece] for piece in document.pieces] for document in found])
    names, activations = activations_of(model, out / "transcoders", rows)
    gold = find_gold(names, activations, found)
    write_gold(gold, out / "gold.jsonl")
    return {
        name: dict(sorted(Counter(entry.chosen or entry.status for entry in part).items()))
        for name, part in {
            "dev": [entry for entry in gold if entry.half == "dev"],
            "held-out": [entry for entry in gold if entry.half == "held-out"],
            "clear": [entry for entry in gold if entry.clear],
        }.items()
    }
