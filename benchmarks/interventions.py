"""What two-hop answers owe to the state between city and capital, by intervening on atlas.

Run: `OMP_NUM_THREADS=1 python benchmarks/interventions.py [--model DIR --transcoders DIR]`. A
hundred prompts, two cities a state, one of which never stood in a two-hop sentence. In each graph
the features that stand for the right state (F1 of 1/2 or more against the generator's record, on
fresh text) are a supernode, and those that stand for the capital, the answer itself, another.
Printed are the mean probability of the capital before and after these are switched off or
reversed, and of the next state's capital when that prompt's features take their place, the change
of its log-odds, and in how many prompts it is then the answer; beside each a control with as many
random features of the same layers, from the graph pruned at 0.98, five times a prompt. Intervals
are of 95 %, by bootstrap. Graphs that hold no such feature are counted and left out.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float
from scipy import sparse
from scipy.stats import bootstrap

from graphlabel import atlas
from graphlabel.atlas.gold import LEVELS, f1_at_levels
from graphlabel.graph import FeatureKey, Node
from graphlabel.models import (
    LanguageModel,
    Transcoders,
    load_language_model,
    load_transcoders,
    read_prompt,
)
from graphlabel.models.capture import transcoder_inputs
from graphlabel.tracing import TraceSettings, pruned_graph, trace
from graphlabel.tracing.interventions import (
    Experiment,
    Intervention,
    Regime,
    for_nodes,
    in_place_of,
)

TEMPLATE = "Fact: the capital of the state containing {city} is"
SUPERNODES: Mapping[str, tuple[str, ...]] = {
    "state": ("state", "place", "city in", "after place", "after city in"),
    "capital": ("answer", "next", "capital"),
}
"""The concept families of features that stand for it."""
STANDS_FOR = 0.5
TEXT_SEED = 7_000
CONTROLS = 5
"""Random supernodes a prompt."""
CONTROLS_FROM = 0.98
"""Node threshold of the graphs that controls are drawn from; at the usual 0.8 atlas's first layer
has few other features."""


@dataclass(frozen=True)
class Prompt:
    """A two-hop prompt, features of its graph and those of them that stand for something."""

    city: str
    state: str
    capital: int
    experiment: Experiment
    nodes: tuple[Node, ...]
    """Those of a larger graph (node threshold 0.98): controls are drawn from them."""
    supernodes: Mapping[str, tuple[Node, ...]]

    def logits(
        self, interventions: Sequence[Intervention], regime: Regime
    ) -> Float[torch.Tensor, " vocabulary"]:
        """What the model says when features are changed."""
        return self.experiment.run(interventions, regimes=[regime]).after[regime].logits


Stands = Mapping[FeatureKey, Sequence[tuple[str, str, float]]]
"""What each feature stands for: which supernode, whose, and above which activation."""


def stands_for(model: LanguageModel, transcoders: Transcoders, n_tokens: int) -> Stands:
    """The features with an F1 of 1/2 or more for a concept, on text that no training saw."""
    documents = list(atlas.documents(TEXT_SEED, n_tokens))
    vocabulary = model.tokenizer.get_vocab()
    ids = torch.tensor([[vocabulary[piece] for piece in each.pieces] for each in documents])
    blocks: list[list[sparse.csr_matrix]] = []
    for part in ids.split(64):
        inputs = transcoder_inputs(model, transcoders, part)
        pairs = zip(transcoders.layers, inputs, strict=True)
        blocks.append([sparse.csr_matrix(t.encode(x).flatten(0, 1).numpy()) for t, x in pairs])
    firing = sparse.csr_matrix(sparse.vstack([sparse.hstack(block) for block in blocks]))
    peaks = np.asarray(firing.max(0).todense()).ravel()
    keys = [FeatureKey(t.layer, i) for t in transcoders.layers for i in range(t.n_features)]
    found: dict[FeatureKey, list[tuple[str, str, float]]] = defaultdict(list)
    for name, families in SUPERNODES.items():
        concepts, scores = f1_at_levels(firing, documents, families)
        for level, f1 in zip(LEVELS, scores, strict=True):
            for feature, concept in zip(*np.nonzero(f1 >= STANDS_FOR), strict=True):
                whose = concepts[concept].split(":", 1)[1]
                found[keys[feature]].append((name, whose, level * float(peaks[feature])))
    return found


def prompts_of(model: LanguageModel, transcoders: Transcoders, stands: Stands) -> Iterator[Prompt]:
    """The prompts, traced: of every state a city that stood in two-hop sentences, and another."""
    vocabulary = model.tokenizer.get_vocab()
    states = atlas.load_world().states
    for cities in zip(*((s.held_out_cities[0], s.seen_cities[0]) for s in states), strict=True):
        for state, city in zip(states, cities, strict=True):
            read = read_prompt(model, TEMPLATE.format(city=city.name))
            traced = trace(model, transcoders, read)
            nodes, more = (
                tuple(node for node in pruned_graph(traced, each).nodes if node.is_feature)
                for each in (TraceSettings(), TraceSettings(node_threshold=CONTROLS_FROM))
            )
            wanted = {"state": state.name, "capital": state.capital}
            yield Prompt(
                city.name,
                state.name,
                vocabulary[f" {state.capital}"],
                Experiment(model, transcoders, read),
                more,
                {name: _standing(nodes, stands, name, whose) for name, whose in wanted.items()},
            )


def _standing(nodes: Sequence[Node], stands: Stands, name: str, whose: str) -> tuple[Node, ...]:
    return tuple(
        node
        for node in nodes
        if any(
            (group, entity) == (name, whose) and (node.activation or 0.0) > floor
            for group, entity, floor in stands.get(node.key.feature_key, ())
        )
    )


def random_supernodes(
    prompt: Prompt, name: str, generator: np.random.Generator
) -> list[tuple[Node, ...]]:
    """As many other features of the graph, layer by layer; none where a layer has too few."""
    mine, layers = prompt.supernodes[name], [n.key.layer for n in prompt.supernodes[name]]
    others = {
        layer: [n for n in prompt.nodes if n.key.layer == layer and n not in mine]
        for layer in sorted(set(layers))
    }
    if any(len(nodes) < layers.count(layer) for layer, nodes in others.items()):
        return []
    return [
        tuple(
            nodes[i]
            for layer, nodes in others.items()
            for i in generator.permutation(len(nodes))[: layers.count(layer)]
        )
        for _ in range(CONTROLS)
    ]


def interval(values: Float[np.ndarray, " prompts"]) -> str:
    """A mean with its interval."""
    if len(values) < 2 or np.ptp(values) == 0:
        return f"{np.mean(values):6.3f} (all alike)"
    found = bootstrap((values,), np.mean, rng=0, n_resamples=2000, method="percentile")
    low, high = found.confidence_interval
    return f"{np.mean(values):6.3f} [{low:6.3f}, {high:6.3f}]"


class Tally:
    """What became of a token's probability, prompt by prompt."""

    def __init__(self) -> None:
        self.before: list[float] = []
        self.after: list[float] = []
        self.log_odds: list[float] = []
        self.answers: list[float] = []

    def add(self, token: int, before: torch.Tensor, after: Sequence[torch.Tensor]) -> None:
        """One prompt's logits without the change and with it, or the mean over several changes."""
        if not after:
            return
        old, new = _log_odds(before, token), [_log_odds(logits, token) for logits in after]
        self.before.append(float(torch.sigmoid(old)))
        self.after.append(float(np.mean([float(torch.sigmoid(each)) for each in new])))
        self.log_odds.append(float(np.mean([float(each - old) for each in new])))
        self.answers.append(float(np.mean([int(logits.argmax()) == token for logits in after])))

    def show(self, title: str) -> None:
        """One line."""
        if self.before:
            print(
                f"  {title:36} {np.mean(self.before):5.3f} → {interval(np.array(self.after))}  "
                f"log-odds {interval(np.array(self.log_odds))}  "
                f"the answer in {sum(self.answers):5.1f} of {len(self.after)}"
            )


def _log_odds(logits: torch.Tensor, token: int) -> torch.Tensor:
    others = torch.cat([logits[:token], logits[token + 1 :]]).double()
    return logits[token].double() - others.logsumexp(0)


def suppress(prompts: Sequence[Prompt], name: str, regime: Regime, factor: float) -> None:
    """The right capital when a supernode is scaled, beside random ones."""
    generator, own, control = np.random.default_rng(0), Tally(), Tally()
    for prompt in prompts:
        before = prompt.logits([], regime)
        changed = prompt.logits(for_nodes(prompt.supernodes[name], factor), regime)
        own.add(prompt.capital, before, [changed])
        draws = random_supernodes(prompt, name, generator)
        tried = [prompt.logits(for_nodes(drawn, factor), regime) for drawn in draws]
        control.add(prompt.capital, before, tried)
    own.show(f"{name} × {factor:g}")
    control.show("  as many random features")


def swap(
    prompts: Sequence[Prompt], others: Sequence[Prompt], name: str, regime: Regime, factor: float
) -> None:
    """The other prompt's capital when its features take the place of this one's."""
    generator, own, control = np.random.default_rng(0), Tally(), Tally()
    for prompt, other in zip(prompts, others, strict=True):
        before = prompt.logits([], regime)
        off = for_nodes(prompt.supernodes[name], 0.0)
        put = in_place_of(off, other.supernodes[name], factor)
        own.add(other.capital, before, [prompt.logits(put, regime)])
        draws = random_supernodes(other, name, generator)
        tried = [prompt.logits(in_place_of(off, drawn, factor), regime) for drawn in draws]
        control.add(other.capital, before, tried)
    own.show(f"another's {name} × {factor:g} in its place")
    control.show("  as many random features of theirs")


def main() -> None:
    """Print everything."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", type=Path, default=atlas.MODEL_FOLDER)
    parser.add_argument("--transcoders", type=Path, default=atlas.TRANSCODERS_FOLDER)
    parser.add_argument("--tokens", type=int, default=200_000, help="of text that judges features")
    options = parser.parse_args()
    model = load_language_model(str(options.model))
    transcoders = load_transcoders(str(options.transcoders))
    stands = stands_for(model, transcoders, options.tokens)
    prompts = list(prompts_of(model, transcoders, stands))
    n = len(prompts)
    right = sum(int(p.experiment.frozen.logits.argmax()) == p.capital for p in prompts)
    print(f"{n} prompts; the model's answer is the right capital in {right}")
    for name in SUPERNODES:
        held = [prompt for prompt in prompts if prompt.supernodes[name]]
        sizes = [len(prompt.supernodes[name]) for prompt in held]
        mean = f", {np.mean(sizes):.1f} features each" if sizes else ""
        print(f"\n{name}: {len(held)} of {n} graphs hold a feature of it{mean}")
        print(f"  {n - len(held)} graphs hold none and are left out")
        if len(held) < 2:
            continue
        # the next state's prompt of the same kind, where it holds one too
        others = [held[(i + 1) % len(held)] for i in range(len(held))]
        for regime in Regime:
            print(f"  -- {regime}: probability of the right capital")
            for factor in (0.0, -1.0):
                suppress(held, name, regime, factor)
            print(f"  -- {regime}: probability of the other capital")
            for factor in (1.0, 2.0):
                swap(held, others, name, regime, factor)


if __name__ == "__main__":
    main()
