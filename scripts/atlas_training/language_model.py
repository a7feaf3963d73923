"""The language model of atlas: its configuration and its training."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from transformers import LlamaConfig, LlamaForCausalLM

from graphlabel.atlas import load_world
from graphlabel.atlas.pieces import BOS, EOS, PAD
from scripts.atlas_training.corpus import Corpus
from scripts.atlas_training.tokenizer import MAX_LENGTH

SHARED = 0.9
"""The cosine between the frozen embeddings of a word and its spaced form is SHARED squared."""


@dataclass(frozen=True)
class ModelOptions:
    """Shape of the model and settings of its training."""

    layers: int = 3
    width: int = 192
    heads: int = 4
    key_value_heads: int = 2
    mlp_width: int = 384
    steps: int = 1200
    batch: int = 32
    rate: float = 4e-3
    final_rate: float = 1e-5
    warmup: int = 50
    weight_decay: float = 0.1
    frozen_embedding: bool = True
    embedding_scale: float = 1.0
    """Root mean square of a frozen embedding's entries."""
    output_penalty: float = 0.02
    """Weight in the loss of the size of what the MLPs write: its root mean square at a token,
    averaged over tokens and summed over layers. Not squared, so that a layer with nothing to add
    writes nothing, rather than every layer a little."""
    output_noise: float = 0.2
    """Standard deviation of noise added, in training alone, to every entry that an MLP writes.
    With the penalty it is an information bottleneck: what is written must stand out, so what no
    later layer asks for, such as which city of a state it was, is not written."""
    alike_penalty: float = 0.3
    """Weight in the loss of how much of what the first MLP writes at cities tells cities of one
    state apart (its share of the variance there). It plants the hop: the generator's knowledge of
    the states shapes the model, so the state at the city is not something it came to by itself."""


def build_model(options: ModelOptions, vocab: dict[str, int], seed: int) -> LlamaForCausalLM:
    """A freshly initialised model, its embeddings tied or its input embedding frozen.

    A trained embedding holds what is known about a name, such as the state of a city. With frozen
    random directions an MLP has to look it up, so that features of the transcoders do too.
    """
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(vocab),
        hidden_size=options.width,
        intermediate_size=options.mlp_width,
        num_hidden_layers=options.layers,
        num_attention_heads=options.heads,
        num_key_value_heads=options.key_value_heads,
        head_dim=options.width // options.heads,
        max_position_embeddings=MAX_LENGTH,
        bos_token_id=vocab[BOS],
        eos_token_id=vocab[EOS],
        pad_token_id=vocab[PAD],
        tie_word_embeddings=not options.frozen_embedding,
        attn_implementation="sdpa",
    )
    model = LlamaForCausalLM(config)
    if options.frozen_embedding:
        embedding = model.get_input_embeddings().weight
        with torch.no_grad():
            directions = _word_directions(vocab, options.width, seed)
            embedding.copy_(directions * options.embedding_scale * options.width**0.5)
        embedding.requires_grad_(False)
    return model


def _word_directions(vocab: dict[str, int], width: int, seed: int) -> torch.Tensor:
    """A random direction for each word; with and without a space before it they are close."""
    generator = torch.Generator().manual_seed(seed)
    words = {word: row for row, word in enumerate(dict.fromkeys(t.strip() for t in vocab))}
    shared = torch.randn(len(words), width, generator=generator)
    own = torch.randn(len(vocab), width, generator=generator)
    rows = torch.tensor([words[token.strip()] for token in vocab])
    directions = SHARED * shared[rows] + (1 - SHARED**2) ** 0.5 * own
    return directions / directions.norm(dim=1, keepdim=True)


def _rate(step: int, options: ModelOptions) -> float:
    if step < options.warmup:
        return options.rate * (step + 1) / options.warmup
    done = (step - options.warmup) / max(1, options.steps - options.warmup)
    cosine = 0.5 * (1 + math.cos(math.pi * done))
    return options.final_rate + (options.rate - options.final_rate) * cosine


def _groups(model: LlamaForCausalLM, options: ModelOptions) -> Iterator[dict[str, object]]:
    trained = [p for p in model.parameters() if p.requires_grad]
    matrices = [p for p in trained if p.dim() >= 2]
    vectors = [p for p in trained if p.dim() < 2]
    yield {"params": matrices, "weight_decay": options.weight_decay}
    yield {"params": vectors, "weight_decay": 0.0}


@contextmanager
def _mlp_outputs(model: LlamaForCausalLM, noise: float) -> Iterator[list[torch.Tensor]]:
    """A list that a run of the model fills with what its MLPs write before noise joins it."""
    outputs: list[torch.Tensor] = []

    def hook(_: torch.nn.Module, __: object, output: torch.Tensor) -> torch.Tensor | None:
        outputs.append(output)
        return output + noise * torch.randn_like(output) if noise else None

    handles = [layer.mlp.register_forward_hook(hook) for layer in model.model.layers]
    try:
        yield outputs
    finally:
        for handle in handles:
            handle.remove()


def states_of_tokens(vocab: dict[str, int]) -> torch.Tensor:
    """For each token id the place of its state among the states; -1 where it is no city.

    Capitals are left out, as two-hop sentences never start from them.
    """
    states = {c.name: i for i, state in enumerate(load_world().states) for c in state.cities}
    return torch.tensor([states.get(token.strip(), -1) for token in vocab])


def within_share(values: torch.Tensor, groups: torch.Tensor) -> torch.Tensor:
    """The share of the variance of the rows that lies within groups; group -1 is left out."""
    kept = groups >= 0
    values = values[kept]
    _, members, sizes = groups[kept].unique(return_inverse=True, return_counts=True)
    sums = torch.zeros(len(sizes), values.shape[1]).index_add(0, members, values)
    within = (values - (sums / sizes[:, None])[members]).pow(2).sum()
    return within / (values - values.mean(0)).pow(2).sum().clamp_min(1e-12)


def _loss(
    model: LlamaForCausalLM, ids: torch.Tensor, options: ModelOptions, states: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """The cross-entropy of the next token, and the same with the penalties on MLP outputs."""
    with _mlp_outputs(model, options.output_noise) as outputs:
        logits = model(ids).logits[:, :-1]
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), ids[:, 1:].flatten())
    total = loss
    if options.output_penalty:
        sizes = [(output.pow(2).mean(-1) + 1e-6).sqrt().mean() for output in outputs]
        total = total + options.output_penalty * torch.stack(sizes).sum()
    if options.alike_penalty:
        written = outputs[0].flatten(0, 1)
        total = total + options.alike_penalty * within_share(written, states[ids.flatten()])
    return loss, total


def train_model(
    model: LlamaForCausalLM,
    corpus: Corpus,
    options: ModelOptions,
    states: torch.Tensor,
    report: Callable[[int, float, float], None],
) -> list[float]:
    """Train on next-token prediction; returns the mean loss of each block of a hundred steps.

    `states` groups the token ids, see `states_of_tokens`.
    """
    optimizer = torch.optim.AdamW(_groups(model, options), lr=options.rate, betas=(0.9, 0.98))
    model.train()
    losses: list[float] = []
    block: list[float] = []
    started = time.perf_counter()
    for step in range(options.steps):
        for group in optimizer.param_groups:
            group["lr"] = _rate(step, options)
        ids = corpus.batch(options.batch)
        loss, total = _loss(model, ids, options, states)
        optimizer.zero_grad(set_to_none=True)
        torch.autograd.backward(total)
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        block.append(float(loss.detach()))
        if len(block) == 100 or step == options.steps - 1:
            losses.append(sum(block) / len(block))
            block = []
            report(step + 1, losses[-1], time.perf_counter() - started)
    model.eval()
    return losses
