"""Whether the hop of two-hop prompts, the state between city and capital, is in their graphs.

For a hundred prompts, two cities a state of which one never stood in a two-hop sentence: does the
pruned graph hold a feature of the right state, what becomes of the answer when those features are
suppressed, and when those of another state take their place.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple, TypedDict

import numpy as np
import torch

from graphlabel.atlas import documents, load_world
from graphlabel.atlas.gold import LEVELS, f1_at_levels
from graphlabel.graph import FeatureKey, NodeKind
from graphlabel.models import LanguageModel, load_language_model, load_transcoders, read_prompt
from graphlabel.tracing import pruned_graph, trace
from scripts.atlas_training.gold import activations_of
from scripts.atlas_training.transcoder_files import load_transcoder

HOP_SEED = 7_000
TEMPLATE = "Fact: the capital of the state containing {city} is"
STANDS_FOR = 0.5
FAMILIES = ("state", "place", "city in", "after place", "after city in")


class Hop(TypedDict):
    """The measures; counts are of prompts."""

    prompts: int
    with_state: int
    """Prompts whose pruned graph holds a feature of the right state (F1 of 1/2 or more)."""
    state_nodes: float
    """How many such nodes a graph has, on average."""
    probability: float
    """Mean probability of the right capital."""
    probability_without: float
    """The same with these nodes' features set to zero."""
    probability_suppressed: float
    """The same with these nodes' features at minus their activation."""
    lowered: int
    """Prompts in which suppressing lowers the right capital's probability by half or more."""
    swapped: int
    """Prompts in which another state's features, twice as strong, make its capital the answer."""
    swapped_probability: float
    """Mean probability of that other capital after the swap."""
    replacement: float
    """Mean replacement score."""
    completeness: float
    nodes: float
    """Mean number of feature nodes in the pruned graph."""


class StateFeature(NamedTuple):
    """A feature that stands for a state where its activation exceeds a floor."""

    state: str
    floor: float


class Writing(NamedTuple):
    """A feature at a position with the activation to add there."""

    layer: int
    feature: int
    position: int
    activation: float


@dataclass(frozen=True)
class Traced:
    """A prompt and the nodes of its state in its pruned graph."""

    ids: torch.Tensor
    answer: int
    nodes: tuple[Writing, ...]
    n_features: int
    replacement: float
    completeness: float


def state_features(
    model: LanguageModel, folder: Path, seed: int, n_tokens: int = 200_000
) -> dict[FeatureKey, list[StateFeature]]:
    """The features that fire for one state, its name or its places, by the generator's record."""
    found = list(documents(seed + HOP_SEED, n_tokens))
    vocab = model.tokenizer.get_vocab()
    rows = torch.tensor([[vocab[piece] for piece in document.pieces] for document in found])
    names, activations = activations_of(model.model, folder, rows)
    keys = [FeatureKey(*map(int, name.split("/"))) for name in names]
    stands: dict[FeatureKey, list[StateFeature]] = {}
    peaks = np.asarray(activations.max(0).todense()).ravel()
    concepts, scores = f1_at_levels(activations, found, FAMILIES)
    for level, f1 in zip(LEVELS, scores, strict=True):
        for feature, concept in zip(*np.nonzero(f1 >= STANDS_FOR), strict=True):
            state = concepts[concept].split(":", 1)[1]
            entry = StateFeature(state, level * float(peaks[feature]))
            stands.setdefault(keys[feature], []).append(entry)
    return stands


def hop_prompts() -> Iterator[tuple[str, str, str]]:
    """Two-hop prompts with the state between and its capital."""
    for state in load_world().states:
        for city in (state.held_out_cities[0], state.seen_cities[0]):
            yield TEMPLATE.format(city=city.name), state.name, state.capital


@contextmanager
def writing(
    model: LanguageModel, decoders: Sequence[torch.Tensor], writings: Sequence[Writing]
) -> Iterator[None]:
    """While this lasts, the MLPs write more (or less) of some features than they do."""
    handles = []
    for layer in {each.layer for each in writings}:

        def hook(
            _: torch.nn.Module, __: object, output: torch.Tensor, layer: int = layer
        ) -> torch.Tensor:
            changed = output.clone()
            for each in writings:
                if each.layer == layer:
                    changed[:, each.position] += each.activation * decoders[layer][each.feature]
            return changed

        handles.append(model.block(layer).mlp.register_forward_hook(hook))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _times(nodes: Sequence[Writing], factor: float) -> list[Writing]:
    return [node._replace(activation=node.activation * factor) for node in nodes]


@torch.no_grad()
def _probabilities(
    model: LanguageModel,
    decoders: Sequence[torch.Tensor],
    prompt: Traced,
    writings: Sequence[Writing] = (),
) -> torch.Tensor:
    with writing(model, decoders, writings):
        logits: torch.Tensor = model.model(prompt.ids).logits[0, -1]
        return logits.softmax(-1)


def _trace_all(
    model: LanguageModel, folder: Path, stands: Mapping[FeatureKey, Sequence[StateFeature]]
) -> list[Traced]:
    transcoders = load_transcoders(str(folder))
    vocab = model.tokenizer.get_vocab()
    found = []
    for text, state, capital in hop_prompts():
        traced = trace(model, transcoders, read_prompt(model, text))
        features = [n for n in pruned_graph(traced).nodes if n.key.kind is NodeKind.FEATURE]
        nodes = tuple(
            Writing(node.key.layer, node.key.feature, node.key.position, node.activation or 0.0)
            for node in features
            if any(
                entry.state == state and (node.activation or 0.0) > entry.floor
                for entry in stands.get(node.key.feature_key, ())
            )
        )
        found.append(
            Traced(
                torch.tensor([traced.prompt.ids]),
                vocab[f" {capital}"],
                nodes,
                len(features),
                traced.scores.replacement,
                traced.scores.completeness,
            )
        )
    return found


def measure_hop(out: Path, seed: int) -> Hop:
    """Measure the model and the transcoders of a folder."""
    model = load_language_model(str(out / "model"))
    decoders = [load_transcoder(out / "transcoders", i).decoder for i in range(model.n_layers)]
    prompts = _trace_all(
        model, out / "transcoders", state_features(model, out / "transcoders", seed)
    )
    plain, without, suppressed, after = [], [], [], []
    swapped = 0
    for place, prompt in enumerate(prompts):
        # the next state's prompt of the same kind
        other = prompts[(place + 2) % len(prompts)]
        plain.append(float(_probabilities(model, decoders, prompt)[prompt.answer]))
        for results, factor in ((without, -1.0), (suppressed, -2.0)):
            changed = _probabilities(model, decoders, prompt, _times(prompt.nodes, factor))
            results.append(float(changed[prompt.answer]))
        swap = _times(prompt.nodes, -1.0) + _times(other.nodes, 2.0)
        changed = _probabilities(model, decoders, prompt, swap)
        after.append(float(changed[other.answer]))
        swapped += int(changed.argmax()) == other.answer
    return {
        "prompts": len(prompts),
        "with_state": sum(bool(prompt.nodes) for prompt in prompts),
        "state_nodes": round(float(np.mean([len(prompt.nodes) for prompt in prompts])), 2),
        "probability": round(float(np.mean(plain)), 4),
        "probability_without": round(float(np.mean(without)), 4),
        "probability_suppressed": round(float(np.mean(suppressed)), 4),
        "lowered": sum(x <= p / 2 for x, p in zip(suppressed, plain, strict=True)),
        "swapped": swapped,
        "swapped_probability": round(float(np.mean(after)), 4),
        "replacement": round(float(np.mean([prompt.replacement for prompt in prompts])), 4),
        "completeness": round(float(np.mean([prompt.completeness for prompt in prompts])), 4),
        "nodes": round(float(np.mean([prompt.n_features for prompt in prompts])), 1),
    }
