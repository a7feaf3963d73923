"""Accuracy of the model on the relations of the world."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TypedDict

import torch
from transformers import LlamaForCausalLM

from graphlabel.atlas.drafts import Draft, every_draft
from graphlabel.atlas.pieces import BOS, split
from graphlabel.atlas.templates import ANSWER_SLOT
from graphlabel.atlas.world import load_world

DALLAS_PROMPT = "Fact: the capital of the state containing Dallas is"


class Count(TypedDict):
    """How many prompts got the right next token."""

    correct: int
    total: int
    accuracy: float


def _prompt(draft: Draft) -> tuple[tuple[str, ...], str]:
    pieces = draft.pieces()
    answer = draft.template.answer
    if answer is None:
        raise ValueError(f"{draft.template.label} has no answer")
    return (BOS, *pieces[:answer]), pieces[answer]


@torch.no_grad()
def count_correct(
    model: LlamaForCausalLM, vocab: dict[str, int], drafts: Iterable[Draft]
) -> tuple[Count, list[str]]:
    """Count the prompts whose most likely next token is the answer; also return the misses."""
    by_length: dict[int, list[tuple[tuple[str, ...], str]]] = defaultdict(list)
    for draft in drafts:
        prompt, answer = _prompt(draft)
        by_length[len(prompt)].append((prompt, answer))
    correct = 0
    total = 0
    misses: list[str] = []
    for group in by_length.values():
        for start in range(0, len(group), 512):
            chunk = group[start : start + 512]
            ids = torch.tensor([[vocab[piece] for piece in prompt] for prompt, _ in chunk])
            best = model(ids, logits_to_keep=1).logits[:, -1].argmax(-1).tolist()
            for (prompt, answer), token in zip(chunk, best, strict=True):
                total += 1
                if token == vocab[answer]:
                    correct += 1
                else:
                    misses.append("".join(prompt[1:]) + answer)
    return {"correct": correct, "total": total, "accuracy": correct / max(1, total)}, misses


def evaluate(model: LlamaForCausalLM, vocab: dict[str, int]) -> dict[str, Count]:
    """Accuracy on every filling of every relation; two-hop is given by kind of city."""
    held_out = {city.name for city in load_world().cities if city.held_out}
    results: dict[str, Count] = {}
    for relation in ANSWER_SLOT:
        drafts = list(every_draft(relation))
        if relation == "two_hop":
            seen = [draft for draft in drafts if draft.fill[0] not in held_out]
            unseen = [draft for draft in drafts if draft.fill[0] in held_out]
            results["two_hop_seen"], _ = count_correct(model, vocab, seen)
            results["two_hop_held_out"], misses = count_correct(model, vocab, unseen)
            print("held-out misses:", misses[:20])
        else:
            results[relation], misses = count_correct(model, vocab, drafts)
            if misses:
                print(f"{relation} misses:", misses[:6])
    return results


@torch.no_grad()
def next_tokens(
    model: LlamaForCausalLM, vocab: dict[str, int], text: str, top: int = 5
) -> list[tuple[str, float]]:
    """The most likely next tokens after a text, with their probabilities."""
    ids = torch.tensor([[vocab[BOS], *(vocab[piece] for piece in split(text))]])
    probabilities = model(ids).logits[0, -1].softmax(-1)
    best = probabilities.topk(top)
    names = {index: token for token, index in vocab.items()}
    return [
        (names[int(index)], round(float(value), 4))
        for value, index in zip(best.values, best.indices, strict=True)
    ]
