"""How plainly the features of the transcoders tell what the model knows.

A feature is chosen for a concept on one half of the fresh sentences; its F1 (firing against
holding) is reported on the other half.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TypedDict

import numpy as np
import torch
from scipy import sparse
from transformers import LlamaForCausalLM

from graphlabel.atlas import documents, load_world
from graphlabel.atlas.drafts import every_draft
from graphlabel.atlas.pieces import BOS
from scripts.atlas_training.transcoder import Transcoder
from scripts.atlas_training.transcoder_files import load_transcoder

PLAIN = 0.5
STORY_SEED = 5_000
SHOWN = "Texas"


class Best(TypedDict):
    """The feature chosen for a concept, as layer/feature, with its F1 on the other half."""

    feature: str
    f1: float


class Story(TypedDict):
    """The three measures; the counts are of states, out of fifty."""

    states_at_city: int
    states_at_answer: int
    plain_share: float
    plain_share_per_layer: list[float]
    mean_f1_at_city: float
    mean_f1_at_answer: float
    texas_at_city: Best
    texas_at_answer: Best
    states_without_feature: dict[str, list[str]]
    tokens: int


class Features:
    """Which features of all layers fire, at every position of sequences of one length."""

    def __init__(self, model: LlamaForCausalLM, transcoders: Sequence[Transcoder]) -> None:
        self._model = model
        self._transcoders = transcoders
        self.widths = [transcoder.encoder.shape[0] for transcoder in transcoders]

    def name(self, index: int) -> str:
        """A feature as layer/feature."""
        layer = 0
        while index >= self.widths[layer]:
            index -= self.widths[layer]
            layer += 1
        return f"{layer}/{index}"

    @torch.no_grad()
    def firing(self, rows: torch.Tensor, last_only: bool = False) -> sparse.csr_matrix:
        """One row a position; a column for each feature of each layer in turn."""
        found: list[list[torch.Tensor]] = [[] for _ in self._transcoders]
        handles = [
            layer.mlp.register_forward_hook(
                lambda _, args, __, kept=kept: kept.append(
                    args[0][:, -1:] if last_only else args[0]
                )
            )
            for layer, kept in zip(self._model.model.layers, found, strict=True)
        ]
        for start in range(0, len(rows), 128):
            self._model.model(rows[start : start + 128])
        for handle in handles:
            handle.remove()
        blocks = [
            sparse.vstack(
                [
                    sparse.csr_matrix(
                        transcoder.encode(x.flatten(0, 1)).numpy() > 0, dtype=np.float32
                    )
                    for x in kept
                ]
            )
            for transcoder, kept in zip(self._transcoders, found, strict=True)
        ]
        return sparse.csr_matrix(sparse.hstack(blocks))


def _f1(fires: sparse.csr_matrix, holds: sparse.csr_matrix) -> np.ndarray:
    """F1 of every feature (row) for every concept (column)."""
    both = np.asarray((fires.T @ holds).todense())
    total = np.asarray(fires.sum(0)).reshape(-1, 1) + np.asarray(holds.sum(0)).reshape(1, -1)
    scores: np.ndarray = 2 * both / np.maximum(total, 1)
    return scores


def _one_hot(columns: Sequence[Sequence[int]], width: int) -> sparse.csr_matrix:
    pointers = np.cumsum([0, *(len(row) for row in columns)])
    indices = np.fromiter((column for row in columns for column in row), dtype=np.int64)
    values = np.ones(len(indices), dtype=np.float32)
    return sparse.csr_matrix((values, indices, pointers), shape=(len(columns), width))


def _for_states(
    features: Features, fires: sparse.csr_matrix, states: Sequence[int], half: np.ndarray
) -> tuple[list[Best], list[float]]:
    holds = _one_hot([[state] for state in states], len(load_world().states))
    chosen = _f1(fires[half], holds[half]).argmax(0)
    other = _f1(fires[~half], holds[~half])
    values = [float(other[feature, state]) for state, feature in enumerate(chosen)]
    best: list[Best] = [
        {"feature": features.name(int(feature)), "f1": round(value, 3)}
        for feature, value in zip(chosen, values, strict=True)
    ]
    return best, values


def _at_answer(
    features: Features, vocab: dict[str, int], seed: int
) -> tuple[list[Best], list[float]]:
    index = {state.capital: i for i, state in enumerate(load_world().states)}
    groups: dict[int, tuple[list[list[int]], list[int]]] = {}
    for draft in every_draft("two_hop"):
        pieces, answer = draft.pieces(), draft.template.answer or 0
        rows, states = groups.setdefault(answer, ([], []))
        rows.append([vocab[BOS], *(vocab[piece] for piece in pieces[:answer])])
        states.append(index[pieces[answer].strip()])
    blocks = [features.firing(torch.tensor(rows), last_only=True) for rows, _ in groups.values()]
    every = [state for _, states in groups.values() for state in states]
    half = np.random.default_rng(seed).random(len(every)) < 0.5
    return _for_states(features, sparse.csr_matrix(sparse.vstack(blocks)), every, half)


def measure_story(
    model: LlamaForCausalLM, folder: Path, vocab: dict[str, int], seed: int, n_tokens: int = 131_072
) -> Story:
    """Measure the saved transcoders of a folder on fresh sentences."""
    world = load_world()
    layers = range(len(model.model.layers))
    features = Features(model, [load_transcoder(folder, layer) for layer in layers])
    found = list(documents(seed + STORY_SEED, n_tokens))
    fires = features.firing(torch.tensor([[vocab[p] for p in doc.pieces] for doc in found]))
    pieces = [piece.strip() for doc in found for piece in doc.pieces]
    half = np.arange(len(pieces)) < len(pieces) // 2

    state_of = {city.name: i for i, state in enumerate(world.states) for city in state.cities}
    cities = np.array([piece in state_of for piece in pieces])
    states = [state_of[piece] for piece in pieces if piece in state_of]
    city_best, city_f1 = _for_states(features, fires[cities], states, half[cities])
    answer_best, answer_f1 = _at_answer(features, vocab, seed)

    index: dict[str, int] = {}
    columns = [
        [index.setdefault(c, len(index)) for c in sorted(concepts)]
        for doc in found
        for concepts in doc.concepts
    ]
    holds = _one_hot(columns, len(index))
    chosen = _f1(fires[half], holds[half]).argmax(1)
    plain = _f1(fires[~half], holds[~half])[np.arange(len(chosen)), chosen] > PLAIN
    texas = world.states.index(world.state_by_name[SHOWN])
    names = [state.name for state in world.states]
    return {
        "states_at_city": sum(value > PLAIN for value in city_f1),
        "states_at_answer": sum(value > PLAIN for value in answer_f1),
        "plain_share": round(float(plain.mean()), 4),
        "plain_share_per_layer": [
            round(float(part.mean()), 4)
            for part in np.split(plain, np.cumsum(features.widths)[:-1])
        ],
        "mean_f1_at_city": round(float(np.mean(city_f1)), 4),
        "mean_f1_at_answer": round(float(np.mean(answer_f1)), 4),
        "texas_at_city": city_best[texas],
        "texas_at_answer": answer_best[texas],
        "states_without_feature": {
            place: [name for name, value in zip(names, values, strict=True) if value <= PLAIN]
            for place, values in (("city", city_f1), ("answer", answer_f1))
        },
        "tokens": len(pieces),
    }
