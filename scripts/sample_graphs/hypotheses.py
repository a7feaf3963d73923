"""Does the model need a supernode for its answer? Switched off, beside random ones."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from graphlabel.cli.traced_with import prompt_of
from graphlabel.files import GraphDocument
from graphlabel.graph import Node
from graphlabel.models import LanguageModel, Transcoders
from graphlabel.tracing.interventions import (
    Experiment,
    Intervention,
    Regime,
    firing,
    for_nodes,
)
from scripts.sample_graphs.samples import Sample

CONTROLS = 50
"""Random supernodes a test."""
BY_CHANCE = 0.05
"""A fall counts when no larger share of the random supernodes reaches it."""


@dataclass(frozen=True)
class Tested:
    """What became of the answer's log-probability; nats, as changes."""

    slug: str
    answer: str
    supernode: str
    features: int
    before: float
    """Its probability on the unchanged prompt."""
    after: float
    """And with the supernode off."""
    direct: float
    """The change of its logit, less that of the mean logit, that the graph's links foretell."""
    change: float
    """Of its log-probability, nothing held."""
    controls: tuple[float, ...]
    """The same for random supernodes."""

    @property
    def as_low(self) -> int:
        """Random supernodes without which it falls at least as far."""
        return sum(each <= self.change for each in self.controls)

    @property
    def verdict(self) -> str:
        """Whether the answer became less likely, and further than chance takes it."""
        if self.change >= 0:
            return "no, it rises"
        if self.as_low > BY_CHANCE * len(self.controls):
            return "no further than chance"
        return "yes"


def tested(
    document: GraphDocument, sample: Sample, model: LanguageModel, transcoders: Transcoders
) -> list[Tested]:
    """Switch each of a sample's supernodes off, and as many other features that fire.

    Each control takes, for every feature, another one that fires in the same layer at the same
    position. Raises UsageError when the graph is of another model or other transcoders.
    """
    experiment = Experiment(model, transcoders, prompt_of(document, model))
    (answer,) = model.tokenizer.encode(sample.answer, add_special_tokens=False)
    found = []
    for name in sample.tests:
        if nodes := _members(document, name):
            firing(experiment, nodes)
            found.append(_tested(experiment, sample, answer, name, nodes))
    return found


def _tested(
    experiment: Experiment, sample: Sample, answer: int, name: str, nodes: Sequence[Node]
) -> Tested:
    before = experiment.frozen.logits
    regimes = (Regime.CONSTRAINED, Regime.FREE)
    after = experiment.run(for_nodes(nodes, 0.0), regimes=regimes).after
    moved = after[Regime.CONSTRAINED].logits - before
    controls = [
        _log_probability(
            experiment.run(drawn, regimes=[Regime.FREE]).after[Regime.FREE].logits, answer
        )
        for drawn in _random(experiment, nodes, np.random.default_rng(0))
    ]
    start, end = (_log_probability(x, answer) for x in (before, after[Regime.FREE].logits))
    return Tested(
        slug=sample.slug,
        answer=sample.answer,
        supernode=name,
        features=len(nodes),
        before=float(np.exp(start)),
        after=float(np.exp(end)),
        direct=float(moved[answer] - moved.mean()),
        change=end - start,
        controls=tuple(each - start for each in controls),
    )


def _members(document: GraphDocument, name: str) -> list[Node]:
    group = document.annotations.supernode(name)
    members = set(group.members if group else ())
    return [node for node in document.graph.nodes if node.key in members and node.is_feature]


def _log_probability(logits: Float[Tensor, " vocabulary"], token: int) -> float:
    return float(torch.log_softmax(logits.double(), -1)[token])


def _random(
    experiment: Experiment, nodes: Sequence[Node], generator: np.random.Generator
) -> list[list[Intervention]]:
    """As many other features that fire, each in the layer and at the position of one of these."""
    taken = {(n.key.layer, n.key.position, n.key.feature) for n in nodes}
    found = []
    for _ in range(CONTROLS):
        drawn: dict[tuple[int, int, int], Intervention] = {}
        for layer, position, _ in sorted(taken):
            fires = torch.nonzero(experiment.activations(layer)[position] > 0).flatten().tolist()
            free = [f for f in fires if (layer, position, f) not in taken | drawn.keys()]
            if free:
                feature = int(generator.choice(free))
                drawn[layer, position, feature] = Intervention(layer, feature, position, 0.0)
        found.append(list(drawn.values()))
    return found


def table(results: Sequence[Tested]) -> str:
    """The results in Markdown."""
    lines = [
        "| graph | without | predicted: p of | its logit, by the links | p before → after "
        "| change of log p | random supernodes: mean (lowest) | as low | held |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    return "\n".join([*lines, *map(_row, results)])


def _row(each: Tested) -> str:
    return (
        f"| {each.slug} | {each.supernode} ({each.features}) | `{each.answer}` falls "
        f"| {each.direct:+.2f} | {each.before:.3f} → {each.after:.3f} | {each.change:+.2f} "
        f"| {np.mean(each.controls):+.2f} ({min(each.controls):+.2f}) "
        f"| {each.as_low} of {len(each.controls)} | {each.verdict} |"
    )
